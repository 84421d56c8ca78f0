// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Threads that wait, without the lock, until somebody who holds the lock tells
// them to go on:
//
//   waiter, holds the lock                  notifier, holds the lock
//   1 links a node into the queue           a takes the first nodes out, grants them
//   2 releases the lock, all its depth      b goes on, releases the lock
//   3 parks until the node is granted
//   4 waits for the lock, in its line
//   5 restores the depth, goes on
//
// Step 1 comes before step 2, so a notifier that gets the lock after it sees the
// node: no notification is lost. Who gives up in step 3 takes its node out under
// the guard, and then goes on to step 4 as well: whatever the end of the wait, the
// lock is held. Nothing keeps step 4 from its end but the end of the thread, and a
// deadlock: where a blocking wait() comes back while another function of the same
// thread has the lock, nobody can ever release it. Then the lock is not held, and
// the DeadlockError says so.
//
// Between a and 5 a waiter may die with its notification. So a leaves its tag in
// the object (PENDING), and 5 takes it out; whoever finds the tag of somebody who
// is gone there notifies the next one. Where there is no room for the tag, or
// everybody was notified anyway, none is left.

import { AbandonedLockError } from "../base/errors.ts";
import type { WaitOptions } from "../base/deadline.ts";
import { isGone } from "./domain.ts";
import { ABANDONED, type LockCore, type LockLike } from "./lock_core.ts";
import { QUEUE_WORDS, WaitQueue } from "./wait_queue.ts";
import { newWords, Waitable, type WaitExtras } from "./waiting.ts";

const QUEUE = 0;
const PENDING = QUEUE_WORDS;
const MAX_PENDING = 32;
const WORDS = PENDING + MAX_PENDING;

/** `grant()`: notified, and its tag is among those pending. */
const RECORDED = 1;
/** `grant()`: notified. */
const NOTIFIED = 2;

const NO_OPTIONS: WaitOptions = {};
const FORCED: WaitExtras = { isForced: true };

/** What it is made of, for those who send it. */
export interface ConditionMemory {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly serial: number;
}

/** What the class on top uses of a condition, wherever it is. */
export interface ConditionLike
  extends Pick<ConditionCore, "notify" | "sleep" | "sleepSync"> {
  readonly lock: LockLike;
}

/** The shared state of a condition. The lock is an object of its own. */
export class ConditionCore extends Waitable {
  readonly lock: LockCore;
  /** Under the guard: how many may be granted now; for ever 0 outside of it. */
  #budget = 0;

  constructor(
    lock: LockCore,
    { words, serial }: ConditionMemory = newWords(WORDS),
  ) {
    super("Condition", words, new WaitQueue(words, QUEUE), serial);
    this.lock = lock;
  }

  /** Holder of the lock: lets the first ones that wait go on. */
  notify(count: number): void {
    // Who waits has queued before it released the lock that is held here.
    if (this.queue.isEmpty) return;
    this.guarded(() => {
      try {
        this.#budget = count;
        this.settle();
      } finally {
        this.#budget = 0;
      }
    });
  }

  /** Holder of the lock: blocks without it until it is notified; false when the timeout has passed. */
  sleepSync(options: WaitOptions): boolean {
    const sleep = new Sleep(this.lock);
    let granted = 0;
    try {
      if (options.timeout === 0) {
        options.signal?.throwIfAborted();
        sleep.onQueued();
      } else granted = this.waitSync(0, options, false, sleep);
    } finally {
      if (sleep.hasReleased) {
        const held = this.lock.waitSync(0, NO_OPTIONS, false, FORCED);
        this.lock.hold();
        this.#resume(sleep, granted, held);
      }
    }
    return granted !== 0;
  }

  /** As `sleepSync()`, without blocking; the caller delivers the lock. */
  async sleep(options: WaitOptions): Promise<boolean> {
    const sleep = new Sleep(this.lock);
    let granted = 0;
    try {
      if (options.timeout === 0) {
        options.signal?.throwIfAborted();
        sleep.onQueued();
      } else granted = await this.waitAsync(0, options, false, sleep);
    } finally {
      if (sleep.hasReleased) {
        const held = await this.lock.waitAsync(0, NO_OPTIONS);
        this.#resume(sleep, granted, held);
      }
    }
    return granted !== 0;
  }

  override grant(_op: number, tag: number): number {
    if (this.#budget === 0) return 0;
    this.#budget--;
    return this.#budget !== Infinity && this.#record(tag) ? RECORDED : NOTIFIED;
  }

  /** What the dead were notified of goes to those who wait. */
  override review(): void {
    const { words } = this;
    for (let i = PENDING; i < WORDS; i++) {
      const tag = Atomics.load(words, i);
      if (tag === 0 || !isGone(tag)) continue;
      Atomics.store(words, i, 0);
      if (!this.queue.isEmpty) this.#budget++;
    }
  }

  override calm(): void {
    this.#budget = 0;
  }

  #record(tag: number): boolean {
    const { words } = this;
    for (let i = PENDING; i < WORDS; i++) {
      if (Atomics.compareExchange(words, i, 0, tag) === 0) return true;
    }
    return false;
  }

  /** The lock is held again. */
  #resume(sleep: Sleep, granted: number, held: number): void {
    this.lock.restoreDepth(sleep.depth);
    if (granted === RECORDED) {
      const { words } = this;
      const { tag } = this;
      for (let i = PENDING; i < WORDS; i++) {
        if (Atomics.compareExchange(words, i, tag, 0) === tag) break;
      }
    }
    if (held === ABANDONED) {
      throw new AbandonedLockError(
        "Cannot acquire the lock of a condition cleanly: the thread that held it has ended",
      );
    }
  }
}

/** One wait: releases the lock once it is queued. */
class Sleep implements WaitExtras {
  readonly depth: number;
  readonly #lock: LockCore;
  hasReleased = false;

  constructor(lock: LockCore) {
    this.#lock = lock;
    this.depth = lock.depth;
  }

  onQueued(): void {
    this.hasReleased = true;
    this.#lock.releaseAll();
  }
}
