// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The cores of objects that another program serves, with the methods of those in
// `_internal/memory/`, so that the classes of `threading` work on either. What
// blocks there blocks here; a call takes a round trip to the owner.
//
// A lock whose word is in memory that is mapped here (`lock_memory.ts`) is taken and
// released there, where it is free and nobody waits: the word names this thread as
// the owner's agents know it (`agent`), so all else is as if the owner had been
// asked. Not where something is on its way to the owner that nobody has answered:
// who gets the lock next must find it done.
//
// A lock counts here how often this thread has acquired it, so that releasing what
// one holds waits for nothing. A reentrant lock is acquired there once, whatever
// its depth here.

import type { WaitOptions } from "../base/deadline.ts";
import { pause } from "../memory/bell.ts";
import type { BarrierLike } from "../memory/barrier_core.ts";
import type { ConditionLike } from "../memory/condition_core.ts";
import type { EventLike } from "../memory/event_core.ts";
import {
  ACQUIRED,
  giveWord,
  isFreeWord,
  type LockLike,
  takeWord,
} from "../memory/lock_core.ts";
import type { NumbersMemory } from "../memory/numbers_core.ts";
import { Deliveries } from "../memory/rlock_core.ts";
import type { SemaphoreLike } from "../memory/semaphore_core.ts";
import type { BrokeredObject } from "./brokered_object.ts";
import { lockWord } from "./lock_memory.ts";

/** Where there is no word to be seen. */
const NO_WORD = new Int32Array(0);
/** Looks at a word before its owner is asked: about 10 us. */
const SPINS = navigator.hardwareConcurrency > 1 ? 150 : 0;

/** Whatever is elsewhere and can be waited for. */
export abstract class RemoteCore {
  readonly object: BrokeredObject;

  constructor(object: BrokeredObject) {
    this.object = object;
  }

  waitSync(op: number, { timeout, signal }: WaitOptions): number {
    signal?.throwIfAborted();
    return this.object.callSync("wait", [op, timeout]) as number;
  }

  async waitAsync(
    op: number,
    { timeout, signal }: WaitOptions,
  ): Promise<number> {
    signal?.throwIfAborted();
    return await this.object.call("wait", [op, timeout], signal) as number;
  }
}

/** A lock. */
export class RemoteLockCore extends RemoteCore implements LockLike {
  /** How often this thread has it. */
  protected held = 0;
  /** The word, where it can be seen here. */
  readonly state: Int32Array;

  constructor(object: BrokeredObject, place: NumbersMemory | undefined) {
    super(object);
    this.state = place === undefined ? NO_WORD : lockWord(place) ?? NO_WORD;
  }

  tryFast(): boolean {
    if (this.state === NO_WORD) return false;
    const agent = this.object.agent();
    if (agent === 0 || !takeWord(this.state, agent)) return false;
    this.held++;
    return true;
  }

  tryFastAsync(): boolean {
    return this.tryFast();
  }

  deliver(): void {}

  hold(): void {}

  override waitSync(op: number, options: WaitOptions): number {
    return this.#isSoonFree()
      ? ACQUIRED
      : this.#took(super.waitSync(op, options));
  }

  override async waitAsync(op: number, options: WaitOptions): Promise<number> {
    return this.#isSoonFree()
      ? ACQUIRED
      : this.#took(await super.waitAsync(op, options));
  }

  tryAcquire(): number {
    if (this.tryFast()) return ACQUIRED;
    return this.#took(this.object.callSync("tryAcquire", []) as number);
  }

  release(): boolean {
    if (this.held === 0) {
      // Anybody may release a lock.
      return this.object.callSync("release", []) as boolean;
    }
    this.held--;
    const isFast = this.state !== NO_WORD && this.object.isAnswered();
    const agent = isFast ? this.object.agent() : 0;
    if (agent === 0 || !giveWord(this.state, agent)) {
      this.object.cast("release", [], false);
    }
    return true;
  }

  get isLocked(): boolean {
    return this.object.callSync("isLocked", []) as boolean;
  }

  get isOwn(): boolean {
    return this.held > 0;
  }

  get depth(): number {
    return 0;
  }

  /** Nothing is said to the owner: the wait for a condition releases it there. */
  releaseAll(): void {
    this.held = 0;
  }

  restoreDepth(_depth: number): void {
    this.held = 1;
  }

  /** Looks at the word for a moment: asking the owner takes longer than most hold a lock. */
  #isSoonFree(): boolean {
    if (this.state === NO_WORD) return false;
    for (let i = 0; i < SPINS; i++) {
      if (isFreeWord(this.state)) {
        return RemoteLockCore.prototype.tryFast.call(this);
      }
      pause();
    }
    return false;
  }

  #took(granted: number): number {
    if (granted !== 0) this.held++;
    return granted;
  }
}

