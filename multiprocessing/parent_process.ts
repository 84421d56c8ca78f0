// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * The process that has started this one.
 *
 * @module
 */

import { checkWait, within } from "../_internal/base/deadline.ts";
import { TimeoutError } from "../_internal/base/errors.ts";
import { declareOwnExports } from "../_internal/wire/functions/own_exports.ts";
import { thisProcess } from "../_internal/worker/current.ts";
import type { JoinOptions } from "./activity.ts";

/** The process that has started this one. */
export interface ParentProcess {
  /** The operating system's number. */
  readonly pid: number;
  /** The label: "MainProcess" for the program. */
  readonly name: string;
  /**
   * Tells whether it has not ended.
   *
   * @returns True where it lives.
   */
  isAlive(): boolean;
  /**
   * Waits until it has ended. A process does not outlive its parent, so this
   * never gives more than the end of the wait.
   *
   * @param options How long to wait.
   * @returns False: the timeout has passed.
   */
  join(options?: JoinOptions): Promise<boolean>;
}

let parent: ParentProcess | undefined;

/**
 * The process that has started this one.
 *
 * @returns The parent; `null` in the program itself.
 *
 * @example Usage
 * ```ts
 * import { parentProcess, Process } from "@concurrent/parallel/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parentProcess(), null);
 * const process = new Process({ target: () => parentProcess()?.pid }).start();
 *
 * assertEquals(await process.result(), Deno.pid);
 * await process.join();
 * ```
 */
export function parentProcess(): ParentProcess | null {
  const info = thisProcess();
  if (info === undefined) return null;
  return parent ??= { ...info.parent, isAlive, join };

  function isAlive(): boolean {
    return Deno.ppid === info!.parent.pid;
  }
  async function join(options: JoinOptions = {}): Promise<boolean> {
    checkWait("join the parent process", options);
    const never = new Promise<never>(() => {});
    try {
      if (isAlive()) await within("join the parent process", never, options);
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
    }
    return !isAlive();
  }
}

declareOwnExports(import.meta.url, { parentProcess });
