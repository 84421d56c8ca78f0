// Copyright 2026 the @concurrent/parallel authors. MIT license.

// How a thread waits for an object, whatever the object is: the one core under
// all locks, conditions, barriers and queues (after Lea, "The java.util.concurrent
// Synchronizer Framework", 2005: an object says who may pass, the core does the
// rest).
//
//   waitSync() / waitAsync()                        whoever changes the object
//   1 spin a little (locks), nothing queued only    a change its words
//   2 guard.lock()                                  b guard.lock()
//   3 nobody before me and grant(): done            c settle(): while the first one can
//   4 link a node in                                  be granted: take it out, grant it
//   5 guard.unlock()                                d guard.unlock()
//   6 park until the node is granted (`parking.ts`)
//
// No wake-up is lost: `grant()` marks the object as contended, in one
// compare-and-swap with the look at it, whenever it refuses, so a change after
// step 3 must go through b, where the node of step 4 is seen. What is granted is
// handed over in step c (the lock's word names the new holder before it wakes):
// whoever waits is served in the order of arrival, and nobody overtakes it.
//
// Death (`domain.ts`): every agent settles the objects that it waits for, and
// `grant()` takes a holder that is gone for none.

import type { WaitOptions } from "../base/deadline.ts";
import { pause } from "./bell.ts";
import {
  type AgentEnd,
  announceDeath,
  domainWords,
  ensureDomain,
  isGone,
  joinersOf,
  markEnd,
  nextSerial,
  ring,
  selfTag,
} from "./domain.ts";
import { AsyncWait, checkAlive, grantTo, park, settleAll } from "./parking.ts";
import {
  dropNode,
  freeNode,
  isDropped,
  isGranted,
  nodeNext,
  nodeOp,
  nodeTag,
  takeNode,
  WAIT_KINDS,
  type WaitKind,
  WaitQueue,
} from "./wait_queue.ts";
import { probeStack } from "./word_mutex.ts";

/** Looks at a free word before the guard is taken, where there is more than one core: about 10 us. */
const SPINS = navigator.hardwareConcurrency > 1 ? 150 : 0;

/** What some waits need besides. */
export interface WaitExtras {
  /** Called once the wait is queued: nothing that happens from then on is missed. It must not throw. */
  readonly onQueued?: () => void;
  /** True: the wait goes on though its task is to end. For what must be held again before anything else runs. */
  readonly isForced?: boolean;
}

const NO_EXTRAS: WaitExtras = {};

/** Something that threads can wait for. */
export abstract class Waitable {
  /** The object's words. */
  readonly words: Int32Array<SharedArrayBuffer>;
  /** Those who wait. */
  readonly queue: WaitQueue;
  /** The object's number, unique in the program. */
  readonly serial: number;
  /** What it is. */
  readonly kind: WaitKind;
  /** The agent that waits for it and holds it through this view. */
  readonly tag: number = selfTag();

  constructor(
    kind: WaitKind,
    words: Int32Array<SharedArrayBuffer>,
    queue: WaitQueue,
    serial: number,
  ) {
    this.kind = kind;
    this.words = words;
    this.queue = queue;
    this.serial = serial;
  }

  /**
   * Under the guard: gives the agent what it asks for and returns a positive
   * number, or marks the object as contended and returns 0. Both in one
   * compare-and-swap with the look at it. A holder that is gone counts as none.
   */
  abstract grant(op: number, tag: number): number;

  /** As `grant()`, without the guard and without a mark: for a short look before waiting. */
  attempt(_op: number, _tag: number): number {
    return 0;
  }

  /** Under the guard: nobody waits any more, the mark can go. */
  calm(): void {}

  /** Under the guard, before anybody is granted anything. */
  review(): void {}

  /** Under the guard: somebody has given up. It may have been in the way of those behind it. */
  left(): void {
    this.settle();
  }

  /** Who holds it, where one agent does. */
  holder(): number {
    return 0;
  }

  /** Under the guard: grants whatever can be granted, in the order of arrival. */
  settle(): void {
    const { queue } = this;
    this.review();
    for (;;) {
      const node = this.firstAlive();
      if (node === 0) {
        this.calm();
        return;
      }
      const value = this.grant(nodeOp(node), nodeTag(node));
      if (value === 0) {
        queue.tellHolder(this.holder());
        return;
      }
      queue.unlink(node);
      grantTo(node, value);
    }
  }

  /** Under the guard: the first node in line whose agent is alive; 0 where nobody waits. Those before it are dropped. */
  firstAlive(): number {
    const { queue } = this;
    for (;;) {
      const node = queue.head;
      if (node === 0 || !isGone(nodeTag(node))) return node;
      queue.unlink(node);
      dropNode(node);
    }
  }

  /** Takes the guard and settles. */
  settleGuarded(): void {
    this.guarded(() => this.settle());
  }

  /**
   * Calls a function under the guard.
   *
   * @throws {RangeError} If the stack is nearly full; the function was not called.
   */
  guarded<T>(fn: () => T): T {
    const { guard } = this.queue;
    probeStack();
    guard.lock();
    try {
      return fn();
    } finally {
      guard.unlock();
    }
  }

