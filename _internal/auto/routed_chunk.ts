// Copyright 2026 the @concurrent/parallel authors. MIT license.

import type { ChunkBuilder } from "../pool/backend.ts";
import type { Work } from "../pool/job.ts";
import type { TaskScheduler } from "../pool/task_scheduler.ts";
import type { Profile } from "./profile.ts";
import { isLarge, isPrimitive, SizeBox, type Sizes, sizesOf } from "./sizes.ts";

/** Where a chunk goes. */
export interface ChunkTarget {
  readonly profile: Profile;
  readonly home: TaskScheduler;
  readonly isInline: boolean;
  /** True where only arguments of sizes that were measured are taken. */
  readonly isBoxed: boolean;
  /** True where nobody has asked for the place: calls that do not suit it go elsewhere. */
  readonly isGuarded: boolean;
  /** The sizes of what the function has captured. */
  readonly captured: Sizes;
  /** The chunk for workers, for calls of sizes that were not measured. */
  readonly elsewhere: (() => ChunkBuilder | undefined) | undefined;
}

/** A chunk of the automatic executor: takes the calls that may run where it goes. */
export class RoutedChunk implements ChunkBuilder {
  readonly #inner: ChunkBuilder;
  readonly #target: ChunkTarget;
  readonly #isBoxed: boolean;
  /** True where it is noted how large the arguments are. */
  readonly #isSized: boolean;
  /** Taken in its place, since its first call does not suit it. */
  #other: ChunkBuilder | undefined;
  /** The largest sizes so far. */
  #sizes: SizeBox | undefined;

  constructor(inner: ChunkBuilder, target: ChunkTarget) {
    this.#inner = inner;
    this.#target = target;
    const { profile, isBoxed, isGuarded } = target;
    this.#isBoxed = isGuarded && isBoxed;
    this.#isSized = isGuarded && (this.#isBoxed || profile.wantsSizes);
    if (this.#isSized) {
      this.#sizes = new SizeBox();
      this.#sizes.add(target.captured);
    }
  }

  get calls(): number {
    return (this.#other ?? this.#inner).calls;
  }

  get bytes(): number {
    return (this.#other ?? this.#inner).bytes;
  }

  add(args: readonly unknown[]): boolean {
    if (this.#other !== undefined) return this.#other.add(args);
    const { isInline, isGuarded, profile, captured } = this.#target;
    // What has to be copied goes alone, and what only a worker may get.
    if (
      isInline && isGuarded &&
      (!args.every(isPrimitive) || args.some(isLarge))
    ) return false;
    const sizes = this.#isSized ? sizesOf(args, captured) : undefined;
    if (this.#isBoxed && !profile.isProven(sizes)) {
      return this.#goElsewhere()?.add(args) ?? false;
    }
    if (!this.#inner.add(args)) return false;
    if (this.#isSized) this.#note(sizes);
    return true;
  }

  addNumbers(items: readonly unknown[], from: number, to: number): number {
    if (this.#other !== undefined) {
      return this.#other.addNumbers(items, from, to);
    }
    const { profile, captured } = this.#target;
    let end = to;
    if (this.#isBoxed) {
      end = from;
      while (end < to) {
        const item = items[end];
        if (typeof item !== "number") break;
        if (!profile.isProvenNumber(item, captured)) break;
        end++;
      }
      if (end === from) {
        return typeof items[from] === "number"
          ? this.#goElsewhere()?.addNumbers(items, from, to) ?? 0
          : 0;
      }
    }
    const taken = this.#inner.addNumbers(items, from, end);
    for (let i = from; i < from + taken; i++) {
      this.#sizes?.addNumber(items[i] as number, captured);
    }
    return taken;
  }

  finish(): Work {
    if (this.#other !== undefined) return this.#other.finish();
    const work = this.#inner.finish();
    const { profile, home } = this.#target;
    work.meter = profile;
    work.home = home;
    work.sizes = this.#sizes?.sizes;
    return work;
  }

  /** The chunk for workers, where this one has no call yet. */
  #goElsewhere(): ChunkBuilder | undefined {
    if (this.#inner.calls > 0) return undefined;
    return this.#other = this.#target.elsewhere?.();
  }

  #note(sizes: Sizes | undefined): void {
    // One whose size nobody knows makes the whole chunk such a one.
    if (sizes === undefined) this.#sizes = undefined;
    else this.#sizes?.add(sizes);
  }
}
