// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What a call costs at each place, in milliseconds. The smallest cost wins.
//
//   cost = time per call + 1/4 of the time that the caller's event loop is busy with it
//
// The first term is what a program waits for. The second is what it cannot do
// meanwhile, which is worth less to most. With
//
//   n  calls of the function under way, this one included
//   b  calls that go in one message, and are queued and settled as one: more than
//      one in maps
//   W  cores, and so workers that compute at a time
//   c  processor time of a call             measured where calls run
//   w  its time, waiting included           measured where calls run
//   e  time to encode its arguments         measured where calls are sent
//   d  time to decode them                  measured where they are sent to
//   m  time to send a call and to take its answer, besides: a constant of the backend
//   l  what else passes until a call that is sent begins, and its answer is here: a constant
//   i  time to queue and settle a call that is not sent: a constant
//   k  time to copy its arguments where they are not sent: none for primitives,
//      and for what the function is seen only to read
//
// the costs are
//
//   place             time per call                        event loop
//   inline, sync      c + k + i                            c + k + i
//   inline, async     max(w / n, c + k + i)                c + k + i
//   compute, process  max(m + e, (w + d) / min(n, W), s)   m + e
//   wait              max(m + e, c / W, s)                 m + e
//   block             max(m + e, (w + d) / min(n, B), s)   m + e
//
// where B is the number of workers of `block`, and s = (w + d + l) / n: nobody is
// faster than the calls that are under way. For chunks these are i / b, m / b + j,
// l / b, and e / 4, or no e and no d where the arguments are small: j is the time to
// write and read what belongs to one call of them, and what is told once for each
// message is most of encoding a small one.
// Where many calls are under way and it was seen how long they take from one
// answer to the next, that counts where it is more: memory that is short and
// cores that others use are in no model.
//
// So a call that waits runs where its waiting costs nothing, a call that computes
// where the cores are, and a call that is cheaper to run than to send is run. No
// call goes to a process for what it costs there: what only a process can give is
// asked for by options (`route.ts`).
//
// Changing places costs too: workers have to be started, and what is known of a
// function at its new place is an estimate. What staying has cost more than the
// best place would have, the regret, is added up, and the function moves when
// the regret is as large as the cost of moving. Whatever comes next, that loses
// at most as much again as the best choice in hindsight (the ski rental rule:
// Karlin, Manasse, Rudolph, Sleator, "Competitive snoopy caching", 1988), and a
// function between two places does not flap.

import type { WorkerKind } from "../worker/host.ts";
import { BACKEND_OF, type Place } from "./places.ts";

/** Milliseconds to send a call and to take its answer (`m`); they are measured by `deno task bench:peers`. */
const MESSAGE = { thread: 0.0015, process: 0.002 };
/** Milliseconds until a call has begun and its answer is here, besides (`l`). */
const LATENCY = { thread: 0.015, process: 0.05 };
/** Milliseconds to queue and settle a call in place (`i`). */
const QUEUEING = 0.0008;

/** How much of the time of the caller's event loop counts besides. */
const BUSY = 0.25;
/** Milliseconds for each call of a chunk that is sent (`j`). */
const ITEM = 0.0001;

/** What is known of a function, in milliseconds. */
export interface CallCosts {
  readonly isAsync: boolean;
  /** Calls under way. */
  readonly backlog: number;
  /** Calls that go together. */
  readonly batch: number;
  /** Processor time of a call. */
  readonly cpu: number;
  /** Its time, waiting included. */
  readonly time: number;
  /** To encode its arguments. */
  readonly encoding: number;
  /** True where they are a few bytes. */
  readonly isSmall: boolean;
  /** To decode them. */
  readonly decoding: number;
  /** What a call was seen to take at a backend where many are under way; undefined where nothing was. */
  readonly seen: (kind: WorkerKind) => number | undefined;
  /** To copy its arguments where they are not sent. */
  readonly copying: number;
}

/** What there is to run calls. */
export interface Machine {
  /** Cores that may compute. */
  readonly cores: number;
  /** Workers for calls that block. */
  readonly blocking: number;
}

/**
 * What a call costs at a place now.
 *
 * @param place Where it would run.
 * @param call What is known of it.
 * @param machine What would run it.
 * @returns The cost in milliseconds.
 */
export function costAt(
  place: Place,
  call: CallCosts,
  machine: Machine,
): number {
  const { time, busy } = estimate(place, call, machine);
  const seen = call.backlog > 1 ? call.seen(BACKEND_OF[place]) : undefined;
  return Math.max(time, seen ?? 0) + BUSY * busy;
}

function estimate(
  place: Place,
  call: CallCosts,
  { cores, blocking }: Machine,
): { readonly time: number; readonly busy: number } {
  const { batch } = call;
  const n = Math.max(call.backlog, batch);
  const isCheap = batch > 1 && call.isSmall;
  if (place === "inline") {
    const busy = call.cpu + call.copying + QUEUEING / batch;
    return { time: call.isAsync ? Math.max(call.time / n, busy) : busy, busy };
  }
  const kind = place === "process" ? "process" : "thread";
  const encoding = batch === 1
    ? call.encoding
    : ITEM + (isCheap ? 0 : call.encoding / 4);
  const busy = MESSAGE[kind] / batch + encoding;
  const work = call.time + (isCheap ? 0 : call.decoding);
  const least = Math.max(busy, (work + LATENCY[kind] / batch) / n);
  const each = place === "wait"
    ? call.cpu / cores
    : work / Math.min(n, place === "block" ? blocking : cores);
  return { time: Math.max(least, each), busy };
}

/** What it costs to move a function to a place, in milliseconds: with workers, their start where none is up. */
export function movingCost(place: Place, isUp: boolean): number {
  if (place === "inline") return 0.5;
  if (isUp) return 2;
  return place === "process" ? 100 : 30;
}
