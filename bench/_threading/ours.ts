// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  Event,
  Lock,
  Queue,
  SharedArray,
  SharedValue,
  Thread,
} from "@concurrent/parallel/threading";
import type { Implementation } from "./scenarios.ts";
import { processorTime, serve, time } from "../_support/serve.ts";
import {
  count,
  get,
  type Meeting,
  put,
  waitAsync,
  waitBlocked,
} from "./workers.ts";

/** Small enough that producer and consumer wait for each other, as they do in a program. */
const QUEUE_SIZE = 1_000;

const ours: Implementation = {
  uncontended(rounds) {
    const lock = new Lock();
    return time(rounds, (n) => {
      for (let i = 0; i < n; i++) {
        lock.acquireSync();
        lock.release();
      }
    });
  },

  async uncontendedAsync(rounds) {
    const lock = new Lock();
    const start = performance.now();
    for (let i = 0; i < rounds; i++) {
      await lock.acquire();
      lock.release();
    }
    return (performance.now() - start) * 1e6 / rounds;
  },

  async contended(threads, rounds) {
    const lock = new Lock();
    const counter = new SharedArray("int32", 1);
    const meeting = createMeeting();
    const running = Array.from({ length: threads }, () =>
      new Thread({
        target: count,
        args: [meeting, lock, counter, rounds / threads],
      }).start());
    const seconds = await measure(meeting, running);
    if (counter.view[0] !== rounds) {
      throw new RangeError(`counted ${counter.view[0]}`);
    }
    return rounds / seconds;
  },

  async queue(items) {
    const queue = new Queue<number>(QUEUE_SIZE);
    const meeting = createMeeting();
    const getter = new Thread({ target: get, args: [meeting, queue, items] });
    const putter = new Thread({ target: put, args: [meeting, queue, items] });
    const seconds = await measure(meeting, [getter.start(), putter.start()]);
    if (await getter.result() !== items * (items - 1) / 2) {
      throw new RangeError(`the sum is ${await getter.result()}`);
    }
    return items / seconds;
  },

  async waiting(threads, ms, how) {
    const lock = new Lock();
    const meeting = createMeeting();
    const baseline = await processorTime(ms, 0);
    await lock.acquire();
    const running = Array.from({ length: threads }, () =>
      new Thread<unknown>({
        target: how === "blocked" ? waitBlocked : waitAsync,
        args: [meeting, lock],
      }).start());
    await arrive(meeting, threads);
    const used = await processorTime(ms, baseline);
    lock.release();
    for (const thread of running) await thread.join();
    return used;
  },
};

function createMeeting(): Meeting {
  return { ready: new SharedValue("int32"), go: new Event() };
}

async function arrive({ ready }: Meeting, threads: number): Promise<void> {
  while (ready.value < threads) await sleep(1);
  // Whoever has said so is about to sleep.
  await sleep(50);
}

async function measure(
  meeting: Meeting,
  threads: Thread<unknown>[],
): Promise<number> {
  await arrive(meeting, threads.length);
  const start = performance.now();
  meeting.go.set();
  await Promise.all(threads.map((thread) => thread.result()));
  const seconds = (performance.now() - start) / 1000;
  for (const thread of threads) await thread.join();
  return seconds;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

if (import.meta.main) await serve(ours);
