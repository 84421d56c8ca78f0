// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * A flag that processes wait for.
 *
 * @module
 */

import type { EventCore } from "../_internal/memory/event_core.ts";
import { RemoteEventCore } from "../_internal/objects/remote_cores.ts";
import { registerServedClass } from "../_internal/objects/served_class.ts";
import { memoryParts, notedCore } from "../_internal/wire/shared_objects.ts";
import { Event as ThreadEvent } from "../threading/event.ts";

/**
 * A flag that is set or not, and that any number of threads of any processes wait
 * for: Python's `multiprocessing.Event`. It has the methods of `threading.Event`.
 *
 * - **Shared:** sent to a process or a thread, captured by a function, put in a queue or sent through a connection, it is the same event there.
 * - **Owner:** the process that made it serves it, also while it computes or is blocked; where that process ends, everybody else gets a {@linkcode ConnectionClosedError}.
 * - **All at once:** `set()` releases everybody who waits, also where `clear()` follows at once.
 * - **Order:** elsewhere than at the owner, `set()` and `clear()` are on their way when they return; what the same thread asks for later finds them done.
 *
 * @example Usage
 * ```ts
 * import { Event } from "@concurrent/parallel/multiprocessing";
 * import { assert } from "@std/assert";
 *
 * const ready = new Event();
 * const waiting = ready.wait();
 * ready.set();
 *
 * assert(await waiting);
 * ```
 */
export class Event extends ThreadEvent {}

registerServedClass({
  tag: "multiprocessing.Event",
  ctor: Event,
  module: import.meta.url,
  type: "Event",
  coreOf: (event) => notedCore<object>(event),
  served: (event) => memoryParts(notedCore<EventCore>(event)),
  remote: (object) => new RemoteEventCore(object),
});
