// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * A function that runs in a thread of its own, and the threads of the program.
 *
 * @module
 */

import { checkWait, type WaitOptions } from "../_internal/base/deadline.ts";
import {
  InvalidStateError,
  NotSupportedError,
  SerializationError,
  WorkerCrashedError,
} from "../_internal/base/errors.ts";
import {
  agentInfo,
  isGone,
  liveAgents,
  mainTag,
  selfTag,
} from "../_internal/memory/domain.ts";
import { ThreadEnd } from "../_internal/memory/waiting.ts";
import {
  type ActivityHooks,
  singleRunOf,
  withHooks,
} from "../_internal/pool/activity.ts";
import { declareOwnExports } from "../_internal/wire/functions/own_exports.ts";
import { fromModule } from "../_internal/wire/functions/task.ts";
import {
  adopt,
  registerSharedClass,
  remember,
  takeAdopted,
} from "../_internal/wire/shared_objects.ts";
import { killThread } from "../_internal/worker/spawn_thread.ts";
import {
  Activity,
  type ActivityOptions,
  type JoinOptions,
} from "./activity.ts";
import { excepthook } from "./excepthook.ts";

/** How a {@linkcode Thread} is set up. `permissions` are what the program has: Deno narrows those of processes only. */
export type ThreadOptions<A extends unknown[] = unknown[], R = unknown> =
  ActivityOptions<A, R>;

/** What a thread runs whose class overrides `run()`; loaded there only. */
const { runThread } = fromModule<
  { runThread: (...args: unknown[]) => unknown }
>(
  new URL("./_run_thread.ts", import.meta.url),
);

let tagOf: (thread: Thread) => number;

/**
 * A function that runs in a thread of its own, at the same time as everything
 * else: Python's `threading.Thread`.
 *
 * - **Travel:** the target goes to the thread with what it captured, as it is at `start()`.
 * - **Errors:** `join()` never throws the target's error; `result()` does. One
 *   that nobody asks for goes to {@linkcode excepthook}.
 * - **Program:** it does not end before the thread has, unless the thread is a daemon.
 * - **Locks:** those that it still holds when it ends are released, and their next holders told.
 * - **Threads of its own:** a thread may start threads. It stays until those that are no daemons have ended; those that are left end with it.
 * - **Shared:** a started thread can be sent to other threads, which can join and terminate it. Its result stays with the thread that started it.
 *
 * Each thread is a worker with about 12 MB and 20 ms to start: for many short
 * calls use a `ThreadPoolExecutor`, which keeps its threads.
 *
 * @example Usage
 * ```ts
 * import { Thread } from "@concurrent/parallel/threading";
 * import { assertEquals } from "@std/assert";
 *
 * const thread = new Thread({ target: (n: number) => n * 2, args: [21] });
 * thread.start();
 *
 * assertEquals(await thread.result(), 42);
 * await thread.join();
 * ```
 *
 * @example A subclass
 * ```ts
 * import { Thread } from "@concurrent/parallel/threading";
 * import { assertEquals } from "@std/assert";
 *
 * class Square extends Thread<number> {
 *   side = 0;
 *   override run(): number {
 *     return this.side ** 2;
 *   }
 * }
 * const thread = new Square();
 * thread.side = 9;
 * thread.start();
 *
 * assertEquals(await thread.result(), 81);
 * await thread.join();
 * ```
 *
 * @typeParam R What the target returns.
 */
export class Thread<R = unknown> extends Activity<R> {
  /** Its place among the threads of the program: 0 before `start()`, then for good. */
  #tag = 0;
  /** True where this thread did not start it: it was sent here, or is only looked at. */
  readonly #isForeign: boolean;

  static {
    tagOf = (thread) => thread.#tag;
  }

  /**
   * Sets the thread up; `start()` starts it.
   *
   * @param options What it runs, and how.
   * @throws {TypeError} If an option is of the wrong type.
   * @throws {NotSupportedError} If `permissions` other than `"inherit"` are given.
   */
  // deno-lint-ignore no-explicit-any -- the arguments are those of the target
  constructor(options: ThreadOptions<any[], R> = {}) {
    const adopted = takeAdopted();
    const [tag, name, daemon] = (adopted?.parts ?? []) as [
      number,
      string,
      boolean,
    ];
    super(
      "thread",
      withHooks(
        HOOKS,
        adopted === undefined ? options : { ...options, name, daemon },
      ),
    );
    this.#isForeign = adopted !== undefined;
    if (adopted !== undefined) this.#tag = tag;
  }

