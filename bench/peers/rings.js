// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The floor for threads: two rings of numbers in shared memory for each worker,
// nothing but loads, stores and wake-ups. No future, no error, no function.

/** Calls that a ring holds: more than a burst gives to one worker. */
export const CAPACITY = 1 << 15;

const HEAD = 0;
const TAIL = 16;
const ASLEEP = 32;
const FIRST = 48;
const WORDS = 3;

/** One ring. */
export function createRing() {
  return new Int32Array(new SharedArrayBuffer(4 * (FIRST + WORDS * CAPACITY)));
}

/** Adds a message; the reader is woken only if it sleeps. */
export function push(ring, a, b, c) {
  const head = ring[HEAD];
  if (head - Atomics.load(ring, TAIL) >= CAPACITY) {
    throw new RangeError("the ring is full");
  }
  const at = FIRST + WORDS * (head % CAPACITY);
  ring[at] = a;
  ring[at + 1] = b;
  ring[at + 2] = c;
  Atomics.store(ring, HEAD, head + 1);
  if (Atomics.exchange(ring, ASLEEP, 0) === 1) Atomics.notify(ring, HEAD);
}

/** Gives all messages that are there to `take`; returns how far it has read. */
export function drain(ring, take) {
  let tail = ring[TAIL];
  const head = Atomics.load(ring, HEAD);
  for (; tail !== head; tail++) {
    const at = FIRST + WORDS * (tail % CAPACITY);
    take(ring[at], ring[at + 1], ring[at + 2]);
  }
  Atomics.store(ring, TAIL, tail);
  return tail;
}

/** Says that the reader will sleep; false if there is something to read. */
export function fallAsleep(ring, tail) {
  Atomics.store(ring, ASLEEP, 1);
  if (Atomics.load(ring, HEAD) === tail) return true;
  Atomics.store(ring, ASLEEP, 0);
  return false;
}

/** The worker: adds the two numbers of each call, for ever. */
export function answerCalls([calls, answers]) {
  for (;;) {
    const tail = drain(calls, (id, a, b) => push(answers, id, a + b, 0));
    if (fallAsleep(calls, tail)) Atomics.wait(calls, HEAD, tail);
  }
}

/** The caller: takes answers whenever there are some. */
export async function takeAnswers(answers, take) {
  for (;;) {
    const tail = drain(answers, take);
    if (!fallAsleep(answers, tail)) continue;
    const { async, value } = Atomics.waitAsync(answers, HEAD, tail);
    if (async) await value;
  }
}
