// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What others may call of an object that is served: a table of its own for each
// kind of object. A name that comes from elsewhere is looked up in that table
// and nowhere else, so that neither `constructor` nor what a prototype happens
// to have can be reached.
//
// Two names are no method's: BATCH runs several calls one behind the other, with
// nothing of anybody else in between where they are synchronous; TRANSACT calls
// a function that was sent with the object itself.

import { NotSupportedError } from "../base/errors.ts";
import { describe, isThenable } from "../base/validation.ts";

/** A method of objects of one kind. */
export type ExposedMethod = (
  // deno-lint-ignore no-explicit-any -- each table knows its objects
  target: any,
  // deno-lint-ignore no-explicit-any -- and its arguments
  ...args: any[]
) => unknown;

/** What others may call of an object. */
export interface Exposure {
  /** What the kind is called in errors: "dict", "Counter". */
  readonly kind: string;
  readonly methods: ReadonlyMap<string, ExposedMethod>;
  /** True: functions may be sent that get the object itself. */
  readonly transacts: boolean;
}

/** Several calls in one: its arguments are pairs of a name and a list of arguments. */
export const BATCH = "@batch";
/** A function that gets the object itself: its arguments are the function and further arguments. */
export const TRANSACT = "@transact";

/** One call of a batch. */
export type BatchedCall = readonly [name: string, args: readonly unknown[]];

/** Names that no proxy can have as a method: with a `then` it would be awaited. */
const RESERVED: ReadonlySet<string> = new Set(["constructor", "then"]);

/** Makes an exposure of a table that is written down. */
export function exposureOf(
  kind: string,
  methods: Readonly<Record<string, ExposedMethod>>,
): Exposure {
  return { kind, methods: new Map(Object.entries(methods)), transacts: true };
}

/**
 * Makes an exposure of what an object's class has: all methods that are not
 * called `_something`, those of its base classes too.
 *
 * @param names Those that are exposed; the others are not, and no transactions.
 * @throws {TypeError} If one of the names is no method, or cannot be one of a proxy.
 */
export function exposureOfObject(
  kind: string,
  object: object,
  names?: readonly string[],
): Exposure {
  const methods = new Map<string, ExposedMethod>();
  for (const name of names ?? methodNames(object)) {
    if (RESERVED.has(name) || typeof Reflect.get(object, name) !== "function") {
      throw new TypeError(
        `Cannot expose '${name}' of a ${kind} as it must be a method other than ${
          [...RESERVED].map((word) => `'${word}'`).join(" and ")
        }`,
      );
    }
    methods.set(
      name,
      (target, ...args) => Reflect.apply(target[name], target, args),
    );
  }
  return { kind, methods, transacts: names === undefined };
}

/** The names of the methods along the prototypes, up to those of every object. */
function methodNames(object: object): Set<string> {
  const names = new Set<string>();
  for (
    let link: object | null = Object.getPrototypeOf(object);
    link !== null && Object.getPrototypeOf(link) !== null;
    link = Object.getPrototypeOf(link)
  ) {
    for (
      const [name, { value }] of Object.entries(
        Object.getOwnPropertyDescriptors(link),
      )
    ) {
      const isPrivate = name.startsWith("_") || RESERVED.has(name);
      if (typeof value === "function" && !isPrivate) names.add(name);
    }
  }
  return names;
}

/**
 * Calls what is exposed.
 *
 * @throws {NotSupportedError} If nothing of that name is.
 * @throws Whatever the method throws.
 */
export function callExposed(
  exposure: Exposure,
  target: unknown,
  name: string,
  args: readonly unknown[],
): unknown {
  const method = exposure.methods.get(name);
  if (method !== undefined) return method(target, ...args);
  if (name === BATCH) {
    return callBatch(exposure, target, args as readonly BatchedCall[]);
  }
  if (name === TRANSACT && exposure.transacts) {
    const [fn, ...rest] = args;
    return transact(exposure, target, fn, rest);
  }
  throw new NotSupportedError(
    `Cannot call '${name}' of a ${exposure.kind}: it is not exposed`,
  );
}

/** One behind the other, up to the first that fails. Nothing comes in between, unless one of them is asynchronous. */
function callBatch(
  exposure: Exposure,
  target: unknown,
  calls: readonly BatchedCall[],
): unknown {
  const results: unknown[] = [];
  const next = (from: number): unknown => {
    for (let i = from; i < calls.length; i++) {
      const [name, args] = calls[i]!;
      const result = callExposed(exposure, target, name, args);
      if (!isThenable(result)) results.push(result);
      else {
        return result.then((value) => {
          results.push(value);
          return next(i + 1);
        });
      }
    }
    return results;
  };
  return next(0);
}

/** Calls a function with the object itself. An asynchronous one would let others in between. */
function transact(
  { kind }: Exposure,
  target: unknown,
  fn: unknown,
  args: readonly unknown[],
): unknown {
  if (typeof fn !== "function") {
    throw new TypeError(
      `Cannot change a ${kind} as 'fn' must be a function: current value is ${
        describe(fn)
      }`,
    );
  }
  checkSynchronous(kind, fn);
  return fn(target, ...args);
}

const AsyncFunction = (async () => {}).constructor;

/**
 * Refuses an `async` function before it has begun: others would come in between.
 *
 * @throws {TypeError} If it is one.
 */
export function checkSynchronous(kind: string, fn: unknown): void {
  if (!(fn instanceof AsyncFunction)) return;
  throw new TypeError(
    `Cannot change a ${kind} as 'fn' must not be asynchronous: current value is ${
      describe(fn)
    }`,
  );
}
