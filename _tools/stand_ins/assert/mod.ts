// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Stand-in for `jsr:@std/assert`: see `../README.md`.
 *
 * @module
 */

// deno-lint-ignore no-explicit-any
type AnyClass<T> = abstract new (...args: any[]) => T;
type Falsy = false | 0 | 0n | "" | null | undefined;
type ArrayLikeArg<T> = ArrayLike<T> & object;

/** Error thrown when an assertion fails. */
export class AssertionError extends Error {
  override name = "AssertionError";
}

function show(value: unknown): string {
  return Deno.inspect(value, {
    depth: 8,
    sorted: true,
    strAbbreviateSize: 1e4,
  });
}

function note(msg: string | undefined): string {
  return msg ? `: ${msg}` : ".";
}

/** Asserts that `expr` is truthy. */
export function assert(expr: unknown, msg: string = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/** Asserts that `expr` is falsy. */
export function assertFalse(
  expr: unknown,
  msg: string = "",
): asserts expr is Falsy {
  if (expr) throw new AssertionError(msg);
}

/** Fails. */
export function fail(msg?: string): never {
  throw new AssertionError(`Failed assertion${note(msg)}`);
}

/** Fails: for code that must not be reached. */
export function unreachable(reason?: string): never {
  throw new AssertionError(reason ?? "Unreachable.");
}

function sameClass(a: object, b: object): boolean {
  const plain = (value: object) =>
    Object.getPrototypeOf(value) ?? Object.prototype;
  return plain(a) === plain(b);
}

/** Numbers of a typed array or buffer, or `undefined`. */
function numbersOf(value: object): ArrayLike<unknown> | undefined {
  if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) {
    return new Uint8Array(value);
  }
  return ArrayBuffer.isView(value) && !(value instanceof DataView)
    ? value as Uint8Array
    : undefined;
}

/** Own keys, and for instances of classes those of their prototypes too. */
function keysOf(value: object): PropertyKey[] {
  if (isPlain(value)) return ownEnumerable(value);
  const keys = new Set<PropertyKey>();
  for (
    let at = value;
    at !== null && at !== Object.prototype;
    at = Object.getPrototypeOf(at)
  ) {
    for (const key of Reflect.ownKeys(at)) keys.add(key);
  }
  return [...keys];
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype ||
    prototype === Array.prototype;
}

function ownEnumerable(value: object): PropertyKey[] {
  return Reflect.ownKeys(value).filter((key) =>
    Object.prototype.propertyIsEnumerable.call(value, key)
  );
}

/** Whether two values are deeply equal: same classes, `0` equals `-0`. */
export function equal(a: unknown, b: unknown): boolean {
  const seen = new Map<unknown, unknown>();
  function compareItems(a: Iterable<unknown>, b: Iterable<unknown>): boolean {
    const rest = [...b];
    for (const item of a) {
      const at = rest.findIndex((other) => compare(item, other));
      if (at < 0) return false;
      rest.splice(at, 1);
    }
    return rest.length === 0;
  }
  function compare(a: unknown, b: unknown): boolean {
    if (Object.is(a, b) || a === b) return true;
    if (
      typeof a !== "object" || typeof b !== "object" || a === null ||
      b === null || !sameClass(a, b)
    ) return false;
    if (a instanceof Date) return Object.is(+a, +(b as Date));
    if (
      a instanceof RegExp || a instanceof URL || a instanceof URLSearchParams
    ) return String(a) === String(b);
    if (a instanceof WeakMap || a instanceof WeakSet) {
      throw new TypeError(`Cannot compare ${a.constructor.name} instances`);
    }
    const numbers = numbersOf(a);
    if (numbers) {
      const others = numbersOf(b)!;
      if (numbers.length !== others.length) return false;
      for (let i = 0; i < numbers.length; i++) {
        const [x, y] = [numbers[i], others[i]];
        if (x !== y && !Object.is(x, y)) return false;
      }
      return true;
    }
    if (seen.get(a) === b) return true;
    seen.set(a, b);
    if (a instanceof Set || a instanceof Map) {
      return compareItems(a, b as Set<unknown>);
    }
    if (Object.keys(a).length !== Object.keys(b).length) return false;
    const x = a as Record<PropertyKey, unknown>;
    const y = b as Record<PropertyKey, unknown>;
    return [...new Set([...keysOf(a), ...keysOf(b)])].every((key) =>
      key in x === key in y && compare(x[key], y[key])
    );
  }
  return compare(a, b);
}

