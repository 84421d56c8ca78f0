// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A thread as the platform has it: a Web Worker, here, or one with limits on its
// heap, in `limited_thread.ts`.

import type { MessageSource } from "../wire/port_road.ts";
import { unrefWorker } from "./unref_worker.ts";

/** What the platform tells of a thread. */
export interface ThreadEvents {
  /** An error has ended it. */
  failed(message: string): void;
  /** Its heap was full: what ran in it was ended. Threads with limits only. */
  overflowed(): void;
  /** It has ended, in whatever way. Threads with limits only. */
  exited(code: number): void;
}

/** What the platform has started. */
export interface PlatformThread {
  /** To and from its global scope. */
  readonly port: MessageSource;
  /** Ends it when its event loop turns. */
  terminate(): void;
  /** It has had its time, or has ended: ends it as far as the platform can. */
  kill(): void;
}

/** Starts a Web Worker that does not keep the program alive. */
export function startWebThread(
  entry: URL,
  name: string,
  events: ThreadEvents,
): PlatformThread {
  const worker = new Worker(entry, { type: "module", name });
  unrefWorker(worker);
  worker.addEventListener("error", (event) => {
    // Not prevented, the error of a worker would end the program.
    event.preventDefault();
    events.failed(event.message);
  });
  const terminate = () => worker.terminate();
  return { port: worker, terminate, kill: terminate };
}
