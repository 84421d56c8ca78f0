// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What a worker may use of memory. Both kinds of worker leave it to V8: a thread
// as a node:worker_threads Worker (`limited_thread.ts`), a process by flags.

import { NotSupportedError } from "../base/errors.ts";
import { checkObject, describe } from "../base/validation.ts";

/** Limits on the memory of a worker, in MB. */
export interface ResourceLimits {
  readonly maxOldGenerationSizeMb?: number | undefined;
  readonly maxYoungGenerationSizeMb?: number | undefined;
  readonly stackSizeMb?: number | undefined;
}

type Limit = keyof ResourceLimits;

/**
 * What each limit must lie between. With a smaller heap V8 cannot load this
 * package, and a heap that is exhausted then ends the whole program. The stack
 * ends where the operating system's does, which is 8 MB for a process.
 */
const BOUNDS: { readonly [limit in Limit]: readonly [number, number] } = {
  maxOldGenerationSizeMb: [16, 2 ** 20],
  maxYoungGenerationSizeMb: [1, 2 ** 20],
  stackSizeMb: [0.25, 6],
};

const LIMITS = Object.keys(BOUNDS) as Limit[];

/**
 * Checks limits before any worker is started.
 *
 * @throws {TypeError} If they are no object of numbers, or there is no such limit.
 * @throws {RangeError} If a number is too small or too large to work.
 * @throws {NotSupportedError} If this kind of worker does not have the limit.
 */
export function checkResourceLimits(
  verb: string,
  limits: unknown,
  kind: "thread" | "process",
): void {
  if (limits === undefined) return;
  checkObject(verb, "resourceLimits", limits);
  const fields = limits as Record<string, unknown>;
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const limit = LIMITS.find((it) => it === name);
    const param = `resourceLimits.${name}`;
    if (limit === undefined) {
      throw new TypeError(
        `Cannot ${verb} as '${param}' must be undefined, as there are only ${
          LIMITS.join(", ")
        }: current value is ${describe(value)}`,
      );
    }
    if (typeof value !== "number") {
      throw new TypeError(
        `Cannot ${verb} as '${param}' must be a number: current value is ${
          describe(value)
        }`,
      );
    }
    const [min, max] = BOUNDS[limit];
    // Not a number is neither.
    if (!(value >= min && value <= max)) {
      throw new RangeError(
        `Cannot ${verb} as '${param}' must be from ${min} to ${max}: current value is ${value}`,
      );
    }
  }
  if (kind === "thread" && fields.stackSizeMb !== undefined) {
    throw new NotSupportedError(
      `Cannot ${verb} with 'resourceLimits.stackSizeMb': Deno changes the size of a thread's stack and not V8's limit on it; ProcessPoolExecutor has it`,
    );
  }
}

/** True where the heap is limited. */
export function hasHeapLimit(limits: ResourceLimits | undefined): boolean {
  return limits?.maxOldGenerationSizeMb !== undefined ||
    limits?.maxYoungGenerationSizeMb !== undefined;
}

/** The flags with which a process has these limits. */
export function limitFlags(limits: ResourceLimits = {}): string[] {
  const { maxOldGenerationSizeMb, maxYoungGenerationSizeMb, stackSizeMb } =
    limits;
  const flags: string[] = [];
  if (maxOldGenerationSizeMb !== undefined) {
    flags.push(`--max-old-space-size=${Math.floor(maxOldGenerationSizeMb)}`);
  }
  if (maxYoungGenerationSizeMb !== undefined) {
    // The young generation is two such spaces, and one for large objects.
    const size = Math.max(1, Math.floor(maxYoungGenerationSizeMb / 3));
    flags.push(`--max-semi-space-size=${size}`);
  }
  if (stackSizeMb !== undefined) {
    flags.push(`--stack-size=${Math.floor(stackSizeMb * 1024)}`);
  }
  return flags.length === 0 ? [] : [`--v8-flags=${flags.join(",")}`];
}

/** Why a worker has ended that was out of memory. */
export function overflowError(limits: ResourceLimits): RangeError {
  const names = LIMITS.filter((limit) =>
    limit !== "stackSizeMb" && limits[limit] !== undefined
  );
  return new RangeError(
    `Cannot go on: the worker is out of memory, with ${
      names.map((name) => `'resourceLimits.${name}' of ${limits[name]} MB`)
        .join(" and ")
    }`,
  );
}
