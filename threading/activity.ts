// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * What threads and processes have in common.
 *
 * @module
 */

export {
  Activity,
  type ActivityEnvironment,
  type ActivityOptions,
  type JoinOptions,
} from "../_internal/pool/activity.ts";
