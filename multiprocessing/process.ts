// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { constants } from "node:os";
import { checkWait, type WaitOptions } from "../_internal/base/deadline.ts";
import { NotSupportedError } from "../_internal/base/errors.ts";
import {
  checkFunction,
  checkSignal,
  describe,
} from "../_internal/base/validation.ts";
import { processBackend } from "../_internal/pool/backend.ts";
import { SingleRun } from "../_internal/pool/single_run.ts";
import { unwrapTask } from "../_internal/wire/functions/task.ts";
import { CallMode } from "../_internal/wire/messages.ts";

/** How a {@linkcode Process} is set up. */
export interface ProcessOptions<A extends unknown[] = unknown[], R = unknown> {
  /** What the process runs. */
  target?: (...args: A) => R;
  /**
   * The target's arguments.
   *
   * @default {[]}
   */
  args?: A;
  /**
   * The process's label.
   *
   * @default {undefined} "Process-" and a number
   */
  name?: string;
  /**
   * True: the program ends without waiting for the process, which ends with it.
   *
   * @default {false}
   */
  daemon?: boolean;
  /**
   * What the process may do: at most what this program may.
   *
   * @default {"inherit"}
   */
  permissions?: Deno.PermissionOptions;
  /** Stops the process. */
  signal?: AbortSignal;
  /** Environment variables on top of this program's. */
  env?: Record<string, string>;
  /**
   * The working directory.
   *
   * @default {undefined} this program's
   */
  cwd?: string | URL;
}

/** How to wait for a process. */
export interface ProcessJoinOptions {
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
 * A function that runs in a child process of its own.
 *
 * - **Travel:** the target goes to the process with what it captured, as it is at `start()`.
 * - **Exit code:** `null` while it runs; 0; 1 where the target threw, whose
 *   stack the child prints; the code of `Deno.exit()`; or minus the number of
 *   the signal that ended it.
 * - **Orphans:** the process never outlives the program, even one that is killed.
 *
 * Against a `Thread`: a stop is sure, memory and permissions are its own; a
 * start takes about 50 ms and 30 MB, and the program needs `--allow-run`.
 *
 * @example Usage
 * ```ts
 * import { Process } from "@concurrent/parallel/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * const process = new Process({ target: (n: number) => n * 2, args: [21] });
 * process.start();
 *
 * assertEquals(await process.result(), 42);
 * await process.join();
 * assertEquals(process.exitCode, 0);
 * ```
 *
 * @typeParam R What the target returns.
 */
export class Process<R = unknown> implements AsyncDisposable {
  readonly #run: SingleRun;
  readonly #name: string;
  readonly #daemon: boolean;
  readonly #call: () => R;

  /**
   * Sets the process up; `start()` starts it.
   *
   * @param options What it runs, and how.
   * @throws {TypeError} If an option is of the wrong type.
   */
  constructor(
    // deno-lint-ignore no-explicit-any -- the arguments are those of the target
    options: ProcessOptions<any[], R> = {},
  ) {
    const verb = "create Process";
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
    this.#name = name ?? `Process-${++count}`;
    this.#daemon = daemon;
    this.#call = () => target(...args) as R;
    const { permissions, env, cwd } = options;
    this.#run = new SingleRun({
      what: "process",
      name: this.#name,
      backend: processBackend({ concurrency: 1, permissions, env, cwd }),
      mode: CallMode.main,
      target: task.fn,
      args,
      taskOptions: task.options,
      daemon,
      signal: signal ?? task.options.signal,
      // The child has printed it.
      onUncaught: () => {},
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
   * Starts the process.
   *
   * @returns This process.
   * @throws {InvalidStateError} If it was started before.
   * @throws {SerializationError} If the target or an argument cannot travel.
   * @throws {NotSupportedError} If `run()` is overridden.
   */
  start(): this {
    if (this.run !== Process.prototype.run) {
      throw new NotSupportedError(
        `Cannot start process '${this.#name}' with a 'run' of its own: not supported yet`,
      );
    }
    this.#run.start();
    return this;
  }

  /**
   * Waits until the process has ended. Does not throw the target's error.
   *
   * @param options How long to wait.
   * @returns True: it has ended. False: the timeout has passed.
   * @throws {InvalidStateError} If it was not started.
   */
  async join(options: ProcessJoinOptions = {}): Promise<boolean> {
    checkWait("join a process", options as WaitOptions);
    return await this.#run.join(options as WaitOptions);
  }

  /**
   * Waits for what the target returns.
   *
   * @returns The value; rejects with the target's error.
   * @throws {InvalidStateError} If the process was not started.
   */
  result(): Promise<R> {
    return this.#run.result() as Promise<R>;
  }

  /**
   * Ends the process with SIGTERM.
   *
   * @returns Resolves when it has ended.
   * @throws {InvalidStateError} If it was not started.
   */
  terminate(): Promise<void> {
    return this.#run.terminate("SIGTERM");
  }

  /**
   * Ends the process with SIGKILL.
   *
   * @returns Resolves when it has ended.
   * @throws {InvalidStateError} If it was not started.
   */
  kill(): Promise<void> {
    return this.#run.terminate("SIGKILL");
  }

  /**
   * The operating system's number.
   *
   * @returns The number, or `undefined` before `start()`.
   */
  get pid(): number | undefined {
    return this.#run.worker?.pid;
  }

  /**
   * How the process ended.
   *
   * @returns `null` while it has not; its exit code, or minus the signal's number.
   */
  get exitCode(): number | null {
    const { exit } = this.#run;
    if (exit === undefined) return null;
    const { signal, exitCode } = exit;
    if (signal === undefined) return exitCode ?? 1;
    const { signals } = constants;
    return -(signals[signal as keyof typeof signals] ?? 0);
  }

  /**
   * The process's label.
   *
   * @returns The name.
   */
  get name(): string {
    return this.#name;
  }

  /**
   * Whether the program ends without waiting for the process.
   *
   * @returns True for a daemon.
   */
  get daemon(): boolean {
    return this.#daemon;
  }

  /**
   * Tells whether the process was started and has not ended.
   *
   * @returns True where it lives.
   */
  isAlive(): boolean {
    return this.#run.isAlive;
  }

  /**
   * Waits until the process has ended, where it was started.
   *
   * @returns Resolves when it has.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#run.isStarted) await this.join();
  }
}

function doNothing(): undefined {}
