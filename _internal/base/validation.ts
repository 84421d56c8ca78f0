// Copyright 2026 the @concurrent/parallel authors. MIT license.

/** The number, or the default where it is undefined; an integer of at least `min` and at most `max`. */
export function integerOption(
  verb: string,
  name: string,
  value: number | undefined,
  fallback: number,
  min: number,
  max = Infinity,
): number {
  if (value === undefined) return fallback;
  if (typeof value !== "number") {
    throw new TypeError(
      `Cannot ${verb} as '${name}' must be a number: current value is ${
        describe(value)
      }`,
    );
  }
  if (value === Infinity && fallback === Infinity) return value;
  if (!Number.isInteger(value) || value < min) {
    throw new RangeError(
      `Cannot ${verb} as '${name}' must be an integer of at least ${min}: current value is ${value}`,
    );
  }
  if (value > max) {
    throw new RangeError(
      `Cannot ${verb} as '${name}' must not be greater than ${max}: current value is ${value}`,
    );
  }
  return value;
}

/** A duration in milliseconds: undefined (for ever) or at least 0. */
export function checkDuration(
  verb: string,
  name: string,
  value: number | undefined,
): void {
  if (value === undefined) return;
  if (typeof value !== "number") {
    throw new TypeError(
      `Cannot ${verb} as '${name}' must be a number of milliseconds: current value is ${
        describe(value)
      }`,
    );
  }
  if (Number.isNaN(value) || value < 0) {
    throw new RangeError(
      `Cannot ${verb} as '${name}' must not be negative: current value is ${value}`,
    );
  }
}

/** An object with options: Python's positional arguments are none. */
export function checkObject(verb: string, name: string, value: unknown): void {
  if (typeof value !== "object" || value === null) {
    throw new TypeError(
      `Cannot ${verb} as '${name}' must be an object: current value is ${
        describe(value)
      }`,
    );
  }
}

/** Anything that can be called. */
export function checkFunction(
  verb: string,
  name: string,
  value: unknown,
): void {
  if (typeof value !== "function") {
    throw new TypeError(
      `Cannot ${verb} as '${name}' must be a function: current value is ${
        describe(value)
      }`,
    );
  }
}

/** An `AbortSignal` or undefined. */
export function checkSignal(verb: string, value: unknown): void {
  if (value !== undefined && !(value instanceof AbortSignal)) {
    throw new TypeError(
      `Cannot ${verb} as 'signal' must be an AbortSignal: current value is ${
        describe(value)
      }`,
    );
  }
}

/** A short text for an error message; never throws. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(
        value.length > 40 ? value.slice(0, 40) + "…" : value,
      );
    case "function":
      return `function ${value.name || "(anonymous)"}`;
    case "object":
      if (value === null) return "null";
      return Array.isArray(value)
        ? "an array"
        : `an object of class ${value.constructor?.name ?? "null"}`;
    case "symbol":
      return "a symbol";
    default:
      return String(value);
  }
}

/** True for what `await` waits for. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return value !== null &&
    (typeof value === "object" || typeof value === "function") &&
    typeof (value as { then?: unknown }).then === "function";
}
