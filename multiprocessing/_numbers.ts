// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What a `Value` and a `SharedArray` are over. Three ways to have the numbers:
//
//   here     their memory, in a thread of the program that made them, or, where it
//            is real shared memory, in any process that may map it
//   there    the program that made them has them, its broker serves them
//   both     mapped, and held at the broker, since it may be sent on to somebody
//            who has to ask
//
// The lock goes with them, and so does the reference to real shared memory, also
// through processes that cannot use it.

import {
  InvalidStateError,
  NotFoundError,
  NotSupportedError,
  SerializationError,
} from "../_internal/base/errors.ts";
import {
  type NUMBERS_METHODS,
  NumbersCore,
  type NumbersMemory,
} from "../_internal/memory/numbers_core.ts";
import type { NumberType } from "../_internal/memory/shared_number.ts";
import type { BrokeredObject } from "../_internal/objects/brokered_object.ts";
import { registerServedClass } from "../_internal/objects/served_class.ts";
import {
  noteCore,
  notedCore,
  takeAdopted,
  takeCore,
} from "../_internal/wire/shared_objects.ts";
import { RLock } from "./rlock.ts";

/** What goes with the numbers. */
interface Extras {
  readonly type: NumberType;
  readonly length: number;
  readonly lock: RLock;
  /** Only of real shared memory. */
  readonly memory?: NumbersMemory | undefined;
}

type Method = typeof NUMBERS_METHODS[number];

/** How the numbers of one object are reached. */
export class Numbers {
  readonly extras: Extras;
  /** What serves them, where others have made them. */
  readonly object: BrokeredObject | undefined;
  readonly #core: NumbersCore | undefined;
  #state: "open" | "closed" = "open";

  constructor(
    extras: Extras,
    core: NumbersCore | undefined,
    object?: BrokeredObject,
  ) {
    this.extras = extras;
    this.#core = core;
    this.object = object;
  }

  /** Calls a method where the numbers are. */
  // deno-lint-ignore no-explicit-any -- each method has its own types
  run(method: Method, ...args: unknown[]): any {
    this.#check("use");
    const core = this.#core;
    return core === undefined ? this.object!.call(method, args) : Reflect.apply(
      core[method] as (...args: unknown[]) => unknown,
      core,
      args,
    );
  }

  /**
   * The memory.
   *
   * @param verb What is being done, for errors.
   * @param otherwise What works without.
   * @throws {NotSupportedError} If it is not real shared memory, or not to be had here.
   */
  real(verb: string, otherwise: string): NumbersCore {
    this.#check(verb);
    if (this.#core?.isReal) return this.#core;
    throw new NotSupportedError(
      `Cannot ${verb} shared numbers at once: it takes Linux and the permission --allow-ffi, here and in the process that made them; ${otherwise} works without`,
    );
  }

  /** What the broker needs to serve them. */
  get served() {
    const core = this.#core!;
    const { type, length } = this.extras;
    return { serial: core.serial, parts: [core.share(), type, length] };
  }

  /** Those of numbers that are about to be sent. */
  get sent(): Extras {
    if (this.#state === "open") {
      // The number's place is not to be used again.
      this.#core?.share();
      return this.extras;
    }
    const reason = "it is closed";
    throw new SerializationError(`Cannot send shared numbers: ${reason}`, {
      reason,
    });
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    if (this.#core?.isReal) this.#core.close();
  }

  #check(verb: string): void {
    if (this.#state === "open") return;
    throw new InvalidStateError(`Cannot ${verb} shared numbers: closed here`);
  }
}

/**
 * In a constructor: the numbers of this object, as they have arrived or new.
 *
 * @param isExposed True where users get a view of the memory.
 * @param create Makes new ones.
 */
export function numbersFor(
  owner: object,
  isExposed: boolean,
  create: () => NumbersCore,
): Numbers {
  const numbers = takeCore<Numbers>() ?? adopted(isExposed) ?? made(create());
  noteCore(owner, numbers);
  return numbers;
}

function adopted(isExposed: boolean): Numbers | undefined {
  const { serial, parts } = takeAdopted() ?? {};
  if (serial === undefined) return undefined;
  const [memory, type, length, extras] = parts as [
    NumbersMemory,
    NumberType,
    number,
    Extras,
  ];
  return new Numbers(
    extras,
    NumbersCore.receive(type, length, memory, serial, isExposed),
  );
}

function made(core: NumbersCore): Numbers {
  const { type, view: { length } } = core;
  const memory = core.isReal ? core.memory : undefined;
  return new Numbers({ type, length, lock: new RLock(), memory }, core);
}

/** Lets the instances of a class travel. */
export function registerNumbers<T extends object>(
  tag: string,
  // deno-lint-ignore no-explicit-any -- called without arguments
  ctor: new (...args: any[]) => T,
  module: string,
  isExposed: boolean,
): void {
  const numbersOf = (object: T) => notedCore<Numbers>(object);
  registerServedClass({
    tag,
    ctor,
    module,
    type: "Numbers",
    coreOf: numbersOf,
    served: (object) => numbersOf(object).served,
    shared: ({ serial, parts }, extras) => ({
      serial,
      parts: [...parts, extras],
    }),
    extras: (object) => numbersOf(object).sent,
    remote(object, sent) {
      const extras = sent as Extras;
      return new Numbers(extras, mapped(extras, isExposed), object);
    },
  });
}

/** Their memory, where it can be had. */
function mapped(
  { type, length, memory }: Extras,
  isExposed: boolean,
): NumbersCore | undefined {
  if (memory === undefined) return undefined;
  try {
    return NumbersCore.receive(type, length, memory, 0, isExposed);
  } catch (error) {
    if (
      error instanceof NotSupportedError || error instanceof NotFoundError
    ) return undefined;
    throw error;
  }
}
