// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { setTimeout as sleep } from "node:timers/promises";

/** Options for {@linkcode delay}. */
export interface DelayOptions {
  /** Ends the delay early: the promise rejects with the signal's reason. */
  signal?: AbortSignal;
  /**
   * Whether the process stays alive for the timer.
   *
   * @default {true}
   */
  persistent?: boolean;
}

/** Resolves after `ms` milliseconds. */
export async function delay(
  ms: number,
  options: DelayOptions = {},
): Promise<void> {
  const { signal, persistent = true } = options;
  signal?.throwIfAborted();
  try {
    await sleep(ms, undefined, {
      ref: persistent,
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    // Node rejects with an error of its own and has the reason as its cause.
    throw signal?.aborted ? signal.reason : error;
  }
}