/** Asserts that the values are deeply equal. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) return;
  throw new AssertionError(
    `Values are not equal${note(msg)}\n    actual:   ${
      show(actual)
    }\n    expected: ${show(expected)}`,
  );
}

/** Asserts that the values are not deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!equal(actual, expected)) return;
  throw new AssertionError(
    `Expected actual: ${show(actual)} not to be: ${show(expected)}${note(msg)}`,
  );
}

/** Asserts that the values are the same, as `Object.is` has it. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  if (Object.is(actual, expected)) return;
  throw new AssertionError(
    equal(actual, expected)
      ? `Values have the same structure but are not reference-equal${
        note(msg)
      }\n\n    ${show(actual)}`
      : `Values are not strictly equal${note(msg)}\n    actual:   ${
        show(actual)
      }\n    expected: ${show(expected)}`,
  );
}

/** Asserts that the values are not the same, as `Object.is` has it. */
export function assertNotStrictEquals<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  if (!Object.is(actual, expected)) return;
  throw new AssertionError(
    `Expected "actual" to not be strictly equal to: ${show(actual)}${
      note(msg)
    }`,
  );
}

/** Asserts that the value is neither `null` nor `undefined`. */
export function assertExists<T>(
  actual: T,
  msg?: string,
): asserts actual is NonNullable<T> {
  if (actual !== undefined && actual !== null) return;
  throw new AssertionError(
    `Expected actual: "${actual}" to not be null or undefined${note(msg)}`,
  );
}

/** Asserts that `actual` is an instance of `expectedType`. */
// deno-lint-ignore no-explicit-any
export function assertInstanceOf<
  T extends abstract new (...args: any[]) => any,
>(
  actual: unknown,
  expectedType: T,
  msg: string = "",
): asserts actual is InstanceType<T> {
  if (actual instanceof expectedType) return;
  const was = actual === null
    ? "null"
    : typeof actual === "object"
    ? actual.constructor?.name ?? "Object"
    : typeof actual;
  throw new AssertionError(
    `Expected object to be an instance of "${expectedType.name}" but was "${was}"${
      note(msg)
    }`,
  );
}

/** Asserts that the error has the class, and the text in its message. */
export function assertIsError<E extends Error = Error>(
  error: unknown,
  ErrorClass?: AnyClass<E>,
  msgMatches?: string | RegExp,
  msg?: string,
): asserts error is E {
  if (!(error instanceof Error)) {
    throw new AssertionError(
      `Expected "error" to be an Error object${note(msg)}`,
    );
  }
  if (ErrorClass && !(error instanceof ErrorClass)) {
    throw new AssertionError(
      `Expected error to be instance of "${ErrorClass.name}", but was "${error.constructor.name}"${
        note(msg)
      }\n${error.stack}`,
    );
  }
  const isMatch = typeof msgMatches === "string"
    ? error.message.includes(msgMatches)
    : msgMatches?.test(error.message) ?? true;
  if (!isMatch) {
    throw new AssertionError(
      `Expected error message to include ${show(msgMatches)}, but got ${
        show(error.message)
      }${note(msg)}`,
    );
  }
}

interface Expectation {
  ErrorClass?: AnyClass<Error>;
  msgIncludes?: string;
  msg?: string;
}

function expectation(
  classOrMsg?: AnyClass<Error> | string,
  msgIncludesOrMsg?: string,
  msg?: string,
): Expectation {
  if (typeof classOrMsg !== "function") return { msg: classOrMsg! };
  return { ErrorClass: classOrMsg, msgIncludes: msgIncludesOrMsg!, msg: msg! };
}

function judge(error: unknown, verb: string, expected: Expectation): void {
  if (!expected.ErrorClass) return;
  if (!(error instanceof Error)) {
    throw new AssertionError(
      `A non-Error object was ${verb}${note(expected.msg)}`,
    );
  }
  assertIsError(error, expected.ErrorClass, expected.msgIncludes, expected.msg);
}

