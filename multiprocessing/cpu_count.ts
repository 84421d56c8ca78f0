// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * The number of cores: {@linkcode cpuCount}.
 *
 * @module
 */

/**
 * Tells how many cores this program may use: what pools take as their size.
 *
 * @example Usage
 * ```ts
 * import { cpuCount } from "@concurrent/parallel/multiprocessing";
 * import { assert } from "@std/assert";
 *
 * assert(cpuCount() >= 1);
 * ```
 *
 * @returns The number of cores; an affinity mask or a container's quota counts.
 */
export function cpuCount(): number {
  return navigator.hardwareConcurrency;
}
