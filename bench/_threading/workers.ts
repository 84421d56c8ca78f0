// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What the threads of `ours.ts` run.

import type {
  Event,
  Lock,
  Queue,
  SharedArray,
  SharedValue,
} from "@concurrent/parallel/threading";

/** Where the threads of one measurement meet. */
export interface Meeting {
  readonly ready: SharedValue;
  readonly go: Event;
}

function meet({ ready, go }: Meeting): void {
  ready.add(1);
  go.waitSync();
}

/** Counts under the lock. */
export function count(
  meeting: Meeting,
  lock: Lock,
  counter: SharedArray<"int32">,
  rounds: number,
): void {
  meet(meeting);
  const { view } = counter;
  for (let i = 0; i < rounds; i++) {
    lock.acquireSync();
    view[0]!++;
    lock.release();
  }
}

/** Puts the numbers from 0. */
export function put(meeting: Meeting, queue: Queue<number>, n: number): void {
  meet(meeting);
  for (let i = 0; i < n; i++) queue.putSync(i);
}

/** Gets them and adds them up. */
export function get(meeting: Meeting, queue: Queue<number>, n: number): number {
  meet(meeting);
  let sum = 0;
  for (let i = 0; i < n; i++) sum += queue.getSync();
  return sum;
}

/** Waits for the lock with the thread blocked. */
export function waitBlocked({ ready }: Meeting, lock: Lock): void {
  ready.add(1);
  lock.acquireSync();
  lock.release();
}

/** Waits for the lock with the event loop free. */
export async function waitAsync({ ready }: Meeting, lock: Lock): Promise<void> {
  ready.add(1);
  await lock.acquire();
  lock.release();
}
