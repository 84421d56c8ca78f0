// Copyright 2026 the @concurrent/parallel authors. MIT license.

// `multithreading` of npm, as in package.json. It loses tasks that come in a
// burst, so its pool is warmed up one task at a time, and each measurement
// begins when all tasks say that they run. Its functions travel as their text:
// what they need they are given.

import type { Implementation } from "../_threading/scenarios.ts";
import { processorTime, serve, time } from "../_support/serve.ts";

interface Guard {
  readonly value: Int32Array;
  dispose(): void;
}

interface Mutex {
  blockingLock(): Guard;
  lock(): Promise<Guard>;
}

type End = { ok: true; value: unknown } | { ok: false; error: unknown };

interface Sender {
  blockingSend(value: number): void;
}

interface Receiver {
  blockingRecv(): { ok: boolean; value: number };
}

interface Multithreading {
  readonly Mutex: new (data: Int32Array) => Mutex;
  initRuntime(config: { maxWorkers: number }): void;
  move(...args: unknown[]): unknown[];
  spawn(
    args: unknown[],
    // deno-lint-ignore no-explicit-any -- the arguments are those of the function
    fn: (...args: any[]) => unknown,
  ): { join(): Promise<End> };
  channel(capacity: number): [Sender, Receiver];
  drop(resource: unknown): void;
}

// Not a literal: the gate must not need the package.
const NAME = "multithreading";
const { Mutex, initRuntime, move, spawn, channel } = await import(
  NAME
) as Multithreading;

// It warns of the words that tell when a measurement begins.
console.warn = () => {};

const QUEUE_SIZE = 1_000;
const MAX_WORKERS = 8;
let warm = 0;

function words(length: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(length * 4));
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Starts so many workers, each with one task that the others have to leave it alone with. */
async function warmUp(workers: number): Promise<void> {
  if (warm === 0) initRuntime({ maxWorkers: MAX_WORKERS });
  const gate = words(2);
  const tasks: Promise<End>[] = [];
  for (let i = 0; i < workers; i++) {
    tasks.push(
      spawn(move(gate), (gate: Int32Array) => {
        Atomics.add(gate, 1, 1);
        Atomics.wait(gate, 0, 0);
      }).join(),
    );
    while (gate[1]! <= i) await sleep(1);
  }
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
  await Promise.all(tasks);
  warm = Math.max(warm, workers);
}

/** Runs tasks at the same time: seconds from the moment when all of them run, and what they return. */
async function runAll(
  gate: Int32Array,
  tasks: (() => { join(): Promise<End> })[],
): Promise<{ seconds: number; results: unknown[] }> {
  if (warm < tasks.length) await warmUp(tasks.length);
  const ends: Promise<End>[] = [];
  for (const [i, start] of tasks.entries()) {
    ends.push(start().join());
    while (gate[1]! <= i) await sleep(1);
  }
  await sleep(50);
  const start = performance.now();
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
  const results = (await Promise.all(ends)).map((end) => {
    if (!end.ok) throw end.error;
    return end.value;
  });
  return { seconds: (performance.now() - start) / 1000, results };
}

const peer: Implementation = {
  uncontended(rounds) {
    const mutex = new Mutex(words(1));
    return time(rounds, (n) => {
      for (let i = 0; i < n; i++) mutex.blockingLock().dispose();
    });
  },

  async uncontendedAsync(rounds) {
    const mutex = new Mutex(words(1));
    const start = performance.now();
    for (let i = 0; i < rounds; i++) (await mutex.lock()).dispose();
    return (performance.now() - start) * 1e6 / rounds;
  },

  async contended(threads, rounds) {
    const counter = words(1);
    const mutex = new Mutex(counter);
    const gate = words(2);
    const task = () =>
      spawn(
        move(mutex, gate, rounds / threads),
        (mutex: Mutex, gate: Int32Array, rounds: number) => {
          Atomics.add(gate, 1, 1);
          Atomics.wait(gate, 0, 0);
          for (let i = 0; i < rounds; i++) {
            const guard = mutex.blockingLock();
            guard.value[0]!++;
            guard.dispose();
          }
        },
      );
    const { seconds } = await runAll(gate, Array(threads).fill(task));
    if (counter[0] !== rounds) throw new RangeError(`counted ${counter[0]}`);
    return rounds / seconds;
  },

  async queue(items) {
    const [sender, receiver] = channel(QUEUE_SIZE);
    const gate = words(2);
    const { seconds, results } = await runAll(gate, [
      () =>
        spawn(
          move(receiver, gate, items),
          (receiver: Receiver, gate: Int32Array, n: number) => {
            Atomics.add(gate, 1, 1);
            Atomics.wait(gate, 0, 0);
            let sum = 0;
            for (let i = 0; i < n; i++) sum += receiver.blockingRecv().value;
            return sum;
          },
        ),
      () =>
        spawn(
          move(sender, gate, items),
          (sender: Sender, gate: Int32Array, n: number) => {
            Atomics.add(gate, 1, 1);
            Atomics.wait(gate, 0, 0);
            for (let i = 0; i < n; i++) sender.blockingSend(i);
          },
        ),
    ]);
    const wanted = items * (items - 1) / 2;
    if (results[0] !== wanted) {
      throw new RangeError(
        `it lost items: their sum is ${results[0]}, not ${wanted}`,
      );
    }
    return items / seconds;
  },

  async waiting(threads, ms, how) {
    await warmUp(threads);
    const baseline = await processorTime(ms, 0);
    const mutex = new Mutex(words(1));
    const gate = words(2);
    const guard = mutex.blockingLock();
    const ends: Promise<End>[] = [];
    for (let i = 0; i < threads; i++) {
      ends.push(
        spawn(
          move(mutex, gate, how),
          async (mutex: Mutex, gate: Int32Array, how: string) => {
            Atomics.add(gate, 1, 1);
            const guard = how === "blocked"
              ? mutex.blockingLock()
              : await mutex.lock();
            guard.dispose();
          },
        ).join(),
      );
      while (gate[1]! <= i) await sleep(1);
    }
    await sleep(50);
    const used = await processorTime(ms, baseline);
    guard.dispose();
    await Promise.all(ends);
    return used;
  },
};

if (import.meta.main) await serve(peer);
