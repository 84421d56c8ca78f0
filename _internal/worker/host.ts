// Copyright 2026 the @concurrent/parallel authors. MIT license.

import type { CallSlots } from "../memory/slots.ts";
import type { Channel } from "../wire/channel.ts";
import type { AbortReason } from "../wire/messages.ts";

/** What a task can run in. */
export type WorkerKind = "thread" | "process" | "inline";

/** How a worker ended. */
export interface HostExit {
  /** The exit code, where there is one. */
  readonly exitCode?: number | undefined;
  /** The signal that ended a process. */
  readonly signal?: string | undefined;
  /** Why it ended, where that is known: a failed start, a broken channel. */
  readonly error?: unknown;
}

/** What every host needs to start a worker. */
export interface HostOptions {
  /** The worker's number, unique in the program. */
  readonly id: number;
  /** The worker's label. */
  readonly name: string;
}

/**
 * The caller's end of one worker, whatever runs it.
 *
 * ```text
 * state      meaning                              leaves by
 * starting   spawned, the handshake is under way  started() -> running; start failure -> ended
 * running    the channel is open                  stop(), terminate() -> stopping; death -> ended
 * stopping   told or made to end                  the worker is gone -> ended
 * ended      `exited` has resolved                never
 * ```
 */
export interface WorkerHost {
  readonly kind: WorkerKind;
  readonly id: number;
  readonly name: string;
  /** The operating system's process number; `undefined` for threads. */
  readonly pid: number | undefined;
  /** Its place among the threads of the program; 0 for what is not a thread. */
  readonly agent: number;
  /** Messages to and from the guest. The owner sets its handlers, then calls `open()`. */
  readonly channel: Channel;
  /** The call states, where guest and host share memory; else undefined. */
  readonly slots: CallSlots | undefined;
  /** Resolves once, when the worker is gone. Never rejects. */
  readonly exited: Promise<HostExit>;
  /** Starts to deliver messages. A worker that cannot start resolves `exited` with the error. */
  open(): void;
  /** The guest has said that it is ready. */
  started(): void;
  /** The guest has said that it ends itself with this code. */
  guestExiting(code: number): void;
  /**
   * Raises the abort flag of an in-flight slot (0 to `SLOTS - 1`). Reaches a
   * guest that is busy in a synchronous loop.
   */
  raise(slot: number, reason: AbortReason): void;
  /** Asks the guest to end in order: it takes no more calls and exits with `code`. */
  stop(code?: number): void;
  /** Lets the program end before a worker that was told to. Missing where it does not wait. */
  unref?(): void;
  /** Ends the worker now. For processes `signal` is sent (default SIGKILL). */
  terminate(signal?: Deno.Signal): void;
  /** Looks whether the worker still lives; a death found so resolves `exited`. Called now and then while calls are in flight. */
  probe(): void;
  /** True for a thread that was terminated while it was busy and still runs. */
  readonly stuck: boolean;
}
