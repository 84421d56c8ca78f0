// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A program whose tasks look into storages; prints what they find.

import { AsyncLocalStorage } from "node:async_hooks";
import {
  ProcessPoolExecutor,
  ThreadPoolExecutor,
} from "../../../futures/mod.ts";
import { currentHidden, currentRequest, requests, runHidden } from "./store.ts";
import { find, traces } from "./tasks.ts";

const users = new AsyncLocalStorage<string>();

async function outcomeOf(submit: () => PromiseLike<unknown>): Promise<unknown> {
  try {
    return await submit();
  } catch (error) {
    return (error as Error).name;
  }
}

const outcomes: Record<string, unknown>[] = [];
for (const Pool of [ThreadPoolExecutor, ProcessPoolExecutor]) {
  await using pool = new Pool({ maxWorkers: 1 });
  const submit = (fn: () => unknown) => outcomeOf(() => pool.submit(fn));
  outcomes.push(
    await users.run(
      "user",
      () =>
        requests.run(
          "request",
          () =>
            traces.run(
              "trace",
              () =>
                runHidden(async () => ({
                  exported: await submit(find),
                  "of main": await submit(() => users.getStore()),
                  imported: await submit(() => requests.getStore()),
                  "by an import": await submit(() => currentRequest()),
                  passed: await outcomeOf(() =>
                    pool.submit(
                      (storage: typeof users) => storage.getStore(),
                      users,
                    )
                  ),
                  "of no export": await submit(() => currentHidden() ?? "none"),
                })),
            ),
        ),
    ),
  );
}
console.log(JSON.stringify(outcomes));
