// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * A function that runs in a child process of its own, and the processes of the program.
 *
 * @module
 */

import { InvalidStateError } from "../_internal/base/errors.ts";
import {
  type ActivityHooks,
  singleRunOf,
  withHooks,
} from "../_internal/pool/activity.ts";
import type { SingleRun } from "../_internal/pool/single_run.ts";
import { declareOwnExports } from "../_internal/wire/functions/own_exports.ts";
import { noteModule } from "../_internal/wire/functions/sync_modules.ts";
import { fromModule } from "../_internal/wire/functions/task.ts";
import {
  Activity,
  type ActivityEnvironment,
  type ActivityOptions,
  type JoinOptions,
} from "./activity.ts";
import { makeOwnProcess, ownProcess, takeOwn } from "./_own_process.ts";
import { signalNumber } from "./_signals.ts";

/** How a {@linkcode Process} is set up. */
export type ProcessOptions<A extends unknown[] = unknown[], R = unknown> =
  & ActivityOptions<A, R>
  & ActivityEnvironment;

/** What a process runs whose class overrides `run()`; loaded there only. */
const { runProcess } = fromModule<
  { runProcess: (...args: unknown[]) => unknown }
>(
  new URL("./_run_process.ts", import.meta.url),
);

/** Those that were started here and have not been found to have ended. */
const started = new Set<Process>();

/**
 * A function that runs in a child process of its own.
 *
 * - **Travel:** the target goes to the process with what it captured, as it is at `start()`.
 * - **Exit code:** `null` while it runs; 0; 1 where the target threw, whose
 *   stack the child prints; the code of `Deno.exit()`; or minus the number of
 *   the signal that ended it.
 * - **Program:** it does not end before the process has, unless the process is a daemon: that ends with it.
 * - **Blocking:** a thread that blocks right after `start()`, before the process has come up, keeps it from doing so: `await` something of it first.
 * - **Orphans:** the process never outlives the program, even one that is
 *   killed, and takes the processes along that it has started itself.
 *
 * Against a `Thread`: a stop is sure, memory and permissions are its own; a
 * start takes about 50 ms and 35 MB, and the program needs `--allow-run`.
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
 * @example A subclass
 * ```ts
 * import { Process } from "@concurrent/parallel/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * class Square extends Process<number> {
 *   side = 0;
 *   override run(): number {
 *     return this.side ** 2;
 *   }
 * }
 * const process = new Square();
 * process.side = 9;
 * process.start();
 *
 * assertEquals(await process.result(), 81);
 * await process.join();
 * ```
 *
 * @typeParam R What the target returns.
 */
export class Process<R = unknown> extends Activity<R> {
  /**
   * ```text
   * state    meaning                                    leaves by
   * open     set up, running or ended: the run knows    close() -> closed
   * closed   there are only labels left                 never
   * own      stands for this very process               never
   * ```
   */
  #state: "open" | "closed" | "own" = "open";

  /**
   * Sets the process up; `start()` starts it.
   *
   * @param options What it runs, and how.
   * @throws {TypeError} If an option is of the wrong type, or `permissions` asks for more than this program has.
   */
  // deno-lint-ignore no-explicit-any -- the arguments are those of the target
  constructor(options: ProcessOptions<any[], R> = {}) {
    const isOwn = takeOwn();
    super("process", withHooks(HOOKS, options));
    if (isOwn) this.#state = "own";
  }

  /**
   * Starts it. The target and its arguments travel as they are now.
   *
   * @returns This object.
   * @throws {InvalidStateError} If it was started before, or is closed.
   * @throws {SerializationError} If the target or an argument cannot travel.
   */
  override start(): this {
    this.#run("start");
    super.start();
    for (const other of started) if (!isRunning(other)) started.delete(other);
    started.add(this);
    return this;
  }

  /**
   * Waits until it has ended. Does not throw the target's error.
   *
   * @param options How long to wait.
   * @returns True: it has ended. False: the timeout has passed.
   * @throws {InvalidStateError} If it was not started, is closed, or is the current process.
   */
  override async join(options: JoinOptions = {}): Promise<boolean> {
    this.#run("join");
    return await super.join(options);
  }

  /**
   * Waits for what the target returns.
   *
   * @returns The value; rejects with the target's error.
   * @throws {InvalidStateError} If it was not started, is closed, or is the current process.
   */
  override async result(): Promise<R> {
    this.#run("get the result of");
    return await super.result();
  }

  /**
   * Ends the process with SIGTERM, and with it those that it has started.
   * Nothing happens where it has ended. One that listens to the signal itself may
   * take its time, or not end at all: `kill()` ends that, too.
   *
   * @returns Resolves when it has ended.
   * @throws {InvalidStateError} If it was not started, is closed, or is the current process.
   */
  async terminate(): Promise<void> {
    await this.#run("terminate").terminate("SIGTERM");
  }

