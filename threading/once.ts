// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Something that is done once, by one thread for all.
 *
 * @module
 */

import {
  checkWait,
  type WaitOptions,
  within,
} from "../_internal/base/deadline.ts";
import {
  CancelledError,
  DeadlockError,
  TimeoutError,
} from "../_internal/base/errors.ts";
import { checkFunction } from "../_internal/base/validation.ts";
import { OnceCore, RUN } from "../_internal/memory/once_core.ts";
import {
  registerSharedClass,
  takeAdopted,
} from "../_internal/wire/shared_objects.ts";
import { decodeEnd, decodeEndSync, encodeEnd, type End } from "./_once_end.ts";

const VERB = "run once";
let send: (once: Once) => OnceCore;

/**
 * Something that is done once, by one thread for all: the first one who comes
 * runs its function, and everybody gets what came of it, a value or an error.
 * Python has none; see Go's `sync.Once`.
 *
 * - **Shared:** sent to a thread, captured by a function or put in a queue, it is the same one there.
 * - **Value:** the thread that ran the function has the very value. The others get a copy, one for each thread; an object of this module (a lock, a shared array) means the same one there. A value that cannot travel is a {@linkcode SerializationError} for the others.
 * - **Error:** is the end too. Nobody tries again.
 * - **Death:** where the thread that runs the function ends before the function has, the next one who waits runs its own.
 *
 * After the end it costs the look at one word.
 *
 * @example Usage
 * ```ts
 * import { Once, SharedValue, Thread } from "@concurrent/parallel/threading";
 * import { assertEquals } from "@std/assert";
 *
 * const once = new Once();
 * const runs = new SharedValue("int32");
 * const load = () => {
 *   runs.add(1);
 *   return { language: "en" };
 * };
 * const thread = new Thread({ target: () => once.run(load) }).start();
 *
 * assertEquals(await once.run(load), { language: "en" });
 * assertEquals(await thread.result(), { language: "en" });
 * assertEquals(runs.value, 1);
 * ```
 *
 * @typeParam T What its functions may return.
 */
export class Once<T = unknown> {
  readonly #core: OnceCore;
  /** True where other threads may know it: then the end is written for them. */
  #isShared: boolean;
  /** While this thread runs the function. */
  #running: Promise<unknown> | undefined;
  /** While the function has been called and has not returned. */
  #isInside = false;
  /** How it has ended, as this thread has it. */
  #end: End | undefined;

  static {
    send = (once) => once.#share();
  }

