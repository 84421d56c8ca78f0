// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What the threads of the scenarios run. Odd ones await, even ones block.

import {
  AbandonedLockError,
  type Barrier,
  BrokenBarrierError,
  type Condition,
  type Event,
  type Lock,
  type Queue,
  QueueEmptyError,
  QueueFullError,
  QueueShutDownError,
  type RLock,
  type RWLock,
  type Semaphore,
  type SharedArray,
  type SharedValue,
} from "../../../threading/mod.ts";
import { pause, type Random, random } from "./scenario.ts";

/** What a critical section is made of. */
export type Holdable = Lock | RLock | Semaphore | Condition;

/** A lock under another name: how a section is entered and left. */
interface Section {
  enter(): Promise<unknown>;
  enterSync(): unknown;
  leave(): void;
}

function sectionOf(lock: Holdable | RWLock): Section {
  return "acquireWrite" in lock
    ? {
      enter: () => lock.acquireWrite(),
      enterSync: () => lock.acquireWriteSync(),
      leave: () => lock.releaseWrite(),
    }
    : {
      enter: () => lock.acquire(),
      enterSync: () => lock.acquireSync(),
      leave: () => lock.release(),
    };
}

function fail(what: string): never {
  throw new RangeError(`Cannot be: ${what}`);
}

/** Counts under a lock: each count is two steps, so two who are inside lose one. */
export async function count(
  lock: Holdable | RWLock,
  counter: SharedArray<"int32">,
  rounds: number,
  number: number,
): Promise<void> {
  const { enter, enterSync, leave } = sectionOf(lock);
  const { view } = counter;
  for (let i = 0; i < rounds; i++) {
    if (number % 2 === 1 && i % 8 === 0) await enter();
    else enterSync();
    view[0] = view[0]! + 1;
    leave();
  }
}

/** As {@linkcode count}, by the event loop alone. */
export async function countAwaiting(
  lock: Holdable | RWLock,
  { view }: SharedArray<"int32">,
  rounds: number,
): Promise<void> {
  const { enter, leave } = sectionOf(lock);
  for (let i = 0; i < rounds; i++) {
    await enter();
    view[0] = view[0]! + 1;
    leave();
  }
}

/** As {@linkcode count}, with the lock held three times. */
export async function countDeep(
  lock: RLock,
  counter: SharedArray<"int32">,
  rounds: number,
  number: number,
): Promise<void> {
  for (let i = 0; i < rounds; i++) {
    if (number % 2 === 1 && i % 8 === 0) await lock.acquire();
    else lock.acquireSync();
    const value = counter.view[0]!;
    lock.acquireSync();
    if (!lock.tryAcquire()) fail("the holder does not get its own lock");
    counter.view[0] = value + 1;
    lock.release();
    lock.release();
    lock.release();
  }
}

/** Writers change two numbers whose sum is 0; readers, several at a time, look. */
export async function readAndWrite(
  lock: RWLock,
  pair: SharedArray<"int32">,
  readers: SharedValue<"int32">,
  rounds: number,
  seed: number,
  number: number,
): Promise<void> {
  const next = random(seed + number);
  const { view } = pair;
  for (let i = 0; i < rounds; i++) {
    const isAsync = next(4) === 0;
    if (next(3) === 0) {
      if (isAsync) await lock.acquireWrite();
      else lock.acquireWriteSync();
      if (readers.value !== 0) fail("a reader is beside a writer");
      view[0] = view[0]! + 1;
      view[1] = view[1]! - 1;
      lock.releaseWrite();
    } else {
      if (isAsync) await lock.acquireRead();
      else lock.acquireReadSync();
      readers.add(1);
      if (view[0]! + view[1]! !== 0) fail("a writer is beside a reader");
      readers.add(-1);
      lock.releaseRead();
    }
  }
}

/** How many items of each producer an item is made of: `producer * STRIDE + sequence`. */
export const STRIDE = 2 ** 24;

/** Puts its items in order. */
export async function produce(
  queue: Queue<number>,
  items: number,
  number: number,
): Promise<void> {
  for (let i = 0; i < items; i++) {
    const item = number * STRIDE + i;
    if (number % 2 === 1 && i % 64 === 0) await queue.put(item);
    else queue.putSync(item);
  }
}

