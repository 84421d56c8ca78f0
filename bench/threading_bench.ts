// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What locks and what is built like them cost where nobody is in the way,
// against the two compare-and-swaps that a lock needs at least; and what threads
// hand each other. The rivals, and the bars, are in `threading.ts`.

import {
  Condition,
  Event,
  Lock,
  Once,
  Queue,
  RLock,
  RWLock,
  Semaphore,
  SharedValue,
  Thread,
} from "@concurrent/parallel/threading";
import { check } from "./_support/tasks.ts";

/** Pairs in one iteration: the time of one iteration is in microseconds what a pair is in nanoseconds. */
const PAIRS = 1_000;

const words = new Int32Array(new SharedArrayBuffer(4));

function bare(): void {
  for (let i = 0; i < PAIRS; i++) {
    if (Atomics.compareExchange(words, 0, 0, 1) !== 0) return;
    if (Atomics.compareExchange(words, 0, 1, 0) !== 1) return;
  }
}

const lock = new Lock();
const rlock = new RLock();
const condition = new Condition(new Lock());
const semaphore = new Semaphore();
const rwLock = new RWLock();

const blocking: [string, () => void][] = [
  ["two compare-and-swaps", bare],
  ["Lock.acquireSync(), release()", () => {
    for (let i = 0; i < PAIRS; i++) {
      lock.acquireSync();
      lock.release();
    }
  }],
  ["Lock.tryAcquire(), release()", () => {
    for (let i = 0; i < PAIRS; i++) {
      lock.tryAcquire();
      lock.release();
    }
  }],
  ["using Lock.guardSync()", () => {
    for (let i = 0; i < PAIRS; i++) {
      using _ = lock.guardSync();
    }
  }],
  ["RLock.acquireSync(), release()", () => {
    for (let i = 0; i < PAIRS; i++) {
      rlock.acquireSync();
      rlock.release();
    }
  }],
  ["Condition.acquireSync(), release()", () => {
    for (let i = 0; i < PAIRS; i++) {
      condition.acquireSync();
      condition.release();
    }
  }],
  ["Semaphore.acquireSync(), release()", () => {
    for (let i = 0; i < PAIRS; i++) {
      semaphore.acquireSync();
      semaphore.release();
    }
  }],
  ["RWLock.acquireReadSync(), releaseRead()", () => {
    for (let i = 0; i < PAIRS; i++) {
      rwLock.acquireReadSync();
      rwLock.releaseRead();
    }
  }],
  ["RWLock.acquireWriteSync(), releaseWrite()", () => {
    for (let i = 0; i < PAIRS; i++) {
      rwLock.acquireWriteSync();
      rwLock.releaseWrite();
    }
  }],
];

for (const [i, [name, fn]] of blocking.entries()) {
  Deno.bench({ name, group: "free, 1000 times", baseline: i === 0, fn });
}

const waiting: [string, () => Promise<unknown>, () => void][] = [
  ["await of a promise that is there", () => THERE, () => {}],
  ["await Lock.acquire()", () => lock.acquire(), () => lock.release()],
  ["await RLock.acquire()", () => rlock.acquire(), () => rlock.release()],
  [
    "await Semaphore.acquire()",
    () => semaphore.acquire(),
    () => semaphore.release(),
  ],
];
const THERE = Promise.resolve(true);

for (const [i, [name, acquire, release]] of waiting.entries()) {
  Deno.bench({
    name,
    group: "free, await, 1000 times",
    baseline: i === 0,
    fn: async () => {
      for (let j = 0; j < PAIRS; j++) {
        await acquire();
        release();
      }
    },
  });
}

const once = new Once();
await once.run(() => 1);
const values: [string, () => number][] = [
  ["Atomics.add()", () => Atomics.add(words, 0, 0)],
  ...(["int32", "float32", "float64"] as const).map((
    type,
  ): [string, () => number] => {
    const value = new SharedValue(type);
    return [`SharedValue.add() of ${type}`, () => value.add(1)];
  }),
  ["Once.runSync(), done", () => once.runSync(() => 1)],
];

for (const [i, [name, fn]] of values.entries()) {
  Deno.bench({
    name,
    group: "values, 1000 times",
    baseline: i === 0,
    fn: () => {
      for (let j = 0; j < PAIRS; j++) fn();
    },
  });
}

// Both threads run as long as the benches; what they hand each other decides.

const [asked, answered] = [new Event(), new Event()];
const [questions, answers] = [new Queue<number>(), new Queue<number>()];

new Thread({
  daemon: true,
  target: () => {
    for (;;) {
      asked.waitSync();
      asked.clear();
      answered.set();
    }
  },
}).start();
new Thread({
  daemon: true,
  target: () => {
    for (;;) answers.putSync(questions.getSync() + 1);
  },
}).start();

const roundTrips: [string, () => void | Promise<void>][] = [
  ["Event, blocking", () => {
    asked.set();
    answered.waitSync();
    answered.clear();
  }],
  ["Event, await", async () => {
    asked.set();
    await answered.wait();
    answered.clear();
  }],
  ["Queue, blocking", () => {
    questions.putSync(1);
    check(answers.getSync(), 2);
  }],
  ["Queue, await", async () => {
    await questions.put(1);
    check(await answers.get(), 2);
  }],
];

for (const [i, [name, fn]] of roundTrips.entries()) {
  Deno.bench({
    name,
    group: "round trip to a thread that sleeps",
    baseline: i === 0,
    fn,
  });
}
