// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import {
  type Backend,
  NO_TRANSFER,
  processBackend,
  threadBackend,
} from "../../../_internal/pool/backend.ts";
import type {
  Job,
  Measurement,
  Meter,
  Work,
} from "../../../_internal/pool/job.ts";
import {
  createLane,
  type Lane,
  type LaneSetup,
  submitWork,
} from "../../../_internal/pool/lane.ts";
import type {
  AnyFunction,
  TaskOptions,
} from "../../../_internal/wire/functions/task.ts";
import { NO_OPTIONS } from "../../../_internal/wire/functions/task.ts";
import { CallMode } from "../../../_internal/wire/messages.ts";
import type { Outcomes } from "../../../_internal/wire/outcomes.ts";
import { Folder, until } from "../../_suites/_helpers.ts";
import { crashTimes, identity } from "../../_suites/_tasks.ts";
import {
  block,
  compute,
  computeAndWait,
  computeTogether,
  failOnce,
  symbol,
  values,
} from "./_measured_tasks.ts";

/** Milliseconds by which a system that counts in ticks may be wrong, twice. */
const TICKS = 20;
/** What the wire keeps of a millisecond. */
const GRAIN = 0.001;

/** Notes what it hears. */
class Notes implements Meter {
  readonly share = 1;
  isDue = true;
  readonly heard: string[] = [];
  readonly costs: Measurement[] = [];
  /** How long calls ran, their pauses included. */
  readonly times: number[] = [];
  ends = 0;

  ran(kind: string, { calls }: Work, time: number): void {
    this.heard.push(`${calls} ran (${kind})`);
    this.times.push(time);
  }

  measured(kind: string, { calls }: Work, measurement: Measurement): void {
    this.heard.push(`${calls} measured (${kind})`);
    this.costs.push(measurement);
  }

  lost(kind: string): void {
    this.heard.push(`lost (${kind})`);
  }

  ended(): void {
    this.ends++;
  }
}

/** A lane whose calls are measured. */
class Bench implements AsyncDisposable {
  readonly notes = new Notes();
  readonly lane: Lane;
  taken = 0;
  job: Job | undefined;

  constructor(
    create: (concurrency: number) => Backend,
    setup: LaneSetup = {},
  ) {
    this.lane = createLane("Bench", { maxWorkers: 1, ...setup }, create, 64);
  }

  /** Has the worker look at its processor time, which it does from its first long call on. */
  async look(): Promise<void> {
    // By value: it may read no file.
    await this.call((ms: number) => {
      const end = performance.now() + ms;
      while (performance.now() < end);
    }, [20]);
    const { notes } = this;
    assertEquals(notes.costs.splice(0)[0]!.cpu, undefined);
    notes.heard.length = notes.times.length = notes.ends = 0;
  }

  call<T>(
    fn: AnyFunction,
    args: unknown[],
    options: TaskOptions = NO_OPTIONS,
    mode: CallMode = CallMode.single,
  ): Promise<T> {
    const { backend } = this.lane;
    const work = backend.prepare(fn, args, mode, NO_TRANSFER);
    return this.submit(work, fn, options);
  }

  chunk(fn: AnyFunction, items: unknown[][]): Promise<Outcomes> {
    const chunk = this.lane.backend.startChunk(fn)!;
    for (const args of items) assert(chunk.add(args));
    return this.submit(chunk.finish(), fn);
  }

  submit<T>(
    work: Work,
    fn: AnyFunction,
    options: TaskOptions = NO_OPTIONS,
  ): Promise<T> {
    work.meter = this.notes;
    return new Promise<T>((resolve, reject) => {
      this.job = submitWork(this.lane, fn, options, work, {
        started() {},
        progressed() {},
        yielded: () => this.taken++,
        succeeded: (value) => resolve(value as T),
        failed: reject,
        cancelled: reject,
      });
    });
  }

  /** The costs since the last look, added up. */
  take(): { time: number; sync: number; cpu: number } {
    const sum = { time: 0, sync: 0, cpu: 0 };
    for (const { time, sync, cpu } of this.notes.costs.splice(0)) {
      assert(cpu !== undefined, "processor time is told");
      sum.time += time;
      sum.sync += sync;
      sum.cpu += cpu;
    }
    return sum;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lane.scheduler.shutdown(true);
  }
}

const threads = (concurrency: number) => threadBackend({ concurrency });

/** Had is what calls say themselves that they have had. */
function assertHad(cpu: number, had: number, calls: number): void {
  assert(cpu >= had - GRAIN * calls, `${cpu} ms of ${had} ms are told`);
  assert(cpu <= had + TICKS * calls, `${cpu} ms are told for ${had} ms`);
}

