// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The call words of a child process (see slots.ts), in memory that the child's
// main thread shares with its watchdog thread. The watchdog sets their ABORT
// bit as the host asks over the child's stdin, so that a task that is busy in a
// synchronous loop sees it too.
//
//   word          who writes                      who reads
//   0 .. 63       watchdog: the ABORT bit         the running task
//                 main thread: clears it when a
//                 call begins in the slot
//   CONSUMED      watchdog                        main thread, at a fence
//
// Stdin and the socket are two roads without an order between them. A raise
// for a call that has just ended could therefore arrive after the slot's next
// call has begun, and abort the wrong one. So the host sends a fence over the
// socket behind every raise: the number of raises up to then. The child takes
// nothing that comes after the fence before its watchdog has seen as many.

/** Calls that a child can have in flight; each has a word. */
export const FLAGS = 64;
/** The bits of `CallSlots.aborted()` and `timedOut()`. */
const ABORT = 4;
const TIMED_OUT = 8;
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

/** What the host writes to the child's stdin to stop the call in a slot, since it was cancelled (0) or has run out of time (1). */
export function raiseByte(slot: number, reason: 0 | 1): number {
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
 * The watchdog's program, as text: it has to start without `--allow-read`, and
 * a module of its own would need that. The end of stdin means that the parent
 * is gone. SIGKILL through `node:process` is the one way for a thread to end a
 * process whose main thread is busy: `Deno.exit()` ends only the thread, and
 * `Deno.kill()` asks for `--allow-run`.
 */
export const WATCHDOG_SOURCE = `
const { process } = globalThis;
addEventListener("message", ({ data: flags }) => {
  const bytes = new Uint8Array(256);
  while (true) {
    let count = null;
    try {
      count = Deno.stdin.readSync(bytes);
    } catch {
      // A lane that cannot be read is as good as a parent that is gone.
    }
    if (count === null) process.kill(process.pid, "SIGKILL");
    for (let i = 0; i < count; i++) {
      const late = (bytes[i] & ${TIMED_OUT_MARK}) !== 0;
      const slot = bytes[i] & ${FLAGS - 1};
      Atomics.or(flags, slot, late ? ${ABORT | TIMED_OUT} : ${ABORT});
    }
    Atomics.add(flags, ${CONSUMED}, count);
    Atomics.notify(flags, ${CONSUMED});
  }
});
`;
