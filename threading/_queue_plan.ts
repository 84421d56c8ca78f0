// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What the constructor of one class of queues tells the constructor of `Queue`,
// and what is inside a queue, for whoever sends it. No public signature may say so.

import type { QueueCore, QueueLike } from "../_internal/memory/queue_core.ts";
import type { ItemKey } from "../_internal/memory/queue_segment.ts";
import type { StoreClass } from "../_internal/memory/queue_store.ts";
import type { SharedParts } from "../_internal/wire/shared_objects.ts";

/** What an item is ordered by. */
export type KeyOf = (item: unknown) => ItemKey;

/** How a class of queues keeps its items. */
export interface QueuePlan {
  /** Where they lie. */
  readonly store: StoreClass;
  /** What they are ordered by, if by anything; `priority` is what the queue brought along. */
  readonly keyOf?: ((priority: unknown) => KeyOf) | undefined;
  /** What this queue brings along when it is sent. */
  readonly priority?: unknown;
}

/** What is inside a queue. */
export interface QueueInside {
  readonly core: QueueLike;
  readonly priority: unknown;
}

let next: QueuePlan | undefined;
const insides = new WeakMap<object, QueueInside>();

/** For the argument of `super()`: says how the queue is made that is made next. */
export function planned<T>(argument: T, plan: QueuePlan): T {
  next = plan;
  return argument;
}

/** In the constructor of `Queue`: what `planned()` has said. */
export function takePlan(): QueuePlan | undefined {
  const plan = next;
  next = undefined;
  return plan;
}

/** In the constructor of `Queue`: remembers what is inside. */
export function rememberInside(queue: object, inside: QueueInside): void {
  insides.set(queue, inside);
}

/** What a queue is made of. */
export function queueParts(queue: object): SharedParts {
  const { core: like, priority } = insides.get(queue)!;
  const core = like as QueueCore;
  return {
    serial: core.serial,
    parts: [core.words.buffer, priority, ...core.buffers],
  };
}
