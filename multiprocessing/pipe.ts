// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Two connections that belong together.
 *
 * @module
 */

import { checkObject } from "../_internal/base/validation.ts";
import { localPipe } from "../_internal/wire/local_pipe.ts";
import { homePipe, over } from "./_connection_ends.ts";
import { Connection } from "./connection.ts";

/** How {@linkcode pipe} connects. */
export interface PipeOptions {
  /**
   * False: the first connection only receives, the second only sends.
   *
   * @default {true}
   */
  duplex?: boolean | undefined;
}

/**
 * Makes two connections that belong together: what one sends the other receives.
 * Either can be sent to a process or thread, or used here. The messages go
 * through the thread that made the pipe, and the pipe ends with it.
 *
 * @example Usage
 * ```ts
 * import { pipe } from "@concurrent/parallel/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * const [a, b] = pipe();
 * await a.send({ answer: 42 });
 *
 * assertEquals(await b.recv(), { answer: 42 });
 * a.close();
 * b.close();
 * ```
 *
 * @typeParam A What the first sends and the second receives.
 * @typeParam B What the second sends and the first receives.
 * @param options Whether both can send.
 * @returns The two ends.
 * @throws {TypeError} If `options` is not an object.
 */
export function pipe<A = unknown, B = A>(
  options: PipeOptions = {},
): [Connection<B, A>, Connection<A, B>] {
  checkObject("create a pipe", "options", options);
  const { duplex = true } = options;
  const [first, second] = homePipe(localPipe(duplex));
  return [over(Connection<B, A>, first), over(Connection<A, B>, second)];
}
