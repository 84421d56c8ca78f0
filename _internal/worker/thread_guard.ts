// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What a task may do to its thread must not surprise the host: ways to end
// the thread are announced first, and errors that nobody catches become
// messages instead of ending the whole program.

import { threadEndTasks } from "../base/registry.ts";
import { endAgent } from "../memory/waiting.ts";
import type { MessageSource } from "../wire/port_road.ts";
import type { Guest } from "./guest.ts";

/** Asks a thread with limits on its heap to end. */
export const LEAVE = "concurrent-parallel/leave";

/** Stands between a task and its thread. */
export interface ThreadGuard {
  /** From now on ends and errors are reported through this guest. */
  watch(guest: Guest): void;
  /** Ends the thread, announced. */
  close(code: number): void;
  /** Ends the thread, without a word, when the host asks for it. */
  heed(port: MessageSource): void;
}

/**
 * Replaces `Deno.exit` and `close`, and catches what is uncaught.
 *
 * @param agent The thread's place among the threads of the program.
 */
export function guardThread(agent: number): ThreadGuard {
  const scope = globalThis as unknown as { close(): void };
  const close = scope.close.bind(scope);
  let guest: Guest | undefined;
  const leave = (code: number): void => {
    guest?.exiting(code);
    for (const task of threadEndTasks) task();
    // What it holds is released now: the host may be blocked, or busy.
    endAgent(agent, "ended");
  };
  const end = (code: number): void => {
    leave(code);
    close();
  };
  scope.close = () => end(0);
  const exit = Deno.exit;
  Object.defineProperty(Deno, "exit", {
    configurable: true,
    enumerable: true,
    writable: true,
    value: (code?: number): never => {
      leave(code ?? Deno.exitCode);
      // In a worker this ends the worker, and only it; it asks for that and
      // returns, and a few more calls may go through until V8 looks. A loop
      // makes it look.
      exit(code);
      for (;;);
    },
  });
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    guest?.fault(event.error ?? new Error(event.message));
  });
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    guest?.fault(event.reason);
  });
  return {
    watch(g) {
      guest = g;
    },
    close: end,
    heed(port) {
      port.addEventListener("message", ({ data }) => {
        if (data === LEAVE) close();
      });
    },
  };
}