  /** Creates something that is to be done. */
  constructor() {
    const adopted = takeAdopted();
    this.#isShared = adopted !== undefined;
    this.#core = adopted === undefined ? new OnceCore() : new OnceCore({
      serial: adopted.serial,
      words: new Int32Array(adopted.parts[0] as SharedArrayBuffer),
      bytes: adopted.parts[1] as SharedArrayBuffer,
    });
  }

  /**
   * Runs the function, where nobody has before, or waits for the end of the one
   * that somebody runs.
   *
   * @typeParam R What the function returns.
   * @param fn What to do.
   * @param options How long to wait for somebody else's end.
   * @returns What came of it.
   * @throws What the function threw.
   * @throws {TimeoutError} If the timeout has passed.
   * @throws {DeadlockError} If the function itself asks, before it has returned.
   * @throws {SerializationError} If the value cannot travel to this thread.
   * @throws {RangeError} If the timeout is negative or NaN.
   */
  async run<R extends T>(
    fn: () => R | PromiseLike<R>,
    options: WaitOptions = {},
  ): Promise<R> {
    checkFunction(VERB, "fn", fn);
    checkWait(VERB, options);
    options.signal?.throwIfAborted();
    if (this.#end !== undefined) return valueOf(this.#end);
    if (this.#isInside) throw inside();
    if (this.#running !== undefined) {
      return await within(VERB, this.#running as Promise<R>, options);
    }
    const granted = await this.#core.waitAsync(0, options);
    if (granted === 0) throw timedOut(options);
    if (granted !== RUN) return await this.#read();
    const running = this.#call(fn);
    this.#running = running;
    try {
      return await running;
    } finally {
      this.#running = undefined;
    }
  }

  /**
   * As {@linkcode Once.run}, and blocks the thread. The function must not
   * return a promise.
   *
   * @typeParam R What the function returns.
   * @param fn What to do.
   * @param options How long to wait for somebody else's end.
   * @returns What came of it.
   * @throws What the function threw.
   * @throws {TimeoutError} If the timeout has passed.
   * @throws {TypeError} If the function returns a promise; it does not count as done then.
   * @throws {DeadlockError} If this very thread runs the function: it would wait for itself.
   * @throws {SerializationError} If the value cannot travel to this thread.
   * @throws {RangeError} If the timeout is negative or NaN.
   */
  runSync<R extends T>(fn: () => R, options: WaitOptions = {}): R {
    checkFunction(VERB, "fn", fn);
    checkWait(VERB, options);
    options.signal?.throwIfAborted();
    if (this.#end !== undefined) return valueOf(this.#end);
    if (this.#core.isOwn) throw inside();
    const granted = this.#core.waitSync(0, options);
    if (granted === 0) throw timedOut(options);
    if (granted !== RUN) return this.#readSync();
    const end = this.#endOf(fn);
    if (end.ok && isPromise(end.value)) {
      this.#core.giveBack();
      throw new TypeError(
        "Cannot run once as 'fn' must not return a promise: use run()",
      );
    }
    return this.#finish(end);
  }

  /**
   * Tells whether it has ended, with a value or an error.
   *
   * @returns True where it has.
   */
  get done(): boolean {
    return this.#core.isDone;
  }

  async #call<R>(fn: () => R | PromiseLike<R>): Promise<R> {
    const { ok, value } = this.#endOf(fn);
    if (!ok) return this.#finish({ ok, value });
    let end: End;
    try {
      end = { ok, value: await value };
    } catch (error) {
      end = { ok: false, value: error };
    }
    return this.#finish(end);
  }

  #endOf(fn: () => unknown): End {
    this.#isInside = true;
    try {
      return { ok: true, value: fn() };
    } catch (value) {
      return { ok: false, value };
    } finally {
      this.#isInside = false;
    }
  }

  #finish<R>(end: End): R {
    const written = this.#isShared ? encodeEnd(end) : NOT_WRITTEN;
    if (!this.#core.finish(written)) {
      throw new CancelledError(
        "Cannot run once: this thread was terminated, another one runs it",
      );
    }
    this.#end = end;
    return valueOf(end);
  }

  async #read<R>(): Promise<R> {
    const end = this.#end ?? await decodeEnd(this.#core.end());
    // Somebody else here may have read it meanwhile.
    return valueOf(this.#end ??= end);
  }

  #readSync<R>(): R {
    return valueOf(this.#end ??= decodeEndSync(this.#core.end()));
  }

  /** From now on others can see it: they must be able to read an end that is there. */
  #share(): OnceCore {
    if (!this.#isShared) {
      this.#isShared = true;
      if (this.#end !== undefined) this.#core.write(encodeEnd(this.#end));
    }
    return this.#core;
  }
}

/** The end of what no other thread knows. */
const NOT_WRITTEN = { bytes: new Uint8Array(), token: 0 };

function valueOf<R>({ ok, value }: End): R {
  if (!ok) throw value;
  return value as R;
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then ===
    "function";
}

function timedOut({ timeout }: WaitOptions): TimeoutError {
  return new TimeoutError(`Cannot ${VERB}: ${timeout} ms have passed`);
}

function inside(): DeadlockError {
  return new DeadlockError(
    "Cannot run once: this thread runs it already, and would wait for itself",
  );
}

registerSharedClass("threading.Once", Once, import.meta.url, (once) => {
  const { serial, words, bytes } = send(once);
  return { serial, parts: [words.buffer, bytes] };
});
