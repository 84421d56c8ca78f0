// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * A place where processes wait for each other.
 *
 * @module
 */

import type {
  BarrierCore,
  BarrierLike,
} from "../_internal/memory/barrier_core.ts";
import { RemoteBarrierCore } from "../_internal/objects/remote_cores.ts";
import { registerServedClass } from "../_internal/objects/served_class.ts";
import { notedCore } from "../_internal/wire/shared_objects.ts";
import { Barrier as ThreadBarrier } from "../threading/barrier.ts";

/** What `threading.Barrier` notes. */
interface BarrierState {
  readonly core: BarrierLike;
  action: (() => unknown) | undefined;
  readonly timeout: number | undefined;
}

/**
 * A place where a number of parties wait until all of them are there: Python's
 * `multiprocessing.Barrier`. It has the methods of `threading.Barrier`.
 *
 * - **Shared:** sent to a process or a thread, captured by a function, put in a queue or sent through a connection, it is the same barrier there.
 * - **Owner:** the process that made it serves it, also while it computes or is blocked; where that process ends, everybody else gets a {@linkcode ConnectionClosedError}.
 * - **Action:** one of the parties runs it, in its own process; it goes there with the barrier.
 * - **Death:** a process that is killed while it waits, or after it took part in the last round, breaks the barrier.
 *
 * @example Usage
 * ```ts
 * import { Barrier } from "@concurrent/parallel/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * const barrier = new Barrier(2);
 * const places = await Promise.all([barrier.wait(), barrier.wait()]);
 *
 * assertEquals(places.sort(), [0, 1]);
 * ```
 */
export class Barrier extends ThreadBarrier {}

const stateOf = (barrier: Barrier) => notedCore<BarrierState>(barrier);

registerServedClass({
  tag: "multiprocessing.Barrier",
  ctor: Barrier,
  module: import.meta.url,
  type: "Barrier",
  coreOf: (barrier) => stateOf(barrier).core,
  served(barrier) {
    const { serial, words } = stateOf(barrier).core as BarrierCore;
    return { serial, parts: [words.buffer] };
  },
  shared: ({ serial, parts }, extras) => ({
    serial,
    parts: [parts[0], (extras as [number, number | undefined])[1]],
  }),
  extras(barrier) {
    const { core, timeout } = stateOf(barrier);
    return [core.parties, timeout];
  },
  remote(object, extras) {
    const [parties, timeout] = extras as [number, number | undefined];
    const core = new RemoteBarrierCore(object, parties);
    return { object, core, action: undefined, timeout };
  },
  rest: {
    get: (barrier) => stateOf(barrier).action,
    set(barrier, action) {
      stateOf(barrier).action ??= action as BarrierState["action"];
    },
  },
});
