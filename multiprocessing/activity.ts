// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * What threads and processes have in common.
 *
 * @module
 */

export * from "../threading/activity.ts";