  /**
   * Ends the process with SIGKILL, and with it those that it has started.
   * Nothing happens where it has ended.
   *
   * @returns Resolves when it has ended.
   * @throws {InvalidStateError} If it was not started, is closed, or is the current process.
   */
  async kill(): Promise<void> {
    await this.#run("kill").terminate("SIGKILL");
  }

  /**
   * Interrupts the process, as Ctrl-C does a program. Who listens for SIGINT over
   * there gets it. `current.signal` fires, and `current.throwIfAborted()` throws: a
   * target that uses them within half a second makes of it what it likes. One
   * that does not ends by the signal, with exit code -2. Nothing happens where
   * the process has ended.
   *
   * @throws {InvalidStateError} If it was not started, is closed, or is the current process.
   */
  interrupt(): void {
    this.#run("interrupt").interrupt();
  }

  /**
   * Says that nobody needs the object any more. From now on it has a name and
   * nothing else: whatever is asked of it is refused. A second time is nothing.
   *
   * @throws {InvalidStateError} If it runs, or is the current process.
   */
  close(): void {
    if (this.#state === "closed") return;
    if (this.#run("close").isAlive) {
      throw new InvalidStateError(
        `Cannot close process '${this.name}': it has not ended`,
      );
    }
    this.#state = "closed";
    started.delete(this);
  }

  /**
   * Tells whether it was started and has not ended.
   *
   * @returns True where it lives.
   * @throws {InvalidStateError} If it is closed.
   */
  override isAlive(): boolean {
    return this.#state === "own" || this.#run("look at").isAlive;
  }

  /**
   * The operating system's number.
   *
   * @returns The number, or `undefined` before `start()`.
   * @throws {InvalidStateError} If it is closed.
   */
  get pid(): number | undefined {
    if (this.#state === "own") return Deno.pid;
    const run = this.#run("look at");
    return run.isStarted ? run.worker?.pid : undefined;
  }

  /**
   * Another name of {@linkcode Process.pid}.
   *
   * @returns The number, or `undefined` before `start()`.
   * @throws {InvalidStateError} If it is closed.
   */
  get ident(): number | undefined {
    return this.pid;
  }

  /**
   * How the process ended.
   *
   * @returns `null` while it has not; its exit code, or minus the signal's number.
   * @throws {InvalidStateError} If it is closed.
   */
  get exitCode(): number | null {
    if (this.#state === "own") return null;
    const { exit } = this.#run("look at");
    if (exit === undefined) return null;
    const { signal, exitCode } = exit;
    if (signal === undefined) return exitCode ?? 1;
    // Where the number is not known, the code that a shell would show.
    return -(signalNumber(signal) ?? (exitCode ?? 128) - 128);
  }

  /**
   * The end of the process, to be waited for beside other things. Unlike
   * {@linkcode Process.join} it does not keep the program alive.
   *
   * @returns A promise that resolves when it has ended.
   * @throws {InvalidStateError} If it was not started, is closed, or is the current process.
   */
  get sentinel(): Promise<void> {
    return this.#run("wait for").ended;
  }

  /**
   * Waits until it has ended, where it was started.
   *
   * @returns Resolves when it has.
   */
  override async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state === "open") await super[Symbol.asyncDispose]();
  }

  #run(verb: string): SingleRun {
    if (this.#state === "open") return singleRunOf(this);
    throw new InvalidStateError(
      `Cannot ${verb} process '${this.name}': ${
        this.#state === "closed" ? "it is closed" : "it is the current process"
      }`,
    );
  }
}

/**
 * The process that runs the caller. The same object each time; in a process
 * whose class overrides `run()`, the object whose `run()` it is.
 *
 * @returns The current process. It can be looked at, but neither joined nor ended.
 *
 * @example Usage
 * ```ts
 * import { currentProcess } from "@concurrent/parallel/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(currentProcess().name, "MainProcess");
 * assertEquals(currentProcess().pid, Deno.pid);
 * ```
 */
export function currentProcess(): Process {
  return ownProcess() as Process | undefined ??
    makeOwnProcess((labels) => new Process(labels));
}

/**
 * The processes that the calling thread has started and that have not ended.
 *
 * @returns The processes, in the order of their start.
 *
 * @example Usage
 * ```ts
 * import { activeChildren, Process } from "@concurrent/parallel/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * const process = new Process({ target: () => 1 }).start();
 *
 * assertEquals(activeChildren(), [process]);
 * await process.join();
 * assertEquals(activeChildren(), []);
 * ```
 */
export function activeChildren(): Process[] {
  return [...started].filter(isRunning);
}

function isRunning(process: Process): boolean {
  return singleRunOf(process).isAlive;
}

const HOOKS: ActivityHooks = {
  base: Process,
  runner: runProcess,
  // The child has printed it.
  onUncaught() {},
};

const exports = { Process, currentProcess, activeChildren };
declareOwnExports(import.meta.url, exports);
// A function that captured the class imports this one module.
noteModule(import.meta.url, exports);
