// Copyright 2026 the @concurrent/parallel authors. MIT license.

// How a proxy gets what it stands for, which is no part of its constructor.

/** What the calls of a proxy go to. */
export interface ProxyTarget {
  /** Calls a method of the object. */
  send(name: string, args: readonly unknown[]): Promise<unknown>;
  /** What is exposed of an object of a registered class. */
  readonly methods?: readonly string[] | undefined;
  /** The object itself, where it is in this isolate. */
  readonly local?: unknown;
}

const targets = new WeakMap<object, ProxyTarget>();

let next: ProxyTarget | undefined;

/** Has `make` construct a proxy of a target. */
export function withTarget<P>(target: ProxyTarget, make: () => P): P {
  next = target;
  try {
    return make();
  } finally {
    next = undefined;
  }
}

/**
 * In the constructor of a proxy: what it stands for.
 *
 * @throws {TypeError} If a program has called the constructor.
 */
export function takeTarget(proxy: object, name: string): ProxyTarget {
  const target = next;
  next = undefined;
  if (target === undefined) {
    throw new TypeError(
      `Cannot create ${name}: a manager creates it, such as by 'dict()'`,
    );
  }
  targets.set(proxy, target);
  return target;
}

/** What a proxy stands for; undefined for what is none. */
export function targetOf(proxy: unknown): ProxyTarget | undefined {
  return targets.get(proxy as object);
}
