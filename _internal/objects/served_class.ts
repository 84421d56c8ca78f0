// Copyright 2026 the @concurrent/parallel authors. MIT license.

// How the classes travel whose objects lie in the shared memory of the program that
// made them, and are used by other programs over the broker:
//
//   to a thread of the same program    the memory itself
//   to another process                 a reference; the broker serves the object
//   a reference that comes home        the memory again: the very object
//   one that was received, sent on     its reference, with a pin of its own
//
// An object is one object in each thread, however often it arrives.

import { ConnectionClosedError } from "../base/errors.ts";
import { declareOwnExports } from "../wire/functions/own_exports.ts";
import { noteModule } from "../wire/functions/sync_modules.ts";
import { carries, carry } from "../wire/carried.ts";
import { registerShareable } from "../wire/shareables.ts";
import {
  adopt,
  constructAround,
  knownObject,
  remember,
  type SharedParts,
  type SharedRest,
} from "../wire/shared_objects.ts";
import { BrokeredObject } from "./brokered_object.ts";
import { brokerPort } from "./broker_port.ts";
import { newPin, NO_PIN, type Reference } from "./reference.ts";

/** One class. */
export interface ServedClass<T extends object> {
  /** What messages call it: "multiprocessing.Lock". */
  readonly tag: string;
  // deno-lint-ignore no-explicit-any -- called without arguments
  readonly ctor: new (...args: any[]) => T;
  /** Its module. */
  readonly module: string;
  /** What the broker calls it: one of those that `served_cores.ts` knows. */
  readonly type: string;
  /** What is inside an object, here or elsewhere. */
  coreOf(object: T): object;
  /** What the broker needs of one that is here. */
  served(object: T): SharedParts;
  /** What a thread needs of one that is here; `extras` as they came with a reference, else undefined. */
  shared?(served: SharedParts, extras: unknown): SharedParts;
  /** What goes with a reference. */
  extras?(object: T): unknown;
  /** The core of one that is elsewhere. */
  remote(object: BrokeredObject, extras: unknown): object;
  /** What else belongs to it and may refer to it. */
  readonly rest?: SharedRest<T> | undefined;
}

type Sent =
  | readonly ["here", SharedParts["serial"], ...unknown[]]
  | readonly ["there", Reference, unknown];

/** Objects of other programs, by home and number. */
const arrived = new Map<string, WeakRef<object>>();
const cleaner = new FinalizationRegistry<string>((name) => {
  if (arrived.get(name)?.deref() === undefined) arrived.delete(name);
});

/** Lets the instances of a class travel, to threads and to other processes. */
export function registerServedClass<T extends object>(
  served: ServedClass<T>,
): void {
  const { tag, ctor, module, rest } = served;
  // A function that captured the class imports this one module.
  declareOwnExports(module, { [ctor.name]: ctor });
  noteModule(module, { [ctor.name]: ctor });
  registerShareable(tag, ctor, {
    encode(object, context): Sent {
      context.modules.add(module);
      const extras = served.extras?.(object);
      const elsewhere = brokered(served.coreOf(object));
      // What it names is held by each call that carries it.
      if (elsewhere !== undefined || context.attachments === undefined) {
        context.mutable = true;
      }
      if (elsewhere !== undefined) {
        return ["there", elsewhere.reference(), extras];
      }
      if (context.attachments === undefined) {
        return ["there", sendOut(served, object), extras];
      }
      const here = served.served(object);
      remember(here.serial, object);
      const { serial, parts } = served.shared?.(here, extras) ?? here;
      return ["here", serial, ...parts];
    },
    decode(payload) {
      const sent = payload as Sent;
      if (sent[0] === "there") return arrive(served, sent[1], sent[2]);
      const [, serial, ...parts] = sent;
      return adopt(ctor, { serial, parts });
    },
    ...(rest === undefined
      ? {}
      : { encodeRest: rest.get, decodeRest: rest.set }),
  });
}

/** What is elsewhere behind a core; undefined for one that is here. */
export function brokered(core: object): BrokeredObject | undefined {
  const { object } = core as { object?: unknown };
  return object instanceof BrokeredObject ? object : undefined;
}

/** Has the broker serve an object, for one receiver. */
function sendOut<T extends object>(
  { type, served }: ServedClass<T>,
  object: T,
): Reference {
  const { serial, parts } = served(object);
  remember(serial, object);
  const port = brokerPort();
  const pin = newPin();
  const station = port.serve({ object: serial, pin, type, parts });
  const isCarried = carries();
  if (isCarried) {
    carry(() => port.post({ kind: "unpin", object: serial, pin }));
  }
  return {
    home: port.info.home,
    station,
    object: serial,
    pin: isCarried ? NO_PIN : pin,
  };
}

function arrive<T extends object>(
  served: ServedClass<T>,
  reference: Reference,
  extras: unknown,
): T {
  const port = brokerPort();
  if (reference.home === port.info.home) {
    return comeHome(served, reference, extras);
  }
  const name = `${reference.home} ${reference.object}`;
  const here = arrived.get(name)?.deref();
  if (here !== undefined) {
    brokered(served.coreOf(here as T))!.spend(reference.pin);
    return here as T;
  }
  const object = constructAround(
    served.remote(new BrokeredObject(reference), extras),
    () => new served.ctor(),
  );
  arrived.set(name, new WeakRef(object));
  cleaner.register(object, name);
  return object;
}

function comeHome<T extends object>(
  { ctor, shared }: ServedClass<T>,
  { object: serial, pin }: Reference,
  extras: unknown,
): T {
  const port = brokerPort();
  try {
    const here = knownObject(serial);
    if (here !== undefined) return here as T;
    // Another thread of this program has made it.
    const parts = port.partsSync(serial);
    if (parts === undefined) {
      throw new ConnectionClosedError(
        `Cannot receive a ${ctor.name}: it is gone`,
      );
    }
    const memory = { serial, parts };
    return adopt(ctor, shared?.(memory, extras) ?? memory);
  } finally {
    if (pin !== NO_PIN) port.post({ kind: "unpin", object: serial, pin });
  }
}
