// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { AsyncLocalStorage } from "node:async_hooks";
import { assert, assertEquals, assertNotStrictEquals } from "@std/assert";
import type { SerializationError } from "../../../_internal/base/errors.ts";
import { nextTurn } from "../../../_internal/memory/bell.ts";
import {
  type ChunkBuilder,
  inlineBackend,
  startInlineChunk,
} from "../../../_internal/pool/backend.ts";
import { INLINE_SLOTS } from "../../../_internal/pool/inline_worker.ts";
import type {
  Job,
  JobObserver,
  Measurement,
  Meter,
  Work,
} from "../../../_internal/pool/job.ts";
import {
  createLane,
  type Lane,
  submitWork,
} from "../../../_internal/pool/lane.ts";
import { NO_OPTIONS } from "../../../_internal/wire/functions/task.ts";
import { CallMode } from "../../../_internal/wire/messages.ts";
import type { Outcomes } from "../../../_internal/wire/outcomes.ts";

/** How a job ended. */
interface End {
  readonly kind: "succeeded" | "failed" | "cancelled";
  readonly value: unknown;
}

/** A job and its end. */
interface Submitted {
  readonly job: Job;
  readonly end: Promise<End>;
}

function createInlineLane(): Lane & AsyncDisposable {
  const lane = createLane("Inline", {}, inlineBackend, INLINE_SLOTS);
  return {
    ...lane,
    async [Symbol.asyncDispose]() {
      await lane.scheduler.shutdown(false);
    },
  };
}

function workOf(
  lane: Lane,
  fn: (...args: never[]) => unknown,
  ...args: unknown[]
): Work {
  return lane.backend.prepare(
    fn as (...args: unknown[]) => unknown,
    args,
    CallMode.single,
    { objects: [], isRepeatable: true },
  );
}

function submit(lane: Lane, work: Work): Submitted {
  const { promise: end, resolve } = Promise.withResolvers<End>();
  const ended = (kind: End["kind"]) => (value: unknown) =>
    resolve({ kind, value });
  const observer: JobObserver = {
    started() {},
    progressed() {},
    succeeded: ended("succeeded"),
    failed: ended("failed"),
    cancelled: ended("cancelled"),
  };
  return { job: submitWork(lane, () => {}, NO_OPTIONS, work, observer), end };
}

/** Keeps the thread busy for a millisecond. */
function compute(): void {
  const end = performance.now() + 1;
  while (performance.now() < end);
}

/** Counts turns of the event loop until it is disposed of. */
function countTurns(): { value: number } & Disposable {
  const turns = { value: 0, [Symbol.dispose]: () => clearInterval(timer) };
  const timer = setInterval(() => turns.value++, 0);
  return turns;
}

/** The most that stand at one place. */
function most(places: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const place of places) counts.set(place, (counts.get(place) ?? 0) + 1);
  return Math.max(...counts.values());
}

Deno.test("InlineWorker begins calls in their order, none before its submit has returned", async () => {
  await using lane = createInlineLane();
  const seen: number[] = [];
  const ends: Promise<End>[] = [];
  for (let i = 0; i < 100; i++) {
    ends.push(submit(lane, workOf(lane, () => seen.push(i))).end);
  }
  assertEquals(seen, []);
  await Promise.all(ends);
  assertEquals(seen, Array.from({ length: 100 }, (_, i) => i));
});

Deno.test("InlineWorker has calls of all schedulers share one slice of each turn of the event loop", async () => {
  await using one = createInlineLane();
  await using other = createInlineLane();
  using turns = countTurns();
  const seen: number[] = [];
  const ends: Promise<End>[] = [];
  for (let i = 0; i < 30; i++) {
    const call = () => {
      compute();
      seen.push(turns.value);
    };
    ends.push(submit(i % 2 === 0 ? one : other, workOf(one, call)).end);
  }
  await Promise.all(ends);
  // The sixth ends behind the five milliseconds in any case.
  assert(most(seen) <= 6, `${seen}`);
});

Deno.test("InlineWorker lets the event loop turn where each call is awaited before the next one", async () => {
  await using lane = createInlineLane();
  using turns = countTurns();
  const seen: number[] = [];
  for (let i = 0; i < 20; i++) {
    await submit(lane, workOf(lane, compute)).end;
    seen.push(turns.value);
  }
  assert(most(seen) <= 6, `${seen}`);
});

Deno.test("InlineWorker lets the event loop turn beside a generator that computes", async () => {
  await using lane = createInlineLane();
  using turns = countTurns();
  const seen: number[] = [];
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const work = lane.backend.prepare(
    function* () {
      for (let i = 0; i < 20; i++) {
        compute();
        yield turns.value;
      }
    },
    [],
    CallMode.stream,
    { objects: [], isRepeatable: true },
  );
  const job = submitWork(lane, () => {}, NO_OPTIONS, work, {
    started() {},
    progressed() {},
    yielded({ value }) {
      seen.push(value as number);
      // A consumer that has it at once.
      queueMicrotask(() => lane.scheduler.credit(job, 1));
    },
    succeeded: resolve,
    failed: resolve,
    cancelled: resolve,
  });
  await promise;
  assertEquals(seen.length, 20);
  assert(most(seen) <= 7, `${seen}`);
});

