// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals } from "@std/assert";
import { Beat } from "../../distributed/_beat.ts";
import { Keys } from "../../distributed/_protocol.ts";
import {
  closeRedis,
  createRedis,
  openRedis,
  parseRedis,
  type Redis,
} from "../../distributed/_redis.ts";
import { soon } from "../_suites/_helpers.ts";
import { redisTest } from "./_redis.ts";

/** Beats whose seconds pass when it is said, to a Redis that answers when it is told to. */
class Bench implements Disposable {
  readonly beat: Beat;
  readonly answers: PromiseWithResolvers<string>[] = [];
  /** Seconds that were heard of. */
  seconds = 0;
  /** What is called each second, while it is. */
  tick: (() => void) | undefined;
  readonly #real = { setInterval, clearInterval };

  constructor() {
    const redis = {
      xadd: () => {
        const answer = Promise.withResolvers<string>();
        this.answers.push(answer);
        return answer.promise;
      },
      pexpire: () => Promise.resolve(1),
    } as unknown as Redis;
    const stats = () =>
      ({}) as ReturnType<ConstructorParameters<typeof Beat>[2]>;
    this.beat = new Beat(redis, new Keys("q"), stats, () => this.seconds++);
    globalThis.setInterval = ((fn: () => void) => {
      this.tick = fn;
      return 1;
    }) as unknown as typeof setInterval;
    globalThis.clearInterval = ((id: unknown) => {
      if (id === 1) this.tick = undefined;
    }) as typeof clearInterval;
  }

  /** What was written has arrived. */
  async arrive(): Promise<void> {
    for (const { resolve } of this.answers) resolve("");
    await settled();
  }

  [Symbol.dispose](): void {
    Object.assign(globalThis, this.#real);
  }
}

/** What follows of itself has followed. */
async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

Deno.test("Beat leaves one out each second while the one before has not arrived, and none that tells of a change", async () => {
  using bench = new Bench();
  const { beat, answers } = bench;
  const started = beat.start();
  assertEquals([answers.length, bench.tick], [1, undefined]);
  await bench.arrive();
  await started;
  for (let i = 0; i < 3; i++) {
    bench.tick!();
    await settled();
  }
  assertEquals([answers.length, bench.seconds], [2, 3]);
  let isTold = false;
  const told = beat.now().then(() => isTold = true);
  await settled();
  assertEquals(answers.length, 2);
  await bench.arrive();
  assertEquals([answers.length, isTold], [3, false]);
  await bench.arrive();
  await soon("it is told", told);
  bench.tick!();
  await settled();
  assertEquals(answers.length, 4);
  beat.stop();

  assertEquals(bench.tick, undefined);
});

Deno.test("Beat goes on after one that Redis has refused", async () => {
  using bench = new Bench();
  const { beat, answers } = bench;
  const started = beat.start();
  await bench.arrive();
  await started;
  const refused = beat.now();
  await settled();
  answers[1]!.reject(new TypeError("OOM"));
  await refused;
  bench.tick!();
  await settled();

  assertEquals(answers.length, 3);
});

Deno.test("Beat.stop() ends what has not begun yet", async () => {
  using bench = new Bench();
  const started = bench.beat.start();
  bench.beat.stop();
  await bench.arrive();
  await started;

  assertEquals(bench.tick, undefined);
});

redisTest(
  "Beat keeps no more beats than are of use",
  async ({ server, url, queue }) => {
    const settings = parseRedis("test", { url, queue });
    const redis = createRedis(settings);
    await openRedis(redis, settings, "test");
    const keys = new Keys(queue);
    const script =
      `for i = 1, 3000 do redis.call("XADD", KEYS[1], "*", "m", "x") end`;
    await server.command("EVAL", script, 1, keys.beats);
    const stats = () =>
      ({}) as ReturnType<ConstructorParameters<typeof Beat>[2]>;
    await new Beat(redis, keys, stats, () => {}).now();
    const length = await redis.xlen(keys.beats);
    await closeRedis(redis);

    // Redis cuts what is easy to cut.
    assert(length >= 1000 && length < 1200, `${length}`);
  },
);
