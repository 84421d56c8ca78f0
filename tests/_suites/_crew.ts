// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Parties for tests of what they share.

import { liveAgents } from "../../_internal/memory/domain.ts";
import { waitsOf } from "../../_internal/memory/wait_queue.ts";
import {
  WAIT_KINDS,
  type WaitKind,
} from "../../_internal/memory/wait_queue.ts";
import { Thread } from "../../threading/mod.ts";
import { soon, until } from "./_helpers.ts";

/** One of those that take part in a test. */
export interface Party<R = unknown> {
  result(): Promise<R>;
  join(options?: { timeout?: number }): Promise<boolean>;
  isAlive(): boolean;
  /** Ends it now, whatever it does. */
  terminate(): Promise<void>;
}

/** Parties that run one function each, and are gone at the end of the block. */
export class AnyCrew<R = unknown> implements AsyncDisposable {
  readonly members: Party<R>[];

  /** Starts `count` of them. */
  constructor(
    start: (number: number) => Party<R>,
    count: number,
  ) {
    this.members = Array.from({ length: count }, (_, number) => start(number));
  }

  /** What they return; rejects with the first error. */
  async results(): Promise<R[]> {
    return await soon(
      "the results of the crew",
      Promise.all(this.members.map((member) => member.result())),
    ) as R[];
  }

  /** Stops them all now. */
  async terminate(): Promise<void> {
    for (const member of this.members) member.result().catch(() => {});
    await soon(
      "the end of the crew",
      Promise.all(this.members.map((member) => member.terminate())),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const member of this.members) {
      // A test that has failed leaves some that wait for something.
      if (await member.join({ timeout: 20_000 })) continue;
      member.result().catch(() => {});
      await member.terminate();
    }
  }
}

/** Threads that run one function each. */
export class Crew<R> extends AnyCrew<R> {
  readonly threads: Party<R>[];

  /** Starts `count` threads; the last argument of each is its number. */
  constructor(
    count: number,
    // deno-lint-ignore no-explicit-any -- any function with these arguments
    target: (...args: any[]) => R | Promise<R>,
    ...args: unknown[]
  ) {
    super(
      (number) =>
        new Thread({ target, args: [...args, number] }).start() as Party<
          R
        >,
      count,
    );
    this.threads = this.members;
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
