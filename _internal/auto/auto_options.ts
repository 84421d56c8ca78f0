// Copyright 2026 the @concurrent/parallel authors. MIT license.

// How an automatic executor and its lanes are set up.

import { NotSupportedError } from "../base/errors.ts";
import { describe, integerOption } from "../base/validation.ts";
import type { LaneSetup } from "../pool/lane.ts";
import type { WorkerKind } from "../worker/host.ts";
import {
  BLOCKING_IDLE_TIME,
  BLOCKING_WORKERS,
  type Place,
  WAITING_CALLS,
} from "./places.ts";
import type { Policy } from "./route.ts";

const BACKENDS: readonly WorkerKind[] = ["inline", "thread", "process"];

/** What an automatic executor can be told besides what pools can. */
export interface AutoExtras {
  /**
   * Which backends it may use.
   *
   * @default {["inline", "thread", "process"]}
   */
  backends?: readonly ("inline" | "thread" | "process")[];
  /**
   * Threads at most for calls that block, beside the workers that compute.
   *
   * @default {16} or `maxWorkers`, where that is given
   */
  maxBlocking?: number;
  /**
   * Called with a line whenever a function that is not declared gets its place,
   * or another one: what it is, where it goes, why, and what comes next. What
   * it throws is reported on the console and changes nothing.
   *
   * @default {undefined}
   */
  trace?: (line: string) => void;
}

/** What follows from the options of an executor; travels with it. */
export type AutoRules = Omit<Policy, "isUp" | "moved">;

/** The options that decisions depend on. */
interface PolicyOptions extends AutoExtras {
  readonly maxWorkers?: number | undefined;
  readonly concurrency?: number | undefined;
  readonly permissions?: unknown;
  readonly resourceLimits?: unknown;
  readonly initializer?: unknown;
}

/**
 * Checks the options of an automatic executor and says what follows from them.
 *
 * @throws {TypeError} If an option is of the wrong type.
 * @throws {RangeError} If an option is out of its range.
 * @throws {NotSupportedError} If it may not use the processes that it needs.
 */
export function autoPolicy(
  verb: string,
  options: PolicyOptions,
): AutoRules {
  const { backends, maxWorkers, permissions, resourceLimits, trace } = options;
  const cores = integerOption(
    verb,
    "maxWorkers",
    maxWorkers,
    navigator.hardwareConcurrency,
    1,
  );
  if (trace !== undefined && typeof trace !== "function") {
    throw new TypeError(
      `Cannot ${verb} as 'trace' must be a function: current value is ${
        describe(trace)
      }`,
    );
  }
  const allowed = checkBackends(verb, backends);
  const needsProcess = permissions !== undefined && permissions !== "inherit"
    ? "the executor narrows the permissions of its tasks: only a process has its own"
    : resourceLimits !== undefined
    ? "the executor limits the memory of its tasks: only a process has its own"
    : undefined;
  if (needsProcess !== undefined && !allowed.has("process")) {
    throw new NotSupportedError(
      `Cannot ${verb} as 'backends' must hold "process": ${needsProcess}`,
    );
  }
  return {
    cores,
    blocking: integerOption(
      verb,
      "maxBlocking",
      options.maxBlocking,
      maxWorkers === undefined ? Math.max(BLOCKING_WORKERS, cores) : cores,
      1,
    ),
    concurrency: integerOption(verb, "concurrency", options.concurrency, 1, 1),
    backends: allowed,
    needsProcess,
    hasInitializer: options.initializer !== undefined,
  };
}

function checkBackends(
  verb: string,
  backends: unknown,
): ReadonlySet<WorkerKind> {
  if (backends === undefined) return new Set(BACKENDS);
  if (!Array.isArray(backends)) {
    throw new TypeError(
      `Cannot ${verb} as 'backends' must be an array: current value is ${
        describe(backends)
      }`,
    );
  }
  for (const backend of backends) {
    if (BACKENDS.includes(backend)) continue;
    throw new TypeError(
      `Cannot ${verb} as 'backends' must hold "inline", "thread" or "process": current value is ${
        describe(backend)
      }`,
    );
  }
  if (backends.length === 0) {
    throw new RangeError(
      `Cannot ${verb} as 'backends' must name one at least: current value is []`,
    );
  }
  return new Set(backends);
}

/** What the lane of a place is set up with. */
export function laneOptions(
  place: Place,
  options: LaneSetup & { readonly maxBlocking?: number | undefined },
): LaneSetup {
  if (place === "wait") {
    const { concurrency = 1 } = options;
    return {
      ...options,
      ...named(options, place),
      minWorkers: 0,
      concurrency: Math.max(concurrency, WAITING_CALLS),
    };
  }
  if (place !== "block") return options;
  const { maxWorkers, maxBlocking, idleTimeout = BLOCKING_IDLE_TIME } = options;
  return {
    ...options,
    ...named(options, place),
    minWorkers: 0,
    maxWorkers: maxBlocking ?? maxWorkers ??
      Math.max(BLOCKING_WORKERS, navigator.hardwareConcurrency),
    idleTimeout,
    startsAtOnce: navigator.hardwareConcurrency,
  };
}

/** Workers of places with the same backend are told apart by their names. */
function named(
  { name }: LaneSetup,
  place: Place,
): { readonly name?: string } {
  return name === undefined ? {} : { name: `${name}-${place}` };
}
