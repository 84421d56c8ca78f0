// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Prepares the calls of one function for wherever they go: each call and each
// chunk is decided when it is prepared, and carries the scheduler that it was
// prepared for.
//
// A call that was not declared and runs on this event loop must do and give what
// it would on a worker. So its arguments and its result are copies, but for
// primitives, which nobody can change, and binary data that the function is seen
// only to read. What cannot be copied here is sent. And where nothing foretells how
// long a call takes, only arguments are taken that are not larger than those of
// calls that were short.

import { NotSupportedError, SerializationError } from "../base/errors.ts";
import {
  type Backend,
  type CallerContext,
  CallerContexts,
  type ChunkBuilder,
  startInlineChunk,
  type Transfer,
} from "../pool/backend.ts";
import type { Work } from "../pool/job.ts";
import type { Lane } from "../pool/lane.ts";
import type { PoolWorker } from "../pool/pool_worker.ts";
import { copyArguments } from "../pool/copies.ts";
import type { AnyFunction } from "../wire/functions/task.ts";
import { CallMode } from "../wire/messages.ts";
import type { Place } from "./places.ts";
import type { Profile } from "./profile.ts";
import { RoutedChunk } from "./routed_chunk.ts";
import type { Route } from "./route.ts";
import { isLarge, type Sizes, sizesOf } from "./sizes.ts";

/** One call in so many has its encoding timed, once there were some. */
const SAMPLE = 8;

/** Gives the lane of a place; it is made for the first call there. */
export type LaneOf = (place: Place) => Lane;

/** The backend of one function. */
export class AutoBackend implements Backend {
  // What asks for it wants to know of workers.
  readonly kind = "thread";
  readonly #route: Route;
  readonly #profile: Profile;
  readonly #lane: LaneOf;
  /** The sizes of what the function has captured. */
  readonly #captured: Sizes;
  #sample = 0;

  constructor(route: Route, lane: LaneOf, captured: Sizes) {
    this.#route = route;
    this.#profile = route.profile;
    this.#lane = lane;
    this.#captured = captured;
  }

  prepare(
    fn: AnyFunction,
    args: readonly unknown[],
    mode: CallMode,
    transfer: Transfer,
    context?: CallerContext,
  ): Work {
    const route = this.#route;
    let place = route.place();
    // Of what is moved nothing must be copied.
    if (
      place === "inline" &&
      (route.fixed !== undefined || transfer.objects.length === 0)
    ) {
      const work = this.#prepareInline(fn, args, mode, context);
      if (work !== undefined) return work;
      place = route.workerPlace();
      if (place === "inline") {
        return this.#inline(fn, args, mode, context, false, undefined);
      }
    }
    let sizes: Sizes | undefined;
    if (this.#profile.wantsSizes && route.fixed === undefined) {
      sizes = sizesOf(args, this.#captured);
      this.#profile.borrows(args);
    }
    return this.#prepareRemote(place, sizes, fn, args, mode, transfer, context);
  }

  captureContext(fn: AnyFunction): CallerContext | undefined {
    const route = this.#route;
    const { fixed } = route;
    if (fixed !== undefined) {
      return this.#lane(fixed.place).backend.captureContext(fn);
    }
    const mayBeInline = route.inlineExclusion === undefined;
    return new CallerContexts(
      mayBeInline ? this.#lane("inline").backend.captureContext(fn) : undefined,
      this.#lane(route.workerPlace()).backend.captureContext(fn),
    );
  }

  startChunk(
    fn: AnyFunction,
    context?: CallerContext,
  ): ChunkBuilder | undefined {
    return this.#startChunkAt(this.#route.place(true), fn, context);
  }

  #startChunkAt(
    place: Place,
    fn: AnyFunction,
    context: CallerContext | undefined,
  ): ChunkBuilder | undefined {
    const route = this.#route;
    const { backend, scheduler } = this.#lane(place);
    const there = contextFor(place, context);
    const isInline = place === "inline";
    const isGuarded = route.fixed === undefined;
    const inner = isInline && isGuarded
      ? startInlineChunk(fn, true, there)
      : backend.startChunk(fn, there);
    if (inner === undefined) return undefined;
    const isBoxed = isInline && !this.#profile.isForeseeable &&
      !route.isInlineOnly;
    return new RoutedChunk(inner, {
      profile: this.#profile,
      home: scheduler,
      isInline,
      isBoxed,
      isGuarded,
      captured: this.#captured,
      elsewhere: isBoxed
        ? () => this.#startChunkAt(route.workerPlace(), fn, context)
        : undefined,
    });
  }

