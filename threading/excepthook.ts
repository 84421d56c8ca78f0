// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Who hears of the errors of threads that nobody asks for.
 *
 * @module
 */

import { checkFunction } from "../_internal/base/validation.ts";
import { declareOwnExports } from "../_internal/wire/functions/own_exports.ts";
import { report } from "../_internal/worker/report.ts";

/** What an {@linkcode ExceptHook} is told. */
export interface ExceptHookArgs {
  /** What was thrown. */
  readonly error: unknown;
  /** The thread that has ended with it, or the timer whose function threw it. */
  readonly thread: { readonly name: string };
}

/** Hears of errors that nobody else hears of. */
export interface ExceptHook {
  /**
   * Reports an error to the handler. Where the handler throws, both errors are
   * printed.
   *
   * @param args What was thrown, and where.
   */
  (args: ExceptHookArgs): void;
  /** Who is told: a function that can be replaced. */
  handler: (args: ExceptHookArgs) => void;
  /** The handler that prints the error on standard error. */
  readonly original: (args: ExceptHookArgs) => void;
}

function print({ error, thread }: ExceptHookArgs): void {
  report(`Exception in thread ${thread.name}:`, error);
}

let handler: (args: ExceptHookArgs) => void = print;

function call(args: ExceptHookArgs): void {
  try {
    handler(args);
  } catch (error) {
    report("Exception in threading.excepthook:", error);
    print(args);
  }
}

/**
 * Hears of the error of a thread that nobody asked for: Python's
 * `threading.excepthook`. It is called on the thread that started the other one,
 * when that one has ended with an error and nobody has called `result()`.
 *
 * An export of a module cannot be assigned to, so the handler is a property.
 *
 * @example Collect what goes wrong
 * ```ts
 * import { excepthook, Thread } from "@concurrent/parallel/threading";
 * import { assertEquals } from "@std/assert";
 *
 * const seen: string[] = [];
 * excepthook.handler = ({ error }) => seen.push(String(error));
 * const thread = new Thread({
 *   target: () => {
 *     throw new RangeError("No such table");
 *   },
 * });
 * await thread.start().join();
 * excepthook.handler = excepthook.original;
 *
 * assertEquals(seen, ["RangeError: No such table"]);
 * ```
 */
export const excepthook: ExceptHook = Object.defineProperties(
  call as ExceptHook,
  {
    original: { value: print },
    handler: {
      get: () => handler,
      set: (fn: (args: ExceptHookArgs) => void) => {
        checkFunction("set excepthook", "handler", fn);
        handler = fn;
      },
    },
  },
);

declareOwnExports(import.meta.url, { excepthook });
