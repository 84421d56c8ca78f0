// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What the classes of locks between processes have in common.

import type { LockCore, LockMemory } from "../_internal/memory/lock_core.ts";
import type { NumbersMemory } from "../_internal/memory/numbers_core.ts";
import type { BrokeredObject } from "../_internal/objects/brokered_object.ts";
import {
  lockMemory,
  lockParts,
  newLockMemory,
  placeOf,
} from "../_internal/objects/lock_memory.ts";
import type { RemoteLockCore } from "../_internal/objects/remote_cores.ts";
import { registerServedClass } from "../_internal/objects/served_class.ts";
import {
  arrival,
  notedCore,
  offerCore,
  takeAdopted,
} from "../_internal/wire/shared_objects.ts";

/**
 * In a constructor, before that of the class of `threading`: has it use a core in
 * memory that other processes may see, where it has not arrived with another one.
 *
 * @param make Makes the core.
 * @param extra Words behind those that every lock has.
 */
export function offerLock(
  make: (memory: LockMemory) => LockCore,
  extra = 0,
): void {
  const { core, adopted } = arrival();
  if (core !== undefined) return;
  offerCore(
    make(
      adopted === undefined ? newLockMemory(extra) : lockMemory(takeAdopted()!),
    ),
  );
}

/** Lets the locks of a class travel. */
export function registerLockClass<T extends object>(
  ctor: new () => T,
  module: string,
  remote: new (
    object: BrokeredObject,
    place: NumbersMemory | undefined,
  ) => RemoteLockCore,
): void {
  registerServedClass({
    tag: `multiprocessing.${ctor.name}`,
    ctor,
    module,
    type: ctor.name,
    coreOf: (lock) => notedCore<object>(lock),
    served: (lock) => lockParts(notedCore<LockCore>(lock)),
    extras: (lock) => placeOf(notedCore<LockCore | RemoteLockCore>(lock).state),
    remote: (object, place) => new remote(object, place as NumbersMemory),
  });
}
