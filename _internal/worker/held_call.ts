// Copyright 2026 the @concurrent/parallel authors. MIT license.

import type { AbortReason } from "../wire/messages.ts";

/** Why a call was asked to stop, and what the asker gave. */
export interface StopRequest {
  readonly reason: AbortReason;
  /** Undefined also where it could not travel. */
  readonly cause: unknown;
}

/** What has come for a call beside the call itself, from its arrival to its answer. */
export class HeldCall {
  stop: StopRequest | undefined;
  /** The signals among its arguments, and those that have fired. */
  #signals: Map<number, AbortController> | undefined;
  #fired = 0;
  #waiting: { readonly count: number; readonly go: () => void } | undefined;

  /** The task's end of a signal of the caller. */
  signal(index: number): AbortSignal {
    return this.#controller(index).signal;
  }

  /** The caller's signal has fired. */
  fire(index: number, reason: unknown): void {
    this.#controller(index).abort(reason);
    this.#fired++;
    if (this.#fired === this.#waiting?.count) this.#waiting.go();
  }

  /** Resolves when it is known of `count` signals that they have fired. Called once. */
  whenFired(count: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#fired >= count) resolve();
      else this.#waiting = { count, go: resolve };
    });
  }

  #controller(index: number): AbortController {
    const signals = this.#signals ??= new Map();
    let controller = signals.get(index);
    if (controller === undefined) {
      signals.set(index, controller = new AbortController());
    }
    return controller;
  }
}
