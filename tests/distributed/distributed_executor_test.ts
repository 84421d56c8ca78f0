// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import {
  DistributedExecutor,
  RefusedError,
  serve,
} from "../../distributed/mod.ts";
import { task } from "../../futures/mod.ts";
import { area, triple, upTo } from "./_fixtures/exports.ts";
import { redisTest } from "./_redis.ts";

redisTest(
  "DistributedExecutor without a key sends exports by their names, and their options",
  async ({ url, queue }) => {
    await using _node = await serve({
      url,
      queue,
      backend: "threads",
      maxWorkers: 1,
      modules: [import.meta.resolve("./_fixtures/exports.ts")],
    });
    await using executor = new DistributedExecutor({ url, queue });

    assertEquals(await executor.submit(area, 2, 3), 6);
    assertEquals(await executor.submit(triple, 2), 6);
    const areas = executor.starmap(area, [[1, 2], [3, 4]]);
    assertEquals(await Array.fromAsync(areas), [2, 12]);
    assertEquals(await Array.fromAsync(executor.stream(upTo, 3)), [1, 2, 3]);
    const late = task(area, { name: "late", retries: 1 });
    assertEquals(await executor.submit(late, 4, 5), 20);

    const local = (n: number) => area(n, n);
    const error = await assertRejects(
      () => executor.submit(local, 2),
      RefusedError,
      "Cannot run task 'local'",
    );
    assertStringIncludes(error.reason, "its function comes as code");
  },
);

redisTest(
  "DistributedExecutor lets its program end that waits for nothing more",
  async ({ url, queue }) => {
    await using _node = await serve({
      url,
      queue,
      authKey: "key",
      backend: "threads",
      maxWorkers: 1,
    });
    const options = JSON.stringify({ url, queue, authKey: "key" });
    const { code, signal, stdout } = await new Deno.Command(Deno.execPath(), {
      args: [
        "eval",
        "--quiet",
        `import { fromFileUrl } from "@std/path";
import { DistributedExecutor } from "@concurrent/parallel/distributed";
         const executor = new DistributedExecutor(${options});
         console.log(await executor.submit(() => "the last"));`,
      ],
      cwd: fromFileUrl(new URL("../../", import.meta.url)),
      stdin: "null",
      // One that is held would never end.
      signal: AbortSignal.timeout(60_000),
    }).output();

    assertEquals({ code, signal }, { code: 0, signal: null });
    assertEquals(new TextDecoder().decode(stdout), "the last\n");
  },
);
