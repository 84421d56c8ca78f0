// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { CancelledError } from "../../../_internal/base/errors.ts";
import { ItemStream } from "../../../_internal/worker/item_stream.ts";
import { until } from "../../_suites/_helpers.ts";

/** A stream whose values end in a list, with all that it says. */
class Probe {
  readonly items: unknown[] = [];
  readonly events: string[] = [];
  stop: unknown;
  size = 1;
  readonly stream = new ItemStream({
    emit: (value) => {
      this.items.push(value);
      return this.size;
    },
    sent: () => undefined,
    finishing: () => this.events.push("finishing"),
    isStopped: () => this.stop !== undefined,
    reason: () => this.stop,
    paused: (isPaused) => this.events.push(isPaused ? "paused" : "goes on"),
  });

  /** Runs a generator; `ended` says how it ended. */
  run(source: unknown): Promise<void> {
    const done = this.stream.run(source);
    done.then(
      () => this.events.push("ended"),
      () => this.events.push("failed"),
    );
    return done;
  }
}

function* endless(log: string[] = []): Generator<number> {
  try {
    for (let i = 0;; i++) yield i;
  } finally {
    log.push("finally");
  }
}

Deno.test("ItemStream.run() emits each value and ends with the generator", async () => {
  for (
    const source of [
      [1, 2, 3],
      new Set([1, 2, 3]),
      (function* () {
        yield* [1, 2, 3];
      })(),
      (async function* () {
        yield 1;
        await undefined;
        yield* [2, 3];
      })(),
      // As `for await` does.
      [Promise.resolve(1), 2, Promise.resolve(3)],
    ]
  ) {
    const probe = new Probe();
    await probe.run(source);
    assertEquals(probe.items, [1, 2, 3]);
    assertEquals(probe.events, ["ended"]);
  }
});

Deno.test("ItemStream.run() refuses what cannot be iterated over", async () => {
  for (const source of [undefined, null, 5, {}, () => {}]) {
    await assertRejects(() => new Probe().run(source), TypeError, "iterate");
  }
});

Deno.test("ItemStream.run() pauses when its window is full, until values are taken", async () => {
  const probe = new Probe();
  const log: string[] = [];
  const done = probe.run(endless(log));
  await until("it pauses", () => probe.events.at(-1) === "paused");
  const first = probe.items.length;
  assert(first > 0 && first <= 64, `${first}`);
  probe.stream.credit(1);
  await until("it pauses again", () => probe.events.length === 3);
  assertEquals(probe.events, ["paused", "goes on", "paused"]);
  assert(probe.items.length > first);
  // Slow from here on: one for one.
  await new Promise((resolve) => setTimeout(resolve, 20));
  const before = probe.items.length;
  probe.stream.credit(before);
  await until("it pauses again", () => probe.events.length === 5);
  assertEquals(probe.items.length - before, first);
  probe.stream.finish();
  await done;
  assertEquals(log, ["finally"]);
  assertEquals(probe.events.slice(-2), ["finishing", "ended"]);
});

Deno.test("ItemStream.run() counts its window in bytes too, and never has less than one value", async () => {
  const probe = new Probe();
  probe.size = 600_000;
  probe.run(endless());
  await until("it pauses", () => probe.events.at(-1) === "paused");
  assertEquals(probe.items.length, 2);
  probe.stream.credit(2);
  probe.size = 100_000_000;
  await until("it pauses again", () => probe.events.length === 3);
  assertEquals(probe.items.length, 3);
  probe.stream.finish();
  await until("it ends", () => probe.events.at(-1) === "ended");
});

Deno.test("ItemStream.run() gives the generator's error, also the one of its finally", async () => {
  const probe = new Probe();
  await assertRejects(
    () =>
      probe.run((function* () {
        yield 1;
        throw new RangeError("of the generator");
      })()),
    RangeError,
  );
  assertEquals(probe.items, [1]);
  const left = new Probe();
  const done = left.run((function* () {
    try {
      for (;;) yield 1;
    } finally {
      // deno-lint-ignore no-unsafe-finally -- that is the point
      throw new TypeError("of its finally");
    }
  })());
  await until("it pauses", () => left.events.at(-1) === "paused");
  left.stream.finish();
  await assertRejects(() => done, TypeError, "of its finally");
});

Deno.test("ItemStream.run() throws the reason where it is stopped, after its finally", async () => {
  const probe = new Probe();
  const log: string[] = [];
  const done = probe.run(endless(log));
  await until("it pauses", () => probe.events.at(-1) === "paused");
  probe.stop = new CancelledError("enough");
  probe.stream.look();
  await assertRejects(() => done, CancelledError, "enough");
  assertEquals(log, ["finally"]);
  assert(!probe.events.includes("finishing"));
});

Deno.test("ItemStream.run() takes a generator that says it was stopped as one that was left", async () => {
  for (const finishes of [true, false]) {
    const probe = new Probe();
    const gate = Promise.withResolvers<void>();
    const done = probe.run((async function* () {
      yield 1;
      await gate.promise;
      throw probe.stop;
    })());
    await until("it is pulled", () => probe.stream.isPulling);
    probe.stop = new CancelledError("nobody wants more");
    if (finishes) probe.stream.finish();
    gate.resolve();
    if (finishes) await done;
    else await assertRejects(() => done, CancelledError);
    assertEquals(probe.items, [1]);
  }
});