/** Asserts that the function throws; returns what it throws. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** Asserts that the function throws an instance of the class. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: AnyClass<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows(
  fn: () => unknown,
  classOrMsg?: AnyClass<Error> | string,
  msgIncludes?: string,
  msg?: string,
): unknown {
  const expected = expectation(classOrMsg, msgIncludes, msg);
  try {
    fn();
  } catch (error) {
    judge(error, "thrown", expected);
    return error;
  }
  throw new AssertionError(`Expected function to throw${note(expected.msg)}`);
}

/** Asserts that the promise rejects; resolves to what it rejects with. */
export function assertRejects(
  fn: () => PromiseLike<unknown>,
  msg?: string,
): Promise<unknown>;
/** Asserts that the promise rejects with an instance of the class. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: AnyClass<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  classOrMsg?: AnyClass<Error> | string,
  msgIncludes?: string,
  msg?: string,
): Promise<unknown> {
  const expected = expectation(classOrMsg, msgIncludes, msg);
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch {
    throw new AssertionError(
      `Function throws when expected to reject${note(expected.msg)}`,
    );
  }
  try {
    await promise;
  } catch (error) {
    judge(error, "rejected", expected);
    return error;
  }
  throw new AssertionError(`Expected function to reject${note(expected.msg)}`);
}

/** Asserts that the string matches the pattern. */
export function assertMatch(
  actual: string,
  expected: RegExp,
  msg?: string,
): void {
  if (expected.test(actual)) return;
  throw new AssertionError(
    `Expected actual: "${actual}" to match: "${expected}"${note(msg)}`,
  );
}

/** Asserts that the string does not match the pattern. */
export function assertNotMatch(
  actual: string,
  expected: RegExp,
  msg?: string,
): void {
  if (!expected.test(actual)) return;
  throw new AssertionError(
    `Expected actual: "${actual}" to not match: "${expected}"${note(msg)}`,
  );
}

/** Asserts that the string includes the other. */
export function assertStringIncludes(
  actual: string,
  expected: string,
  msg?: string,
): void {
  if (actual.includes(expected)) return;
  throw new AssertionError(
    `Expected actual: "${actual}" to contain: "${expected}"${note(msg)}`,
  );
}

/** Asserts that each expected item deeply equals some item of `actual`. */
export function assertArrayIncludes<T>(
  actual: ArrayLikeArg<T>,
  expected: ArrayLikeArg<T>,
  msg?: string,
): void {
  const items = Array.from(actual);
  const missing = Array.from(expected).filter((item) =>
    !items.some((other) => equal(other, item))
  );
  if (missing.length === 0) return;
  throw new AssertionError(
    `Expected actual: "${show(actual)}" to include: "${show(expected)}"${
      note(msg)
    }\nmissing: ${show(missing)}`,
  );
}

/** Asserts that `actual` has the properties of `expected`, deeply. */
export function assertObjectMatch(
  // deno-lint-ignore no-explicit-any
  actual: Record<PropertyKey, any>,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void {
  function matches(a: unknown, b: unknown): boolean {
    if (
      typeof a !== "object" || a === null ||
      typeof b !== "object" || b === null || !isPlain(b)
    ) return equal(a, b);
    const x = a as Record<PropertyKey, unknown>;
    const y = b as Record<PropertyKey, unknown>;
    return ownEnumerable(y).every((key) => key in x && matches(x[key], y[key]));
  }
  if (matches(actual, expected)) return;
  throw new AssertionError(
    `Values are not equal${note(msg)}\n    actual:   ${
      show(actual)
    }\n    expected: ${show(expected)}`,
  );
}

/** Asserts that two numbers are within `tolerance` (default: a 1e-7th). */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance?: number,
  msg?: string,
): void {
  if (Object.is(actual, expected)) return;
  const delta = Math.abs(expected - actual);
  const allowed = tolerance ??
    (Number.isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7);
  if (delta <= allowed) return;
  throw new AssertionError(
    `Expected actual: "${actual}" to be close to "${expected}": delta "${delta}" is greater than "${allowed}"${
      note(msg)
    }`,
  );
}

function compareWith<T>(
  sign: string,
  holds: boolean,
  actual: T,
  expected: T,
  msg?: string,
): void {
  if (holds) return;
  throw new AssertionError(
    msg ?? `Expect ${show(actual)} ${sign} ${show(expected)}`,
  );
}

/** Asserts that `actual > expected`. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  compareWith(">", actual > expected, actual, expected, msg);
}

/** Asserts that `actual >= expected`. */
export function assertGreaterOrEqual<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  compareWith(">=", actual >= expected, actual, expected, msg);
}

/** Asserts that `actual < expected`. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  compareWith("<", actual < expected, actual, expected, msg);
}

/** Asserts that `actual <= expected`. */
export function assertLessOrEqual<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  compareWith("<=", actual <= expected, actual, expected, msg);
}
