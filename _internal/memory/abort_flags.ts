// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The call words of a child process (see slots.ts), in memory that the child's
// main thread shares with its watchdog thread. The watchdog sets their ABORT
// bit as the host asks over the child's stdin, so that a task that is busy in a
// synchronous loop sees it too.
//
//   word          who writes                      who reads
//   0 .. 127      watchdog: the ABORT bit, and    the running task
//                 the number of the raise above
//                 main thread: clears it when
//                 the call ends, and at a fence
//   CONSUMED      watchdog                        main thread, at a fence
//
// Stdin and the socket are two roads without an order between them. A raise can
// be there before the call that it is meant for: nothing clears a word when a
// call begins. And a raise for a call that has just ended could arrive after
// the slot's next call has begun, and abort the wrong one. So the host sends a
// fence over the socket behind every raise: the number of raises up to then.
// The child takes nothing that comes after the fence before its watchdog has
// seen as many; then it clears the words that those raises have set and that
// belong to no call that it holds.

import { ABORT, SLOTS, TIMED_OUT } from "./slots.ts";

/** Calls that a child can have in flight; each has a word. */
export const FLAGS = SLOTS;
/** Bits below the number of the raise. */
const RAISE_SHIFT = 4;
/** On stdin: the slot, and this where the call has run out of time. */
const TIMED_OUT_MARK = FLAGS;
/** The word behind the flags: how many raises the watchdog has taken from stdin. */
const CONSUMED = FLAGS;
const WORDS = FLAGS + 1;

/** Creates the words of one child: those of the calls, and the count of raises behind them. */
export function createAbortFlags(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(
    new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT),
  );
}

/** What the host writes to the child's stdin to stop the call in a slot, since it was cancelled (0), has run out of time (1) or was interrupted (2). */
export function raiseByte(slot: number, reason: 0 | 1 | 2): number {
  return reason === 1 ? slot | TIMED_OUT_MARK : slot;
}

/**
 * Blocks until the watchdog has taken `count` raises, or until `timeout` ms
 * have passed. The count wraps at 32 bits.
 */
export function waitForRaises(
  flags: Int32Array,
  count: number,
  timeout: number,
): boolean {
  const end = performance.now() + timeout;
  while (true) {
    const consumed = Atomics.load(flags, CONSUMED);
    // The difference, not the two numbers: it stays right where the count wraps.
    if (((consumed - count) | 0) >= 0) return true;
    const rest = end - performance.now();
    if (rest <= 0) return false;
    Atomics.wait(flags, CONSUMED, consumed, rest);
  }
}

/**
 * Clears what the first `count` raises have set for calls that are over.
 *
 * @param isHeld Tells whether a call that has come and has not been answered is in the slot.
 */
export function clearStaleRaises(
  flags: Int32Array,
  count: number,
  isHeld: (slot: number) => boolean,
): void {
  for (let slot = 0; slot < FLAGS; slot++) {
    const word = Atomics.load(flags, slot);
    if (word === 0 || isHeld(slot)) continue;
    // The difference of two numbers of 28 bits: right where they wrap.
    const ahead = ((word >>> RAISE_SHIFT) - count) << RAISE_SHIFT;
    if (ahead > 0) continue;
    // Not where the next raise has set it meanwhile.
    Atomics.compareExchange(flags, slot, word, 0);
  }
}

/**
 * The watchdog's program, as text: it has to start without `--allow-read`, and
 * a module of its own would need that. The end of stdin means that the parent
 * is gone. SIGKILL through `node:process` is the one way for a thread to end a
 * process whose main thread is busy: `Deno.exit()` ends only the thread, and
 * `Deno.kill()` asks for `--allow-run`.
 */
export const WATCHDOG_SOURCE = `
const { process } = globalThis;
addEventListener("message", ({ data: { words: flags, place } }) => {
  const bytes = new Uint8Array(256);
  let raises = 0;
  while (true) {
    let count = null;
    try {
      count = Deno.stdin.readSync(bytes);
    } catch {
      // A lane that cannot be read is as good as a parent that is gone.
    }
    if (count === null) {
      try {
        // Nobody else is left to do it.
        if (place) Deno.removeSync(place, { recursive: true });
      } catch {
        // It is gone already.
      }
      process.kill(process.pid, "SIGKILL");
    }
    for (let i = 0; i < count; i++) {
      const late = (bytes[i] & ${TIMED_OUT_MARK}) !== 0;
      const slot = bytes[i] & ${FLAGS - 1};
      const bits = late ? ${ABORT | TIMED_OUT} : ${ABORT};
      Atomics.store(flags, slot, bits | (++raises << ${RAISE_SHIFT}));
    }
    Atomics.add(flags, ${CONSUMED}, count);
    Atomics.notify(flags, ${CONSUMED});
  }
});
`;
