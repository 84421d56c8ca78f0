// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * How long to wait: what every operation that waits accepts.
 *
 * @module
 */

export type { WaitOptions } from "../_internal/base/deadline.ts";
