// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * A function that runs in a child process of its own.
 *
 * @module
 */

import { singleRunOf } from "../_internal/pool/activity.ts";
import {
  Activity,
  type ActivityEnvironment,
  type ActivityOptions,
} from "./activity.ts";
import { signalNumber } from "./_signals.ts";

/** How a {@linkcode Process} is set up. */
export type ProcessOptions<A extends unknown[] = unknown[], R = unknown> =
  & ActivityOptions<A, R>
  & ActivityEnvironment;

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
 * @typeParam R What the target returns.
 */
export class Process<R = unknown> extends Activity<R> {
  /**
   * Sets the process up; `start()` starts it.
   *
   * @param options What it runs, and how.
   * @throws {TypeError} If an option is of the wrong type.
   */
  // deno-lint-ignore no-explicit-any -- the arguments are those of the target
  constructor(options: ProcessOptions<any[], R> = {}) {
    super("process", options);
  }

  /**
   * Ends the process with SIGTERM.
   *
   * @returns Resolves when it has ended.
   * @throws {InvalidStateError} If it was not started.
   */
  terminate(): Promise<void> {
    return singleRunOf(this).terminate("SIGTERM");
  }

  /**
   * Ends the process with SIGKILL.
   *
   * @returns Resolves when it has ended.
   * @throws {InvalidStateError} If it was not started.
   */
  kill(): Promise<void> {
    return singleRunOf(this).terminate("SIGKILL");
  }

  /**
   * The operating system's number.
   *
   * @returns The number, or `undefined` before `start()`.
   */
  get pid(): number | undefined {
    return singleRunOf(this).worker?.pid;
  }

  /**
   * How the process ended.
   *
   * @returns `null` while it has not; its exit code, or minus the signal's number.
   */
  get exitCode(): number | null {
    const { exit } = singleRunOf(this);
    if (exit === undefined) return null;
    const { signal, exitCode } = exit;
    if (signal === undefined) return exitCode ?? 1;
    // Where the number is not known, the code that a shell would show.
    return -(signalNumber(signal) ?? (exitCode ?? 128) - 128);
  }
}
