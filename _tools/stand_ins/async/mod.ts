// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Stand-in for `jsr:@std/async`: see `../README.md`.
 *
 * @module
 */

export * from "./deadline.ts";
export * from "./delay.ts";