  start(): PoolWorker {
    throw new NotSupportedError(
      "Cannot start a worker of no place: each place starts its own",
    );
  }

  /** The call in place; undefined where it has to be sent. */
  #prepareInline(
    fn: AnyFunction,
    args: readonly unknown[],
    mode: CallMode,
    context: CallerContext | undefined,
  ): Work | undefined {
    const profile = this.#profile;
    if (this.#route.fixed !== undefined) {
      return this.#inline(fn, args, mode, context, false, undefined);
    }
    let sizes: Sizes | undefined;
    if (!profile.isForeseeable || args.some(isLarge)) {
      sizes = sizesOf(args, this.#captured);
      if (!profile.isProven(sizes) && !this.#route.isInlineOnly) {
        return undefined;
      }
    }
    let given = args;
    // What is only read is lent, where the call is made at once: its owner may
    // change it as soon as the submit has returned.
    const borrows = profile.borrows(args) && profile.callsAt.inline > 0 &&
      mode === CallMode.single && !profile.isAsync;
    if (!borrows && profile.needsCopies(args)) {
      const since = performance.now();
      const copies = copyArguments(args);
      if (copies === undefined) return undefined;
      given = copies;
      profile.copying.add(performance.now() - since);
    }
    return this.#inline(fn, given, mode, context, true, sizes, borrows);
  }

  #inline(
    fn: AnyFunction,
    args: readonly unknown[],
    mode: CallMode,
    context: CallerContext | undefined,
    copies: boolean,
    sizes: Sizes | undefined,
    borrows = false,
  ): Work {
    const enter = contextFor("inline", context);
    return {
      kind: "inline",
      mode,
      fn,
      args,
      calls: 1,
      copies,
      borrows,
      isPlain: this.#profile.sight.isPlain && mode === CallMode.single,
      isRepeatable: copies && this.#route.isRepeatable,
      enter: typeof enter === "function" ? enter : undefined,
      meter: this.#profile,
      sizes,
      home: this.#lane("inline").scheduler,
    };
  }

  #prepareRemote(
    place: Place,
    sizes: Sizes | undefined,
    fn: AnyFunction,
    args: readonly unknown[],
    mode: CallMode,
    transfer: Transfer,
    context: CallerContext | undefined,
  ): Work {
    const { backend, scheduler } = this.#lane(place);
    const profile = this.#profile;
    const isTimed = profile.calls < SAMPLE || ++this.#sample % SAMPLE === 0;
    const since = isTimed ? performance.now() : 0;
    let work: Work;
    try {
      work = backend.prepare(
        fn,
        args,
        mode,
        transfer,
        contextFor(place, context),
      );
    } catch (error) {
      // What a process cannot get a thread may: it is stopped less surely there.
      if (
        place !== "process" || this.#route.fixed !== undefined ||
        !this.#route.allows("thread") || !(error instanceof SerializationError)
      ) throw error;
      return this.#prepareRemote(
        "compute",
        sizes,
        fn,
        args,
        mode,
        transfer,
        context,
      );
    }
    if (isTimed) profile.encoding.add(performance.now() - since);
    if (work.kind === "remote") profile.bytes.add(work.payload.bytes.length);
    work.meter = profile;
    work.sizes = sizes;
    work.home = scheduler;
    return work;
  }
}

function contextFor(
  place: Place,
  context: CallerContext | undefined,
): CallerContext | undefined {
  if (!(context instanceof CallerContexts)) return context;
  return place === "inline" ? context.inline : context.remote;
}