Deno.test("InlineWorker.revoke() settles a call that waits for its turn at once", async () => {
  await using lane = createInlineLane();
  const seen: number[] = [];
  const calls = Array.from({ length: 20 }, (_, i) =>
    submit(
      lane,
      workOf(lane, () => {
        compute();
        seen.push(i);
      }),
    ));
  await calls[0]!.end;
  assertEquals(calls[19]!.job.state, "sent");
  assertEquals(lane.scheduler.cancel(calls[19]!.job, "reason"), true);
  assertEquals(calls[19]!.job.state, "settled");
  assertEquals(await calls[19]!.end, { kind: "cancelled", value: "reason" });
  // Of one that runs or has ended there is nothing to take back.
  assertEquals(lane.scheduler.cancel(calls[0]!.job, "reason"), false);
  await calls[18]!.end;
  const last = submit(lane, workOf(lane, () => seen.push(20)));
  await last.end;
  assertEquals(seen, [...Array(19).keys(), 20]);
  const { completed, cancelled, running, queued } = lane.scheduler.stats();
  assertEquals(
    { completed, cancelled, running, queued },
    { completed: 20, cancelled: 1, running: 0, queued: 0 },
  );
});

Deno.test("InlineWorker does not begin calls that wait when it is terminated", async () => {
  const lane = createInlineLane();
  await using other = createInlineLane();
  const seen: number[] = [];
  const calls = Array.from({ length: 20 }, (_, i) =>
    submit(
      lane,
      workOf(lane, () => {
        compute();
        seen.push(i);
      }),
    ));
  const behind = submit(other, workOf(other, () => {}));
  await calls[0]!.end;
  await lane.scheduler.terminate("enough");
  const begun = seen.length;
  assertEquals((await calls[19]!.end).kind, "cancelled");
  await behind.end;
  assertEquals(seen.length, begun);
});

Deno.test("InlineWorker runs calls that waited in the context of their submit", async () => {
  await using lane = createInlineLane();
  const storage = new AsyncLocalStorage<number>();
  const ends = Array.from({ length: 12 }, (_, i) =>
    storage.run(i, () =>
      submit(
        lane,
        workOf(lane, async () => {
          compute();
          const before = storage.getStore();
          await nextTurn();
          return [before, storage.getStore()];
        }),
      ).end));
  const values = (await Promise.all(ends)).map(({ value }) => value);
  assertEquals(values, ends.map((_, i) => [i, i]));
});

Deno.test("InlineWorker keeps the context of calls that wait when a more urgent one comes", async () => {
  await using lane = createInlineLane();
  const storage = new AsyncLocalStorage<number>();
  const ends = Array.from({ length: 12 }, (_, i) =>
    storage.run(i, () => {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      const work = workOf(lane, () => {
        compute();
        return storage.getStore();
      });
      submitWork(lane, () => {}, { priority: i }, work, {
        started() {},
        progressed() {},
        succeeded: resolve,
        failed: reject,
        cancelled: reject,
      });
      return promise;
    }));
  assertEquals(await Promise.all(ends), [...ends.keys()]);
});

/** A chunk of calls with one argument each. */
function chunkOf(
  fn: (item: never) => unknown,
  items: readonly unknown[],
  copies = false,
): Work & { kind: "inline" } {
  const chunk: ChunkBuilder = startInlineChunk(
    fn as (...args: unknown[]) => unknown,
    copies,
  );
  for (const item of items) assert(chunk.add([item]));
  assertEquals(chunk.calls, items.length);
  return chunk.finish() as Work & { kind: "inline" };
}

Deno.test("InlineWorker runs the calls of a chunk one after the other, and tells of each how it ended", async () => {
  await using lane = createInlineLane();
  const seen: string[] = [];
  const work = chunkOf(async (item: string | number) => {
    seen.push(`${item} begins`);
    if (item === "late") await nextTurn();
    seen.push(`${item} ends`);
    if (item === 2) throw new TypeError("two");
    return item;
  }, [1, "late", 2]);
  const { kind, value } = await submit(lane, work).end;
  const { values, failed } = value as Outcomes;
  assertEquals(kind, "succeeded");
  assertEquals(values[0], 1);
  assertEquals(values[1], "late");
  assert(values[2] instanceof TypeError);
  assertEquals([...failed], [2]);
  assertEquals(seen, [
    "1 begins",
    "1 ends",
    "late begins",
    "late ends",
    "2 begins",
    "2 ends",
  ]);
  const { completed, failed: count } = lane.scheduler.stats();
  assertEquals([completed, count], [2, 1]);
});

Deno.test("InlineWorker lets the event loop turn between the calls of a chunk", async () => {
  await using lane = createInlineLane();
  for (const fn of [compute, () => Promise.resolve(compute())]) {
    using turns = countTurns();
    const seen: number[] = [];
    const work = chunkOf(() => {
      const result = fn();
      seen.push(turns.value);
      return result;
    }, Array(20).fill(0));
    await submit(lane, work).end;
    assertEquals(seen.length, 20);
    assert(most(seen) <= 6, `${seen}`);
  }
});

