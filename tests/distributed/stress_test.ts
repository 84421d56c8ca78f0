// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals } from "@std/assert";
import { runDistributed } from "../stress/_distributed/run.ts";
import { hasRedis } from "./_redis.ts";

Deno.test({
  name:
    "DistributedExecutor settles every future once while nodes are killed and Redis is restarted",
  ignore: !hasRedis(),
  async fn() {
    const log: string[] = [];
    const { takeovers: _, reruns, ...counts } = await runDistributed({
      nodes: 2,
      tasks: 300,
      kills: { at: [0.3, 0.7] },
      lockDuration: 1000,
      seed: 2,
      log: (line) => log.push(line),
    });
    const expected = { settled: 300, right: 300, wrong: 0, twice: 0, lost: 0 };
    assertEquals(
      counts,
      { ...expected, kills: 2, restarts: 1 },
      log.join("\n"),
    );
    // Two in nine of the submitted ones fail once on purpose.
    assert(reruns >= 60, `${reruns} reruns`);
  },
});