/** Gets items until the queue is shut down, and marks each. */
export async function consume(
  queue: Queue<number>,
  seen: SharedArray<"uint8">,
  perProducer: number,
  isOrdered: boolean,
  number: number,
): Promise<number> {
  const last = new Map<number, number>();
  let taken = 0;
  for (let turn = 0;; turn++) {
    let item: number;
    try {
      item = number % 2 === 1 && turn % 64 === 0
        ? await queue.get()
        : queue.getSync();
    } catch (error) {
      if (error instanceof QueueShutDownError) return taken;
      throw error;
    }
    const producer = Math.floor(item / STRIDE);
    const sequence = item % STRIDE;
    if (isOrdered && sequence <= (last.get(producer) ?? -1)) {
      fail(`item ${sequence} of ${producer} comes after ${last.get(producer)}`);
    }
    last.set(producer, sequence);
    // Several threads may mark their neighbours at the same time.
    if (Atomics.add(seen.view, producer * perProducer + sequence, 1) !== 0) {
      fail(`item ${sequence} of ${producer} comes twice`);
    }
    taken++;
    queue.taskDone();
  }
}

/** Each in its turn, round and round. */
export async function pingPong(
  condition: Condition,
  turn: SharedArray<"int32">,
  threads: number,
  rounds: number,
  number: number,
): Promise<void> {
  const { view } = turn;
  const isMine = () => view[0]! % threads === number;
  for (let i = 0; i < rounds; i++) {
    if (number % 2 === 1) {
      await condition.acquire();
      await condition.waitFor(isMine);
    } else {
      condition.acquireSync();
      condition.waitForSync(isMine);
    }
    if (view[0] !== i * threads + number) fail(`it is the turn of ${view[0]}`);
    view[0]++;
    condition.notifyAll();
    condition.release();
  }
}

/** Meets the others again and again; nobody is ever a generation ahead. */
export async function meet(
  barrier: Barrier,
  arrived: SharedArray<"int32">,
  rounds: number,
  number: number,
): Promise<number> {
  const { view } = arrived;
  let sum = 0;
  for (let i = 1; i <= rounds; i++) {
    Atomics.store(view, number, i);
    sum += number % 2 === 1 && i % 16 === 0
      ? await barrier.wait()
      : barrier.waitSync();
    for (let other = 0; other < view.length; other++) {
      const there = Atomics.load(view, other);
      if (there !== i && there !== i + 1) {
        fail(`${other} is at ${there} when ${number} has left ${i}`);
      }
    }
  }
  return sum;
}

/** Acquires with timeouts, aborts and without; inside there is room for `permits`. */
export async function giveUpAtRandom(
  lock: Holdable,
  inside: SharedValue<"int32">,
  permits: number,
  rounds: number,
  seed: number,
  number: number,
): Promise<number> {
  const next = random(seed + number);
  let acquired = 0;
  for (let i = 0; i < rounds; i++) {
    if (!await acquireAtRandom(lock, next)) continue;
    acquired++;
    const others = inside.add(1);
    if (others > permits) fail(`${others} are inside`);
    if (next(8) === 0) await pause(next(2));
    inside.add(-1);
    lock.release();
  }
  return acquired;
}

/** Reads and writes, now and then with no time to wait: those behind it must not wait for it. */
export async function readAndWriteAtRandom(
  lock: RWLock,
  pair: SharedArray<"int32">,
  rounds: number,
  seed: number,
  number: number,
): Promise<number> {
  const next = random(seed + number);
  const { view } = pair;
  let acquired = 0;
  for (let i = 0; i < rounds; i++) {
    const isWriter = next(3) === 0;
    const write = isWriter ? "Write" : "Read";
    const signal = AbortSignal.timeout(next(3));
    const how = next(5);
    try {
      const isHeld = how === 0
        ? lock[`tryAcquire${write}`]()
        : how === 1
        ? lock[`acquire${write}Sync`]({ timeout: next(3) })
        : how === 2
        ? lock[`acquire${write}Sync`]()
        : how === 3
        ? await lock[`acquire${write}`]({ timeout: next(3) })
        : await lock[`acquire${write}`]({ signal });
      if (!isHeld) continue;
    } catch (error) {
      if (error === signal.reason) continue;
      throw error;
    }
    acquired++;
    if (isWriter) view[0] = view[0]! + 1;
    if (next(8) === 0) await pause(next(2));
    if (isWriter) view[1] = view[1]! - 1;
    if (view[0]! + view[1]! !== 0) fail("a writer is beside another one");
    lock[`release${write}`]();
  }
  return acquired;
}