/** A lock that its holder can acquire again. */
export class RemoteRLockCore extends RemoteLockCore {
  /** How many times more than once it was acquired. */
  #depth = 0;
  readonly #deliveries = new Deliveries();

  override tryFast(): boolean {
    if (this.isOwn) return this.#deepen();
    if (!super.tryFast()) return false;
    this.#deliveries.hold();
    return true;
  }

  override tryFastAsync(): boolean {
    return this.isOwn
      ? this.#deliveries.isDelivered && this.#deepen()
      : super.tryFast();
  }

  override tryAcquire(): number {
    return this.tryFast() ? ACQUIRED : super.tryAcquire();
  }

  override deliver(): void {
    this.#deliveries.deliver();
  }

  override hold(): void {
    this.#deliveries.hold();
  }

  override release(): boolean {
    if (!this.isOwn) return false;
    if (this.#depth > 0) {
      this.#depth--;
      return true;
    }
    this.#deliveries.undo();
    return super.release();
  }

  override get depth(): number {
    return this.#depth;
  }

  override releaseAll(): void {
    this.#depth = 0;
    this.#deliveries.undo();
    super.releaseAll();
  }

  override restoreDepth(depth: number): void {
    this.#depth = depth;
    super.restoreDepth(depth);
  }

  #deepen(): boolean {
    this.#depth++;
    return true;
  }
}

/** A condition; its lock is at the same owner. */
export class RemoteConditionCore implements ConditionLike {
  readonly object: BrokeredObject;
  readonly lock: LockLike;

  constructor(object: BrokeredObject, lock: LockLike) {
    this.object = object;
    this.lock = lock;
  }

  notify(count: number): void {
    this.object.cast("notify", [count]);
  }

  sleepSync({ timeout, signal }: WaitOptions): boolean {
    signal?.throwIfAborted();
    return this.#woken(
      this.#letGo(),
      () => this.object.callSync("sleep", [timeout]) as boolean,
    );
  }

  async sleep({ timeout, signal }: WaitOptions): Promise<boolean> {
    signal?.throwIfAborted();
    const depth = this.#letGo();
    let isNotified: unknown;
    let error: { readonly reason: unknown } | undefined;
    try {
      isNotified = await this.object.call("sleep", [timeout], signal);
    } catch (reason) {
      error = { reason };
    }
    return this.#woken(depth, () => {
      if (error !== undefined) throw error.reason;
      return isNotified as boolean;
    });
  }

  #letGo(): number {
    const { depth } = this.lock;
    this.lock.releaseAll();
    return depth;
  }

  /** However the wait has ended, the lock is held again: but where its owner is gone. */
  #woken(depth: number, outcome: () => boolean): boolean {
    this.lock.restoreDepth(depth);
    this.lock.hold();
    return outcome();
  }
}

/** A semaphore. */
export class RemoteSemaphoreCore extends RemoteCore implements SemaphoreLike {
  readonly limit: number;
  readonly #isBounded: boolean;

  constructor(object: BrokeredObject, limit: number, isBounded: boolean) {
    super(object);
    this.limit = limit;
    this.#isBounded = isBounded;
  }

  tryFast(): boolean {
    return false;
  }

  tryAcquire(): boolean {
    return this.object.callSync("tryAcquire", []) as boolean;
  }

  release(count: number): boolean {
    // Of a bounded one it may be refused.
    if (this.#isBounded) {
      return this.object.callSync("release", [count]) as boolean;
    }
    this.object.cast("release", [count]);
    return true;
  }

  get value(): number {
    return this.object.callSync("value", []) as number;
  }
}

/** An event. */
export class RemoteEventCore extends RemoteCore implements EventLike {
  attempt(): number {
    return 0;
  }

  get isSet(): boolean {
    return this.object.callSync("isSet", []) as boolean;
  }

  set(): void {
    this.object.cast("set", []);
  }

  clear(): void {
    this.object.cast("clear", []);
  }
}

/** A barrier. */
export class RemoteBarrierCore extends RemoteCore implements BarrierLike {
  readonly parties: number;

  constructor(object: BrokeredObject, parties: number) {
    super(object);
    this.parties = parties;
  }

  finish(generation: number): boolean {
    return this.object.callSync("finish", [generation]) as boolean;
  }

  fail(generation: number): void {
    this.object.cast("fail", [generation]);
  }

  abort(): void {
    this.object.cast("abort", []);
  }

  reset(): void {
    this.object.cast("reset", []);
  }

  get isBroken(): boolean {
    return this.object.callSync("isBroken", []) as boolean;
  }

  get waiting(): number {
    return this.object.callSync("waiting", []) as number;
  }
}
