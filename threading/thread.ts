// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { checkWait, type WaitOptions } from "../_internal/base/deadline.ts";
import { NotSupportedError } from "../_internal/base/errors.ts";
import {
  checkFunction,
  checkSignal,
  describe,
} from "../_internal/base/validation.ts";
import { threadBackend } from "../_internal/pool/backend.ts";
import { SingleRun } from "../_internal/pool/single_run.ts";
import { unwrapTask } from "../_internal/wire/functions/task.ts";
import { CallMode } from "../_internal/wire/messages.ts";
import { report } from "../_internal/worker/report.ts";

/** How a {@linkcode Thread} is set up. */
export interface ThreadOptions<A extends unknown[] = unknown[], R = unknown> {
  /** What the thread runs. */
  target?: (...args: A) => R;
  /**
   * The target's arguments.
   *
   * @default {[]}
   */
  args?: A;
  /**
   * The thread's label.
   *
   * @default {undefined} "Thread-" and a number
   */
  name?: string;
  /**
   * True: the program ends without waiting for the thread.
   *
   * @default {false}
   */
  daemon?: boolean;
  /** What the thread may do. Not supported: Deno offers it to processes only. */
  permissions?: Deno.PermissionOptions;
  /** Stops the thread. */
  signal?: AbortSignal;
}

/** How to wait for a thread. */
export interface JoinOptions {
  /**
   * How long to wait, in milliseconds; `0` polls.
   *
   * @default {undefined} waits for ever
   */
  timeout?: number;
  /** Ends the wait; the promise rejects with `signal.reason`. */
  signal?: AbortSignal;
}

let count = 0;

/**
 * A function that runs in a thread of its own, at the same time as everything
 * else.
 *
 * - **Travel:** the target goes to the thread with what it captured, as it is at `start()`.
 * - **Errors:** `join()` never throws the target's error; `result()` does. One
 *   that nobody asks for is printed on standard error.
 * - **Program:** it does not end before the thread has, unless the thread is a daemon.
 *
 * Each thread is a worker with about 8 MB and 20 ms to start: for many short
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
 * @typeParam R What the target returns.
 */
export class Thread<R = unknown> implements AsyncDisposable {
  readonly #run: SingleRun;
  readonly #name: string;
  readonly #daemon: boolean;
  readonly #call: () => R;

  /**
   * Sets the thread up; `start()` starts it.
   *
   * @typeParam A The target's arguments.
   * @param options What it runs, and how.
   * @throws {TypeError} If an option is of the wrong type.
   * @throws {NotSupportedError} If `permissions` are given.
   */
  constructor(
    // deno-lint-ignore no-explicit-any -- the arguments are those of the target
    options: ThreadOptions<any[], R> = {},
  ) {
    const verb = "create Thread";
    const { target = doNothing, args = [], name, daemon = false, signal } =
      options;
    checkFunction(verb, "target", target);
    checkSignal(verb, signal);
    if (!Array.isArray(args)) {
      throw new TypeError(
        `Cannot ${verb} as 'args' must be an array: current value is ${
          describe(args)
        }`,
      );
    }
    const task = unwrapTask(target);
    this.#name = name ?? `Thread-${++count}`;
    this.#daemon = daemon;
    this.#call = () => target(...args) as R;
    this.#run = new SingleRun({
      what: "thread",
      name: this.#name,
      backend: threadBackend({
        concurrency: 1,
        permissions: options.permissions,
      }),
      mode: CallMode.single,
      target: task.fn,
      args,
      taskOptions: task.options,
      daemon,
      signal: signal ?? task.options.signal,
      onUncaught: (error) =>
        report(`Exception in thread ${this.#name}:`, error),
    });
  }

  /**
   * Calls the target, here. Overriding it in a subclass is not supported yet.
   *
   * @returns What the target returns.
   */
  run(): R {
    return this.#call();
  }

  /**
   * Starts the thread.
   *
   * @returns This thread.
   * @throws {InvalidStateError} If it was started before.
   * @throws {SerializationError} If the target or an argument cannot travel.
   * @throws {NotSupportedError} If `run()` is overridden.
   */
  start(): this {
    if (this.run !== Thread.prototype.run) {
      throw new NotSupportedError(
        `Cannot start thread '${this.#name}' with a 'run' of its own: not supported yet`,
      );
    }
    this.#run.start();
    return this;
  }

  /**
   * Waits until the thread has ended. Does not throw the target's error.
   *
   * @param options How long to wait.
   * @returns True: it has ended. False: the timeout has passed.
   * @throws {InvalidStateError} If it was not started.
   */
  async join(options: JoinOptions = {}): Promise<boolean> {
    checkWait("join a thread", options as WaitOptions);
    return await this.#run.join(options as WaitOptions);
  }

  /**
   * Waits for what the target returns.
   *
   * @returns The value; rejects with the target's error.
   * @throws {InvalidStateError} If the thread was not started.
   */
  result(): Promise<R> {
    return this.#run.result() as Promise<R>;
  }

  /**
   * Stops the thread now. One that is busy in JavaScript cannot be stopped: it
   * is given up, and ends with the program.
   *
   * @returns Resolves when the thread has ended or was given up.
   * @throws {InvalidStateError} If it was not started.
   */
  terminate(): Promise<void> {
    return this.#run.terminate();
  }

  /**
   * The thread's label.
   *
   * @returns The name.
   */
  get name(): string {
    return this.#name;
  }

  /**
   * The thread's number, unique in the program.
   *
   * @returns The number; 0 before `start()`.
   */
  get ident(): number {
    return this.#run.worker?.id ?? 0;
  }

  /**
   * Whether the program ends without waiting for the thread.
   *
   * @returns True for a daemon.
   */
  get daemon(): boolean {
    return this.#daemon;
  }

  /**
   * Tells whether the thread was started and has not ended.
   *
   * @returns True where it lives.
   */
  isAlive(): boolean {
    return this.#run.isAlive;
  }

  /**
   * Waits until the thread has ended, where it was started.
   *
   * @returns Resolves when it has.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#run.isStarted) await this.join();
  }
}

function doNothing(): undefined {}
