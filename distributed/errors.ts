// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Errors of executors whose workers are on other machines.
 *
 * @module
 */

import { AuthenticationError } from "../_internal/base/errors.ts";

/** What is known of a refusal. */
export interface RefusalDetails {
  /** The node that has refused the task. */
  node: string;
  /** Why, in the words of the node. */
  reason: string;
}

/**
 * A node has refused to run a task, and nothing of it was run: it is not signed,
 * signed with another key, was changed on its way, or is of a module that the
 * node was not started with.
 *
 * @example Usage
 * ```ts
 * import { RefusedError } from "@concurrent/parallel/distributed";
 * import { assertEquals } from "@std/assert";
 *
 * const error = new RefusedError("Cannot run task 'f'", {
 *   node: "host-1",
 *   reason: "it is not signed",
 * });
 *
 * assertEquals(error.node, "host-1");
 * ```
 */
export class RefusedError extends AuthenticationError {
  /** The node that has refused the task. */
  readonly node: string;
  /** Why, in the words of the node. They are not proved to be its words. */
  readonly reason: string;

  /**
   * Makes the error.
   *
   * @param message What could not be done.
   * @param details Who has refused it, and why.
   */
  constructor(message: string, { node, reason }: RefusalDetails) {
    super(message);
    this.node = node;
    this.reason = reason;
  }
}
