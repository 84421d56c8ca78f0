// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { NotSupportedError } from "../../threading/mod.ts";
import { Thread } from "../../threading/mod.ts";
import { activitySuite } from "../_suites/activity_suite.ts";
import { Folder, soon, until } from "../_suites/_helpers.ts";
import { hotLoop, workerInfo } from "../_suites/_tasks.ts";

activitySuite(Thread);

Deno.test("Thread.ident is 0 before start(), then the number of the thread", async () => {
  const threads = [1, 2].map(() => new Thread({ target: workerInfo }));
  assertEquals(threads.map(({ ident }) => ident), [0, 0]);
  for (const thread of threads) thread.start();
  for (const thread of threads) {
    assert(thread.ident > 0);
    assertEquals((await thread.result()).id, thread.ident);
    await thread.join();
  }
  assert(threads[0]!.ident !== threads[1]!.ident);
});

Deno.test("Thread with 'permissions' is refused", () => {
  assertThrows(
    () => new Thread({ permissions: "none" }),
    NotSupportedError,
  );
});

Deno.test("Thread.terminate() leaves a hot loop that looks", async () => {
  using folder = new Folder();
  const thread = new Thread({ target: hotLoop, args: [folder.file("log")] })
    .start();
  const result = thread.result().catch(() => {});
  await until("it runs", () => folder.lines("log").length === 1);
  await soon("the end", thread.terminate());
  await result;
});
