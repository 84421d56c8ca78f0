// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * What the threads of the program wait for.
 *
 * @module
 */

import { agentInfo, liveAgents } from "../_internal/memory/domain.ts";
import { waitsOf } from "../_internal/memory/wait_queue.ts";
import { WAIT_KINDS } from "../_internal/memory/wait_queue.ts";
import { declareOwnExports } from "../_internal/wire/functions/own_exports.ts";

/** One thing that a thread waits for. */
export interface DumpedWait {
  /** What it is: `"Lock"`, `"Queue"`, `"Thread"` … */
  readonly kind: string;
  /** The object's number: the same for all who wait for the same object. */
  readonly id: number;
  /** True: the thread goes on meanwhile (`acquire()`). False: it is blocked (`acquireSync()`). */
  readonly isAsync: boolean;
  /** Who holds it, where one thread does: of a thread that is joined, that thread itself. */
  readonly holder:
    | { readonly ident: number; readonly name: string }
    | undefined;
}

/** One thread. */
export interface DumpedThread {
  /** The thread's number. */
  readonly ident: number;
  /** Its label. */
  readonly name: string;
  /** Whether the program ends without waiting for it. */
  readonly daemon: boolean;
  /** What it waits for. Empty: it computes, or waits for something of another kind. */
  readonly waitsFor: readonly DumpedWait[];
}

/** What {@linkcode dump} returns; as a string, a line for each thread. */
export type ThreadDump = readonly DumpedThread[] & {
  /**
   * The lines.
   *
   * @returns A line for each thread, and one for each thing that it waits for.
   */
  toString(): string;
};

/**
 * Lists all threads of the program, what each waits for and who holds it: for a
 * program that does not go on. Nothing is stopped meanwhile, so what changes at
 * that moment may be seen before or after.
 *
 * @returns The threads, the main one first.
 *
 * @example Who holds the lock?
 * ```ts
 * import { dump, Lock } from "@concurrent/parallel/threading";
 * import { assertEquals } from "@std/assert";
 *
 * const lock = new Lock();
 * await lock.acquire();
 * const second = lock.acquire({ timeout: 50 });
 * const [main] = dump();
 *
 * assertEquals(main!.waitsFor[0]?.kind, "Lock");
 * assertEquals(main!.waitsFor[0]?.holder?.name, "MainThread");
 * assertEquals(await second, false);
 * ```
 */
export function dump(): ThreadDump {
  const threads = liveAgents().map(({ tag, name, daemon }): DumpedThread => ({
    ident: tag,
    name,
    daemon,
    waitsFor: waitsOf(tag).map(({ kind, serial, holder, isAsync }) => ({
      kind: WAIT_KINDS[kind] ?? "unknown",
      id: serial,
      isAsync,
      holder: holder === 0
        ? undefined
        : { ident: holder, name: agentInfo(holder).name },
    })),
  }));
  return Object.defineProperty(threads, "toString", {
    value: () => threads.map(lineOf).join("\n"),
  }) as ThreadDump;
}

function lineOf({ ident, name, daemon, waitsFor }: DumpedThread): string {
  const head = `${name} (${ident}${daemon ? ", daemon" : ""})`;
  if (waitsFor.length === 0) return `${head}: waits for nothing`;
  return waitsFor.map(({ kind, id, isAsync, holder }) => {
    const by = holder === undefined
      ? ""
      : `, held by ${holder.name} (${holder.ident})`;
    return `${head}: ${
      isAsync ? "waits" : "is blocked"
    }, for ${kind} #${id}${by}`;
  }).join("\n");
}

declareOwnExports(import.meta.url, { dump });
