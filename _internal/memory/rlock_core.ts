// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A lock that its holder can acquire again: the word of `lock_core.ts` says who
// holds it, one more word how often.
//
//   DEPTH  how many times more than once it was acquired; 0 while it is free
//
//   acquire, held by me  DEPTH + 1                 nobody else touches the word
//   release, DEPTH > 0   DEPTH - 1
//   release, DEPTH = 0   as a lock
//
// Since a free lock has a DEPTH of 0, whoever it is handed to finds 0 there: the
// word is never written together with the other one. The only one who leaves
// something else behind is a holder that is gone; whoever takes the lock from it
// sets DEPTH to 0 first, under the guard, while the lock's word still names the
// dead. A terminated thread that runs on looks whether it is gone before it
// touches the word.

import { isGone, isSelfGone } from "./domain.ts";
import { LOCK_WORDS, LockCore, type LockMemory } from "./lock_core.ts";
import { newWords } from "./waiting.ts";

const DEPTH = LOCK_WORDS;

/** The shared state of a lock that its holder can acquire again. */
export class RLockCore extends LockCore {
  constructor(memory: LockMemory = newWords(LOCK_WORDS + 1)) {
    super("RLock", memory);
  }

  /** Takes it if it is this agent's already, or free and nobody waits. */
  override tryFast(): boolean {
    if (super.tryFast()) return true;
    if (!this.isOwn || isSelfGone()) return false;
    this.words[DEPTH]!++;
    return true;
  }

  /** Undoes one acquire; false where this agent does not hold it. */
  override release(): boolean {
    if (!this.isOwn) return false;
    if (this.words[DEPTH]! === 0) return super.release();
    if (isSelfGone()) return false;
    this.words[DEPTH]!--;
    return true;
  }

  override get depth(): number {
    return this.words[DEPTH]!;
  }

  override releaseAll(): void {
    this.words[DEPTH] = 0;
    super.release();
  }

  override restoreDepth(depth: number): void {
    this.words[DEPTH] = depth;
  }

  override grant(op: number, tag: number): number {
    const holder = this.holder();
    if (holder !== 0 && isGone(holder)) this.words[DEPTH] = 0;
    return super.grant(op, tag);
  }
}
