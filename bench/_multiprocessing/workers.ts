// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What the children of `ours.ts` run.

import type {
  Connection,
  Lock,
  Queue,
  SharedMemory,
} from "@concurrent/parallel/multiprocessing";
import { digest } from "./digest.js";
import type { Manner } from "./scenarios.ts";

/** What a child says first: a parent that blocks before hears none come up. */
export const HERE = -1;

/** Puts the numbers from 0, as often as it is told how many. */
export async function put(
  orders: Queue<number>,
  queue: Queue<number>,
  answers: Queue<number>,
  manner: Manner,
): Promise<void> {
  await answers.put(HERE);
  for await (const n of orders) {
    if (manner === "sync") { for (let i = 0; i < n; i++) queue.putSync(i); }
    else for (let i = 0; i < n; i++) await queue.put(i);
  }
}

/** Gets so many items as it is told, and says what their sum is. */
export async function get(
  orders: Queue<number>,
  queue: Queue<number>,
  answers: Queue<number>,
  manner: Manner,
): Promise<void> {
  await answers.put(HERE);
  for await (const n of orders) await answers.put(await add(queue, n, manner));
}

/** The sum of so many items. */
export async function add(
  queue: Queue<number>,
  n: number,
  manner: Manner,
): Promise<number> {
  let sum = 0;
  let i = 0;
  if (manner === "for") {
    for await (const item of queue) {
      sum += item;
      if (++i === n) break;
    }
  } else if (manner === "sync") {
    for (; i < n; i++) sum += queue.getSync();
  } else {
    for (; i < n; i++) sum += await queue.get();
  }
  return sum;
}

/** Sends back what comes. */
export async function echo(connection: Connection): Promise<void> {
  for await (const value of messages(connection)) await connection.send(value);
}

/** Says for all bytes that come what `digest()` makes of them. */
export async function digestBytes(connection: Connection): Promise<void> {
  for (;;) {
    const bytes = await connection.recvBytes();
    if (bytes.length === 1) return;
    await connection.send(digest(bytes));
  }
}

/** The same for shared memory that comes. */
export async function digestShared(connection: Connection): Promise<void> {
  for await (const value of messages(connection)) {
    using memory = value as SharedMemory;
    await connection.send(digest(new Uint8Array(memory.buffer)));
  }
}

/** Acquires and releases the lock for so many ms as it is told; how often it did, and how long that took. */
export async function contend(
  connection: Connection,
  lock: Lock,
  manner: "await" | "sync",
): Promise<void> {
  for await (const time of messages(connection)) {
    const start = performance.now();
    let count = 0;
    let ms = 0;
    for (; ms < (time as number); ms = performance.now() - start) {
      for (let i = 0; i < 10; i++) {
        if (manner === "sync") lock.acquireSync();
        else await lock.acquire();
        lock.release();
      }
      count += 10;
    }
    await connection.send([count, ms]);
  }
}

/** A small task. */
export function increment(n: number): number {
  return n + 1;
}

/** What comes until a `null`. */
async function* messages(connection: Connection): AsyncGenerator<unknown> {
  for (;;) {
    const value = await connection.recv();
    if (value === null) return;
    yield value;
  }
}
