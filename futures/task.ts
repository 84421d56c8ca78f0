// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Functions with a say in how they run, and what they can ask while they do.
 *
 * @module
 */

export * from "../_internal/pool/tasks.ts";
