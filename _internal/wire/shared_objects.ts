// Copyright 2026 the @concurrent/parallel authors. MIT license.

// How objects that live in shared memory travel. What is sent is the memory;
// what is made of it on the other side means the same object. There is one
// JavaScript object for each in a thread, however often it arrives:
//
//   Lock (thread A) --parts--> [serial, buffer, ...] --codec--> Lock (thread B)
//                                  |                              ^
//                                  `-> known here already? ------'  the same one
//
// A class registers itself when its module is loaded. The message names the
// module, so a thread loads only what is sent to it.

import { SerializationError } from "../base/errors.ts";
import { setSharedCheck } from "../memory/parking.ts";
import { declareOwnExports } from "./functions/own_exports.ts";
import { noteModule } from "./functions/sync_modules.ts";
import { registerShareable } from "./shareables.ts";

/** What an object is made of. The codec writes the parts. */
export interface SharedParts {
  /** The object's number, unique in the program. */
  readonly serial: number;
  /** Its memory, and whatever else makes it. */
  readonly parts: readonly unknown[];
}

/** What is sent after an object: a function that may have captured it. */
export interface SharedRest<T> {
  get(object: T): unknown;
  /** On the receiving side; the object may have it already. */
  set(object: T, rest: unknown): void;
}

const known = new Map<number, WeakRef<object>>();
const cleaner = new FinalizationRegistry<number>((serial) => {
  // The serial may have arrived again meanwhile.
  if (known.get(serial)?.deref() === undefined) known.delete(serial);
});
let adopted: SharedParts | undefined;

/**
 * Lets the instances of a class travel between the threads of a program.
 *
 * @param tag What messages call the class: "threading.Lock".
 * @param ctor The class. Its constructor asks {@linkcode takeAdopted} first.
 * @param module Its module.
 * @param partsOf What an instance is made of.
 * @param rest What else belongs to it and may refer to the instance.
 */
export function registerSharedClass<T extends object>(
  tag: string,
  // deno-lint-ignore no-explicit-any -- called without arguments
  ctor: new (...args: any[]) => T,
  module: string,
  partsOf: (object: T) => SharedParts,
  rest?: SharedRest<T>,
): void {
  // A function that captured the class imports this one module.
  declareOwnExports(module, { [ctor.name]: ctor });
  noteModule(module, { [ctor.name]: ctor });
  registerShareable(tag, ctor, {
    encode(object, context) {
      if (context.attachments === undefined) {
        throw new SerializationError(
          `Cannot send a ${ctor.name}: it is shared by the threads of one program only`,
          {
            reason:
              `a ${ctor.name} of 'threading' is shared by the threads of one program; between processes use that of 'multiprocessing'`,
          },
        );
      }
      context.modules.add(module);
      const { serial, parts } = partsOf(object);
      remember(serial, object);
      return [serial, ...parts];
    },
    decode(payload) {
      const [serial, ...parts] = payload as [number, ...unknown[]];
      return adopt(ctor, { serial, parts });
    },
    ...(rest === undefined
      ? {}
      : { encodeRest: rest.get, decodeRest: rest.set }),
  });
}

/** The object that is made of these parts: the one that this thread has, or a new one. */
export function adopt<T extends object>(
  // deno-lint-ignore no-explicit-any -- called without arguments
  ctor: new (...args: any[]) => T,
  parts: SharedParts,
): T {
  const here = known.get(parts.serial)?.deref();
  return here !== undefined ? here as T : construct(parts, () => new ctor());
}

/** Makes the object of this thread for these parts; `make` calls the constructor. */
export function construct<T extends object>(
  parts: SharedParts,
  make: () => T,
): T {
  adopted = parts;
  try {
    const object = make();
    remember(parts.serial, object);
    return object;
  } finally {
    adopted = undefined;
  }
}

/** In a constructor: the parts of an object that has arrived; undefined where a new one is made. */
export function takeAdopted(): SharedParts | undefined {
  const parts = adopted;
  adopted = undefined;
  return parts;
}

let arrived: unknown;

/** Makes an object around a core that is elsewhere; `make` calls the constructor. */
export function constructAround<T extends object>(
  core: unknown,
  make: () => T,
): T {
  arrived = core;
  try {
    return make();
  } finally {
    arrived = undefined;
  }
}

/** In a constructor: the core of an object that is elsewhere; undefined where it is here, or new. */
export function takeCore<T>(): T | undefined {
  const core = arrived as T | undefined;
  arrived = undefined;
  return core;
}

/** In a constructor, before it calls that of the class that it extends: has that one use this core. */
export function offerCore(core: unknown): void {
  arrived = core;
}

/** In a constructor: what it is about to take. */
export function arrival(): {
  readonly core: unknown;
  readonly adopted: SharedParts | undefined;
} {
  return { core: arrived, adopted };
}

const portable = new WeakSet<object>();

/** Says that what the instances of a class hold may go to other processes. */
export function markPortable(ctor: object): void {
  portable.add(ctor);
}

/** True where that was said. */
export function isPortable(ctor: object): boolean {
  return portable.has(ctor);
}

const cores = new WeakMap<object, unknown>();

/** In the constructor of a class that others are made of: what is inside this object of one of those. */
export function noteCore(object: object, core: unknown): void {
  cores.set(object, core);
}

/** What was noted. */
export function notedCore<T>(object: object): T {
  return cores.get(object) as T;
}

/** The words of an object, and its number. */
export interface SharedMemory {
  readonly serial: number;
  readonly words: Int32Array<SharedArrayBuffer>;
}

/** As {@linkcode takeAdopted}, for an object that is made of its words alone. */
export function takeMemory(): SharedMemory | undefined {
  const parts = takeAdopted();
  return parts === undefined ? undefined : {
    serial: parts.serial,
    words: new Int32Array(parts.parts[0] as SharedArrayBuffer),
  };
}

/** What an object is made of that is made of its words alone. */
export function memoryParts({ serial, words }: SharedMemory): SharedParts {
  return { serial, parts: [words.buffer] };
}

/** The object that this thread has for a number, if it has one. */
export function knownObject(serial: number): object | undefined {
  return known.get(serial)?.deref();
}

/** Makes an object the one that this thread has for a number. */
export function remember(serial: number, object: object): void {
  if (known.get(serial)?.deref() === object) return;
  known.set(serial, new WeakRef(object));
  cleaner.register(object, serial);
}

// What was never sent and did not arrive is this thread's alone.
setSharedCheck((serial) => known.has(serial));