Deno.test("RemoteWorker measures what a call computes, blocks and waits", async () => {
  await using bench = new Bench(threads);
  await bench.look();
  const { notes } = bench;
  const had = await bench.call<number>(compute, [50]);
  assertEquals(notes.heard, ["1 measured (thread)", "1 ran (thread)"]);
  const [cost] = notes.costs;
  assertEquals(cost!.sync, cost!.time);
  assertHad(bench.take().cpu, had, 1);

  for (let i = 0; i < 10; i++) await bench.call(block, [20]);
  const blocked = bench.take();
  assertEquals(blocked.sync, blocked.time);
  assert(blocked.time >= 10 * 19, `${blocked.time} ms are told`);
  assert(blocked.cpu < blocked.time / 2, `${blocked.cpu} of ${blocked.time}`);

  const before = await bench.call<number>(computeAndWait, [30, 60]);
  const waited = bench.take();
  assertHad(waited.cpu, before, 1);
  assert(waited.sync + 50 <= waited.time, `${waited.sync} of ${waited.time}`);

  // Too large for the ring.
  const bytes = await bench.call<Uint8Array>(identity, [new Uint8Array(1e6)]);
  assertEquals(bytes.length, 1e6);
  assertEquals(notes.costs.length, 1);
});

Deno.test("RemoteWorker measures nothing where nobody wants to know", async () => {
  await using bench = new Bench(threads);
  bench.notes.isDue = false;
  await bench.call(compute, [1]);
  assertEquals(bench.notes.heard, ["1 ran (thread)"]);
});

Deno.test("RemoteWorker shares processor time among calls that overlap", async () => {
  await using bench = new Bench(threads, { concurrency: 32 });
  await bench.look();
  const calls = 20;
  const had = await Promise.all(
    Array.from(
      { length: calls },
      () => bench.call<number>(computeTogether, [calls, 80]),
    ),
  );
  const { costs } = bench.notes;
  assertEquals(costs.length, calls);
  // They share it, so that none looks as if it computed all the time.
  for (const { cpu, time } of costs) assert(cpu! < time / 2);
  assertHad(bench.take().cpu, Math.max(...had), 2);
});

Deno.test("RemoteWorker measures a chunk as one", async () => {
  await using bench = new Bench(threads);
  await bench.look();
  const { notes } = bench;
  const { values } = await bench.chunk(compute, [[10], [10], [20]]);
  assertEquals(notes.heard, ["3 measured (thread)", "3 ran (thread)"]);
  assertEquals(notes.costs[0]!.sync, notes.costs[0]!.time);
  const had = (values as number[]).reduce((sum, ms) => sum + ms, 0);
  assertHad(bench.take().cpu, had, 1);

  await bench.chunk(computeAndWait, [[20, 30], [20, 30]]);
  const { sync, time } = notes.costs[0]!;
  // Up to the first promise.
  assert(sync + 50 <= time, `${sync} of ${time}`);
});

Deno.test("RemoteWorker measures calls that fail, and each attempt", async () => {
  await using bench = new Bench(threads);
  await bench.look();
  const { notes } = bench;
  const had = await bench.call<number>(failOnce, [30], { retries: 1 });
  assertEquals(notes.heard.splice(0), [
    "1 measured (thread)",
    "1 ran (thread)",
    "1 measured (thread)",
    "1 ran (thread)",
  ]);
  assert(had >= 30);
  assertHad(bench.take().cpu, 60, 2);
  const error = await bench.call(symbol, []).catch((error) => error);
  assertInstanceOf(error, Error);
  assertEquals(error.name, "SerializationError");
  assertEquals(notes.heard, ["1 measured (thread)", "1 ran (thread)"]);
});

Deno.test("RemoteWorker measures a generator without what it waits for its consumer", async () => {
  await using bench = new Bench(threads);
  const { scheduler } = bench.lane;
  const all = 40;
  const done = bench.call(values, [all], NO_OPTIONS, CallMode.stream);
  const job = bench.job!;
  // Runs in the place that the generator lends as soon as it waits.
  await bench.call(identity, [0]);
  const since = performance.now();
  await until("it has waited", () => performance.now() - since > 100);
  const paused = performance.now() - since;
  while (bench.taken < all) {
    const { taken } = bench;
    scheduler.credit(job, 16);
    await until("it goes on", () => bench.taken > taken);
  }
  await done;
  const { costs: [, cost], times: [, time] } = bench.notes;
  assert(cost!.time <= time! - paused, `${cost!.time} of ${time}`);
});

Deno.test("RemoteWorker tells of a worker that crashed, and measures the next attempt", async () => {
  await using bench = new Bench(threads);
  using folder = new Folder();
  await bench.call(crashTimes, [folder.file("crashes"), 1], { retries: 1 });
  assertEquals(bench.notes.heard, [
    "lost (thread)",
    "1 measured (thread)",
    "1 ran (thread)",
  ]);
  assertEquals(bench.notes.ends, 1);
});

Deno.test("RemoteWorker measures in a process without permissions", async () => {
  await using bench = new Bench((concurrency) =>
    processBackend({ concurrency, permissions: "none" })
  );
  await bench.look();
  // By value: it may read no file.
  await bench.call((ms: number) => {
    const end = performance.now() + ms;
    while (performance.now() < end);
  }, [50]);
  assertEquals(bench.notes.heard, ["1 measured (process)", "1 ran (process)"]);
  const { cpu, time } = bench.take();
  assert(cpu > 0 && cpu <= time + TICKS, `${cpu} ms of ${time}`);
  await bench.call(() => Deno.exit(7), []).catch(() => {});
  assertEquals(bench.notes.heard.slice(2), ["lost (process)"]);
});