  /** Tries once, in turn: 0 where it would have to wait. */
  tryNow(op: number): number {
    checkAlive(this.tag);
    return this.guarded(() => {
      const value = this.arrive(op);
      if (value === 0 && this.queue.isEmpty) this.calm();
      return value;
    });
  }

  /**
   * Blocks the thread until it is granted; returns what, or 0 when `timeout` has
   * passed. The options have been checked.
   *
   * @param isReturning True: it has waited and was woken for nothing; it goes before the others.
   * @throws {DeadlockError} If nobody is left who could end the wait.
   * @throws What ends the thread or its task, where somebody wants that.
   */
  waitSync(
    op: number,
    options: WaitOptions,
    isReturning = false,
    extras: WaitExtras = NO_EXTRAS,
  ): number {
    const { timeout, signal } = options;
    signal?.throwIfAborted();
    if (timeout === 0) return this.tryNow(op);
    // A terminated thread that runs on must not take anything with it.
    checkAlive(this.tag);
    if (SPINS > 0 && this.queue.isEmpty) {
      const { tag } = this;
      for (let i = 0; i < SPINS; i++) {
        const value = this.attempt(op, tag);
        if (value !== 0) return value;
        pause();
      }
    }
    const begun = this.#begin(op, false, isReturning);
    if (begun > 0) return begun;
    extras.onQueued?.();
    return park(this, -begun, timeout, extras.isForced === true);
  }

  /** As {@linkcode waitSync}, without blocking: rejects with `signal.reason` on an abort. */
  waitAsync(
    op: number,
    options: WaitOptions,
    isReturning = false,
    extras: WaitExtras = NO_EXTRAS,
  ): Promise<number> {
    try {
      const { timeout, signal } = options;
      signal?.throwIfAborted();
      if (timeout === 0) return Promise.resolve(this.tryNow(op));
      checkAlive(this.tag);
      const begun = this.#begin(op, true, isReturning);
      if (begun > 0) return Promise.resolve(begun);
      const granted = new Promise<number>((resolve, reject) => {
        new AsyncWait(this, -begun, options, resolve, reject);
      });
      extras.onQueued?.();
      return granted;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** This agent gives up a wait: false where it was granted meanwhile. */
  giveUp(node: number): boolean {
    const { guard } = this.queue;
    // Not `guarded()`: also where the stack is nearly full.
    guard.lock();
    try {
      if (isGranted(node)) return false;
      // Others drop it where this thread was ended from outside.
      if (!isDropped(node)) {
        this.queue.unlink(node);
        dropNode(node);
      }
      freeNode(node);
      this.left();
      return true;
    } finally {
      guard.unlock();
    }
  }

  /** Under the guard: what this agent gets without waiting; 0 where it is to be queued. */
  protected arrive(op: number): number {
    if (!this.queue.isEmpty) {
      // The holder may be gone without anybody having noticed.
      this.settle();
      if (!this.queue.isEmpty) return 0;
    }
    this.review();
    const value = this.grant(op, this.tag);
    if (value !== 0) this.calm();
    return value;
  }

  /** Arrives: what was granted; or the node that was queued, negated. */
  #begin(op: number, isAsync: boolean, isReturning: boolean): number {
    return this.guarded(() => {
      const { queue } = this;
      const value = isReturning ? this.grant(op, this.tag) : this.arrive(op);
      if (value !== 0) return value;
      const kind = WAIT_KINDS.indexOf(this.kind);
      const node = takeNode(op, kind, this.serial, isAsync, this.tag);
      if (isReturning) queue.pushFirst(node);
      else queue.push(node);
      queue.tellHolder(this.holder());
      return -node;
    });
  }
}

/** Ends an agent, where nobody has done that yet: what it held is released. */
export function endAgent(tag: number, end: AgentEnd): void {
  if (!markEnd(tag, end)) return;
  // Where it is blocked it must go on, to its end.
  ring(tag);
  new ThreadEnd(tag).settleGuarded();
  announceDeath();
  // The others were told; this agent looks itself.
  settleAll();
}

/**
 * The end of a thread. The line is that of a record, which other threads get
 * after it: whoever waits says for whom.
 */
export class ThreadEnd extends Waitable {
  readonly #tag: number;

  constructor(tag: number) {
    ensureDomain();
    const words = domainWords();
    super("Thread", words, new WaitQueue(words, joinersOf(tag)), tag);
    this.#tag = tag;
  }

  override grant(tag: number): number {
    return isGone(tag) ? 1 : 0;
  }

  override holder(): number {
    return this.#tag;
  }

  /** Everybody waits for somebody: whoever is first is in nobody's way. */
  override settle(): void {
    const { queue } = this;
    for (let node = queue.head; node !== 0;) {
      const next = nodeNext(node);
      const isDead = isGone(nodeTag(node));
      if (isDead || isGone(nodeOp(node))) {
        queue.unlink(node);
        if (isDead) dropNode(node);
        else grantTo(node, 1);
      }
      node = next;
    }
  }

  protected override arrive(tag: number): number {
    return this.grant(tag);
  }
}

/** New words for an object, and its number. */
export function newWords(
  count: number,
): { words: Int32Array<SharedArrayBuffer>; serial: number } {
  return {
    words: new Int32Array(new SharedArrayBuffer(count * 4)),
    serial: nextSerial(),
  };
}
