// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * The errors of this package.
 *
 * @module
 */

export * from "../_internal/base/errors.ts";