  /**
   * Starts it. The target and its arguments travel as they are now.
   *
   * @returns This object.
   * @throws {InvalidStateError} If it was started before.
   * @throws {SerializationError} If the target or an argument cannot travel.
   */
  override start(): this {
    if (this.#isForeign) {
      throw new InvalidStateError(
        `Cannot start thread '${this.name}': it was started before`,
      );
    }
    super.start();
    this.#tag = singleRunOf(this).worker!.agent;
    remember(-this.#tag, this);
    return this;
  }

  /**
   * Waits until it has ended. Does not throw the target's error.
   *
   * @param options How long to wait.
   * @returns True: it has ended. False: the timeout has passed.
   * @throws {InvalidStateError} If it was not started, or is the current thread.
   */
  override async join(options: JoinOptions = {}): Promise<boolean> {
    checkWait("join a thread", options);
    this.#checkJoin();
    if (!this.#isForeign) return await super.join(options);
    return await new ThreadEnd(this.#tag).waitAsync(this.#tag, options) !== 0;
  }

  /**
   * As {@linkcode Thread.join}, and blocks the current thread.
   *
   * @param options How long to wait.
   * @returns True: it has ended. False: the timeout has passed.
   * @throws {InvalidStateError} If it was not started, or is the current thread.
   * @throws {DeadlockError} If it waits for the current thread, and no other is left.
   */
  joinSync(options: WaitOptions = {}): boolean {
    checkWait("join a thread", options);
    this.#checkJoin();
    return new ThreadEnd(this.#tag).waitSync(this.#tag, options) !== 0;
  }

  /**
   * Waits for what the target returns.
   *
   * @returns The value; rejects with the target's error.
   * @throws {InvalidStateError} If it was not started.
   * @throws {NotSupportedError} If another thread started it.
   */
  override async result(): Promise<R> {
    if (this.#isForeign) {
      throw new NotSupportedError(
        `Cannot get the result of thread '${this.name}': only the thread that started it can`,
      );
    }
    return await super.result();
  }

  /**
   * Stops the thread now. One that waits for a lock, an event or a queue is woken
   * and ends; one that is busy in JavaScript cannot be stopped: it is given up,
   * and ends with the program. The locks that it held are released.
   *
   * @returns Resolves when the thread has ended or was given up.
   * @throws {InvalidStateError} If it was not started, or is the main thread.
   */
  async terminate(): Promise<void> {
    if (!this.#isForeign) return await singleRunOf(this).terminate();
    if (this.#tag === mainTag()) {
      throw new InvalidStateError("Cannot terminate the main thread");
    }
    killThread(this.#tag);
  }

  /**
   * Tells whether it was started and has not ended.
   *
   * @returns True where it lives.
   */
  override isAlive(): boolean {
    return this.#tag !== 0 && !isGone(this.#tag) &&
      (this.#isForeign || super.isAlive());
  }

  /**
   * The thread's number, unique in the program while it lives.
   *
   * @returns The number; 0 before `start()`.
   */
  get ident(): number {
    return this.#tag;
  }

  #checkJoin(): void {
    if (this.#tag === 0) {
      throw new InvalidStateError(
        `Cannot join thread '${this.name}': it was not started`,
      );
    }
    if (this.#tag === selfTag()) {
      throw new InvalidStateError(
        `Cannot join thread '${this.name}': it is the current thread`,
      );
    }
  }
}

/**
 * The thread that runs the caller. The same object each time; in a thread whose
 * class overrides `run()`, the object whose `run()` it is.
 *
 * @returns The current thread.
 *
 * @example Usage
 * ```ts
 * import { currentThread, mainThread } from "@concurrent/parallel/threading";
 * import { assert } from "@std/assert";
 *
 * assert(currentThread() === mainThread());
 * ```
 */
export function currentThread(): Thread {
  return threadOf(selfTag());
}

/**
 * The thread that the program began with.
 *
 * @returns The main thread. It can be joined from others, but ends with the program.
 *
 * @example Usage
 * ```ts
 * import { mainThread } from "@concurrent/parallel/threading";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(mainThread().name, "MainThread");
 * ```
 */
export function mainThread(): Thread {
  return threadOf(mainTag());
}

/**
 * All threads that are alive: the main one, daemons, and those of pools.
 *
 * @returns The threads, in no particular order.
 *
 * @example Usage
 * ```ts
 * import { enumerate, mainThread } from "@concurrent/parallel/threading";
 * import { assert } from "@std/assert";
 *
 * assert(enumerate().includes(mainThread()));
 * ```
 */
export function enumerate(): Thread[] {
  return liveAgents().filter((agent) => !agent.isHidden).map(({ tag }) =>
    threadOf(tag)
  );
}

/**
 * How many threads are alive.
 *
 * @returns The length of what {@linkcode enumerate} returns.
 *
 * @example Usage
 * ```ts
 * import { activeCount, enumerate } from "@concurrent/parallel/threading";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(activeCount(), enumerate().length);
 * ```
 */
export function activeCount(): number {
  return enumerate().length;
}

/**
 * The number of the current thread.
 *
 * @returns Its `ident`.
 *
 * @example Usage
 * ```ts
 * import { currentThread, getIdent } from "@concurrent/parallel/threading";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(getIdent(), currentThread().ident);
 * ```
 */
export function getIdent(): number {
  return selfTag();
}

function threadOf(tag: number): Thread {
  const { name, daemon } = agentInfo(tag);
  return adopt<Thread>(Thread, { serial: -tag, parts: [tag, name, daemon] });
}

const HOOKS: ActivityHooks = {
  base: Thread,
  runner: runThread,
  onUncaught(thread, error) {
    // It wanted to end: Python's `SystemExit`, which is silent too.
    const hasLeft = error instanceof WorkerCrashedError &&
      error.exitCode !== undefined;
    if (!hasLeft) excepthook({ error, thread });
  },
};

registerSharedClass("threading.Thread", Thread, import.meta.url, (thread) => {
  const tag = tagOf(thread);
  if (tag === 0) {
    throw new SerializationError(
      `Cannot send thread '${thread.name}': it was not started`,
      { reason: "a thread can be sent once it was started" },
    );
  }
  return { serial: -tag, parts: [tag, thread.name, thread.daemon] };
});
declareOwnExports(import.meta.url, {
  currentThread,
  mainThread,
  enumerate,
  activeCount,
  getIdent,
});
