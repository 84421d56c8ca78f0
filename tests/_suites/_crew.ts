// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Threads for tests of what threads share.

import { liveAgents } from "../../_internal/memory/domain.ts";
import { waitsOf } from "../../_internal/memory/wait_queue.ts";
import {
  WAIT_KINDS,
  type WaitKind,
} from "../../_internal/memory/wait_queue.ts";
import { Thread } from "../../threading/mod.ts";
import { soon, until } from "./_helpers.ts";

/** Threads that run one function each, and are gone at the end of the block. */
export class Crew<R> implements AsyncDisposable {
  readonly threads: Thread<R | Promise<R>>[];

  /** Starts `count` threads; the last argument of each is its number. */
  constructor(
    count: number,
    // deno-lint-ignore no-explicit-any -- any function with these arguments
    target: (...args: any[]) => R | Promise<R>,
    ...args: unknown[]
  ) {
    this.threads = Array.from(
      { length: count },
      (_, number) => new Thread({ target, args: [...args, number] }).start(),
    );
  }

  /** What they return; rejects with the first error. */
  async results(): Promise<R[]> {
    return await soon(
      "the results of the threads",
      Promise.all(this.threads.map((thread) => thread.result())),
    ) as R[];
  }

  /** Stops them all now. */
  async terminate(): Promise<void> {
    for (const thread of this.threads) thread.result().catch(() => {});
    await soon(
      "the end of the threads",
      Promise.all(this.threads.map((thread) => thread.terminate())),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const thread of this.threads) {
      // A test that has failed leaves threads that wait for something.
      if (await thread.join({ timeout: 2_000 })) continue;
      thread.result().catch(() => {});
      await thread.terminate();
    }
  }
}

/** How many waits for objects of a kind are under way, on all threads. */
export function countWaits(kind: WaitKind): number {
  const index = WAIT_KINDS.indexOf(kind);
  return liveAgents().flatMap(({ tag }) => waitsOf(tag))
    .filter((wait) => wait.kind === index).length;
}

/** Waits until so many wait for objects of a kind. */
export async function untilWaiting(
  kind: WaitKind,
  count: number,
): Promise<void> {
  await until(
    `${count} wait for a ${kind}`,
    () => countWaits(kind) === count,
  );
}

/** Lets everything run that can run on this thread. */
export async function turn(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
}