Deno.test("InlineWorker stops a chunk between two of its calls", async () => {
  await using lane = createInlineLane();
  let calls = 0;
  const { job, end } = submit(
    lane,
    chunkOf(() => {
      compute();
      // Another turn: this one is a call of the chunk.
      if (++calls === 3) setTimeout(() => lane.scheduler.cancel(job, "enough"));
    }, Array(1000).fill(0)),
  );
  assertEquals(await end, { kind: "cancelled", value: "enough" });
  assert(calls < 100, `${calls}`);
});

Deno.test("InlineWorker takes numbers for a chunk up to what is none", () => {
  const chunk = startInlineChunk((x) => x, false);
  assertEquals(chunk.addNumbers([1, 2.5, 3, "4", 5], 1, 5), 2);
  assert(chunk.add(["4"]));
  assertEquals(chunk.addNumbers([1], 0, 1), 1);
  assertEquals(chunk.finish().calls, 4);
});

/** A meter that collects what it is told, of every other call. */
function createMeter() {
  const told: Measurement[] = [];
  let calls = 0;
  const meter: Meter = {
    share: 1,
    get isDue() {
      return calls++ % 2 === 0;
    },
    ran() {},
    measured: (_kind, _work, measurement) => told.push(measurement),
    lost() {},
    ended() {},
  };
  return { told, meter };
}

Deno.test("InlineWorker tells a meter that asks what a call has cost", async () => {
  await using lane = createInlineLane();
  const { told, meter } = createMeter();
  const run = (work: Work) => {
    work.meter = meter;
    return submit(lane, work).end;
  };
  await run(workOf(lane, compute));
  await run(workOf(lane, compute));
  assertEquals(told.length, 1);
  const [{ time, sync, cpu }] = told as [Measurement];
  assert(time >= 1);
  assertEquals([sync, cpu], [time, time]);
  const waits = async () => {
    compute();
    // The time begins when the call has been let go.
    await undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    setTimeout(resolve, 40);
    await promise;
  };
  await run(workOf(lane, waits));
  const other = told[1]!;
  assert(other.sync >= 1 && other.time - other.sync >= 30, `${other.sync}`);
  assert(other.cpu === undefined || other.cpu >= other.sync);
});

Deno.test("InlineWorker does not count to a chunk that it has waited for its turn", async () => {
  await using lane = createInlineLane();
  const { told, meter } = createMeter();
  let between = 0;
  const tick = () => {
    compute();
    between++;
    timer = setTimeout(tick, 0);
  };
  let timer = setTimeout(tick, 0);
  const work = chunkOf(compute, Array(20).fill(0));
  work.meter = meter;
  const since = performance.now();
  await submit(lane, work).end;
  const wall = performance.now() - since;
  clearTimeout(timer);
  const [{ time, sync, cpu }] = told as [Measurement];
  assert(between > 0);
  // What the program computed meanwhile is not the chunk's.
  assert(time >= 20 && time <= wall - between, `${time} ${wall} ${between}`);
  assertEquals([sync, cpu], [time, time]);
});

Deno.test("InlineWorker copies what calls give where they are to be as on a worker", async () => {
  await using lane = createInlineLane();
  const list = [1];
  const error = new RangeError("text");
  const copied = (fn: () => unknown, mode: CallMode = CallMode.single) => ({
    ...workOf(lane, fn) as Work & { kind: "inline" },
    mode,
    copies: true,
  });
  const result = await submit(lane, copied(() => list)).end;
  assertEquals(result, { kind: "succeeded", value: [1] });
  assertNotStrictEquals(result.value, list);
  const thrown = await submit(
    lane,
    copied(() => {
      throw error;
    }),
  ).end;
  assertEquals(thrown.kind, "failed");
  assert(thrown.value instanceof RangeError && thrown.value !== error);
  const refused = await submit(lane, copied(() => ({ own: () => 1 }))).end;
  assertEquals(refused.kind, "failed");
  assertEquals((refused.value as SerializationError).path, "result.own");
  // Of an initializer nobody takes the value.
  const quiet = await submit(lane, copied(() => () => 1, CallMode.quiet)).end;
  assertEquals(quiet, { kind: "succeeded", value: undefined });
  const chunk = await submit(lane, chunkOf(() => list, [[1], [2]], true)).end;
  const { values } = chunk.value as Outcomes;
  assertEquals([...Array.from(values)], [[1], [1]]);
  assertNotStrictEquals(values[0], list);
  const items: unknown[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const stream = copied(
    function* () {
      yield list;
      list.push(2);
      yield list;
    } as () => unknown,
    CallMode.stream,
  );
  submitWork(lane, () => {}, NO_OPTIONS, stream, {
    started() {},
    progressed() {},
    yielded: ({ value }) => items.push(value),
    succeeded: () => resolve(),
    failed: resolve,
    cancelled: resolve,
  });
  assertEquals(await promise, undefined);
  assertEquals(items, [[1], [1, 2]]);
});
