// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A thread with limits on its heap. Deno offers them to Workers of
// node:worker_threads only, which in Deno are Web Workers inside: the same entry
// runs there, with the same global scope. What differs on this side:
//
//   death    there is an exit event, with a code
//   unref    there is a method of that name
//   https    such a URL is refused, so a data: module imports the entry
//   stop     `terminate()` ends it in the middle of JavaScript too
//   heap     where it is full, V8 calls Deno, which adds some reserve and asks
//            V8 to end what runs. Ends a timer, that ends the worker, and there
//            is an error event. But what a message or a promise has called is
//            ended and nobody is told: the event loop of the worker goes on.
//            That is what `heap_watch.ts` is for, in the worker.

import { nodeProcess } from "../wire/functions/sync_modules.ts";
import { HEAP_IS_FULL } from "./heap_watch.ts";
import { LEAVE } from "./thread_guard.ts";
import type { MessageSource } from "../wire/port_road.ts";
import type { ResourceLimits } from "./resource_limits.ts";
import type { PlatformThread, ThreadEvents } from "./platform_thread.ts";

/** The part of a node:worker_threads Worker that is used here. */
interface NodeWorker {
  postMessage(message: unknown, transfer: readonly Transferable[]): void;
  on(event: "message", listener: (message: unknown) => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  on(event: "exit", listener: (code: number) => void): void;
  off(event: "message", listener: (message: unknown) => void): void;
  terminate(): Promise<number>;
  unref(): void;
}

/** The part of `node:worker_threads` that is used here. */
interface WorkerThreads {
  readonly Worker: new (
    url: URL,
    options: { name: string; resourceLimits: ResourceLimits },
  ) => NodeWorker;
}

/** Starts a thread with limits. */
export function startLimitedThread(
  entry: URL,
  name: string,
  limits: ResourceLimits,
  events: ThreadEvents,
): PlatformThread {
  const { Worker } = nodeProcess().getBuiltinModule(
    "node:worker_threads",
  ) as unknown as WorkerThreads;
  const worker = new Worker(importable(entry), {
    name,
    resourceLimits: { ...limits },
  });
  worker.unref();
  worker.on("message", (message) => {
    if (message === HEAP_IS_FULL) events.overflowed();
  });
  worker.on("error", (error) => {
    if ((error as { code?: string }).code === "ERR_WORKER_OUT_OF_MEMORY") {
      events.overflowed();
    } else events.failed(error.message);
  });
  worker.on("exit", (code) => events.exited(code));
  return {
    port: new NodeWorkerPort(worker),
    // Not by the platform: that would be in the middle of whatever it does, and
    // it may just hold the guard of an object that others wait for. Whoever
    // terminates it has marked it as gone, so it takes no guard any more.
    terminate: () => worker.postMessage(LEAVE, []),
    kill: () => void worker.terminate(),
  };
}

/** As its Worker takes it: file: and data: only. */
function importable(entry: URL): URL {
  if (entry.protocol === "file:") return entry;
  const source = `import ${JSON.stringify(entry.href)};`;
  return new URL(`data:text/javascript,${encodeURIComponent(source)}`);
}

/** Looks like a message port. */
class NodeWorkerPort implements MessageSource {
  readonly #worker: NodeWorker;
  readonly #listeners = new Map<
    (event: MessageEvent) => void,
    (message: unknown) => void
  >();

  constructor(worker: NodeWorker) {
    this.#worker = worker;
  }

  postMessage(message: unknown, transfer: Transferable[]): void {
    this.#worker.postMessage(message, transfer);
  }

  addEventListener(
    _type: "message",
    listener: (event: MessageEvent) => void,
  ): void {
    const heard = (data: unknown) =>
      listener(new MessageEvent("message", { data }));
    this.#listeners.set(listener, heard);
    this.#worker.on("message", heard);
  }

  removeEventListener(
    _type: "message",
    listener: (event: MessageEvent) => void,
  ): void {
    const heard = this.#listeners.get(listener);
    if (heard === undefined) return;
    this.#listeners.delete(listener);
    this.#worker.off("message", heard);
  }
}