async function acquireAtRandom(lock: Holdable, next: Random): Promise<boolean> {
  switch (next(6)) {
    case 0:
      return lock.tryAcquire();
    case 1:
      return lock.acquireSync({ timeout: next(3) });
    case 2:
      return await lock.acquire({ timeout: next(3) });
    case 3: {
      const controller = new AbortController();
      const timer = setTimeout(() => controller.abort("enough"), next(3));
      try {
        return await lock.acquire({ signal: controller.signal });
      } catch (error) {
        if (error === "enough") return false;
        throw error;
      } finally {
        clearTimeout(timer);
      }
    }
    case 4:
      return lock.acquireSync();
    default:
      return await lock.acquire();
  }
}

/** Puts and gets with timeouts and aborts; returns what it has put less what it has got. */
export async function putAndGetAtRandom(
  queue: Queue<number>,
  rounds: number,
  seed: number,
  number: number,
): Promise<number> {
  const next = random(seed + number);
  let balance = 0;
  for (let i = 0; i < rounds; i++) {
    const timeout = next(3);
    const isAsync = next(2) === 0;
    const signal = AbortSignal.timeout(next(4));
    try {
      if (next(2) === 0) {
        if (next(4) === 0) {
          if (!queue.tryPut(i)) continue;
        } else if (!isAsync) queue.putSync(i, { timeout });
        else if (next(2) === 0) await queue.put(i, { timeout });
        else await queue.put(i, { signal });
        balance++;
      } else {
        if (next(4) === 0) {
          if (queue.tryGet() === undefined) continue;
        } else if (!isAsync) queue.getSync({ timeout });
        else if (next(2) === 0) await queue.get({ timeout });
        else await queue.get({ signal });
        balance--;
      }
    } catch (error) {
      if (
        error instanceof QueueEmptyError || error instanceof QueueFullError ||
        error === signal.reason
      ) continue;
      throw error;
    }
  }
  return balance;
}

/** Waits, with timeouts, for an event that is set and cleared all the time. */
export async function watchEvent(
  event: Event,
  ready: SharedValue<"int32">,
  stop: SharedValue<"int32">,
  seed: number,
  number: number,
): Promise<number> {
  const next = random(seed + number);
  let seen = 0;
  ready.add(1);
  while (stop.value === 0) {
    const options = next(2) === 0 ? {} : { timeout: next(3) };
    const isSet = next(2) === 0
      ? await event.wait(options)
      : event.waitSync(options);
    if (isSet) seen++;
    else if (options.timeout === undefined) fail("a wait for ever has failed");
  }
  return seen;
}

/** Takes the lock, says so, and never gives it back. */
export async function holdForEver(
  lock: Holdable | RWLock,
  holding: SharedValue<"int32">,
  never: Event,
  isAsync: boolean,
): Promise<void> {
  const { enter, enterSync } = sectionOf(lock);
  try {
    if (isAsync) await enter();
    else enterSync();
  } catch (error) {
    // It holds it all the same; who was before it is dead too.
    if (!(error instanceof AbandonedLockError)) throw error;
  }
  holding.add(1);
  if (isAsync) await new Promise(() => {});
  else never.waitSync();
}

/** Enters and leaves until it is told to stop; returns how often it was told of a dead holder. */
export async function survive(
  lock: Holdable | RWLock,
  inside: SharedValue<"int32">,
  entered: SharedValue<"int32">,
  stop: SharedValue<"int32">,
  number: number,
): Promise<number> {
  const { enter, enterSync, leave } = sectionOf(lock);
  let told = 0;
  while (stop.value === 0) {
    try {
      if (number % 2 === 1) await enter();
      else enterSync();
    } catch (error) {
      if (!(error instanceof AbandonedLockError)) throw error;
      told++;
    }
    if (inside.add(1) !== 1) fail("two are inside");
    entered.add(1);
    inside.add(-1);
    leave();
    // The others are to come in too.
    if (number % 2 === 1) await pause(0);
  }
  return told;
}

/** Waits at a barrier of which one party is going to die. */
export async function meetTheDying(
  barrier: Barrier,
  number: number,
): Promise<boolean> {
  try {
    if (number % 2 === 1) await barrier.wait();
    else barrier.waitSync();
    return false;
  } catch (error) {
    if (error instanceof BrokenBarrierError) return true;
    throw error;
  }
}

/** Waits for an item that it does not live to get. */
export async function getForEver(
  queue: Queue<number>,
  waiting: SharedValue<"int32">,
  isAsync: boolean,
): Promise<void> {
  waiting.add(1);
  if (isAsync) await queue.get();
  else queue.getSync();
  fail("a thread that was terminated has got an item");
}
