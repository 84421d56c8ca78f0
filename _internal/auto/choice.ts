// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A choice that is made again and again, without flapping: the ski rental rule
// of `cost_model.ts`.

import { movingCost } from "./cost_model.ts";
import type { Place } from "./places.ts";

/** Calls after which a choice is looked at again, once a function is known. */
const INTERVAL = 8;
/** Costs that differ by less count as the same: estimates are not better than that. */
export const SAME = 1.15;
/** Milliseconds that a call counts as dearer on a worker than on the event loop, where it costs the same. */
const TIE = 0.005;
/** Calls after which a function that has not moved counts as settled. */
const STEADY = 1000;

/** Where the calls of a function go, until something else is so much better that it moves. */
export class Choice {
  /** Undefined before the first look. */
  place: Place | undefined;
  /** What staying has cost more than moving would have, in milliseconds. */
  #regret = 0;
  /** Where it was before, since which call it has been here, and how often it has come back. */
  #left: Place | undefined;
  #movedAt = 0;
  #returns = 0;
  /** Calls at the last weighing. */
  #weighedAt = 0;
  /** Calls until the next look, and what had happened at the last one. */
  #patience = 0;
  #events = -1;

  /** True where it is time to look, at once where something has happened that was not known. */
  isDue(events: number): boolean {
    if (events === this.#events && --this.#patience > 0) return false;
    this.#patience = events === this.#events ? INTERVAL : 1;
    this.#events = events;
    return true;
  }

  /** The first place, or one that has to be taken: true where it is another one. */
  take(place: Place, calls: number): boolean {
    const from = this.place;
    if (from === place) return false;
    if (calls - this.#movedAt > STEADY) this.#returns = 0;
    else if (place === this.#left) this.#returns++;
    this.#movedAt = calls;
    this.#left = from;
    this.#regret = 0;
    this.place = place;
    return true;
  }

  /**
   * Weighs the places that there are.
   *
   * @param costs What a call costs at each.
   * @param calls How many there were so far.
   * @param isUp Tells whether workers are up at a place.
   * @returns True where it has moved.
   */
  weigh(
    costs: ReadonlyMap<Place, number>,
    calls: number,
    isUp: (place: Place) => boolean,
  ): boolean {
    const since = Math.max(calls - this.#weighedAt, 1);
    this.#weighedAt = calls;
    const best = cheapest(costs);
    const cost = this.place === undefined ? undefined : costs.get(this.place);
    // Ruled out by now, or asked for the first time.
    if (cost === undefined) return this.take(best, calls);
    const least = costs.get(best)!;
    // What needs no worker is preferred to what is not better.
    if (
      best === this.place || (cost <= least * SAME && best !== "inline")
    ) {
      this.#regret /= 2;
      return false;
    }
    const tie = Math.min(cost * (SAME - 1), TIE);
    this.#regret += Math.max(cost - least, tie) * since;
    // Who comes back was wrong to leave, or to come: it takes more each time.
    const price = movingCost(best, isUp(best)) * 2 ** this.#returns;
    return this.#regret >= price && this.take(best, calls);
  }
}

/** The place that costs least; the event loop too where the difference is none. */
function cheapest(costs: ReadonlyMap<Place, number>): Place {
  let best: Place | undefined;
  for (const [place, cost] of costs) {
    // It is for what only it can do: the first place is the one where its calls
    // belong, and the others are told for comparison.
    if (place === "process" && best !== undefined) continue;
    if (best === undefined || cost < costs.get(best)!) best = place;
  }
  const inline = costs.get("inline");
  return inline !== undefined && inline <= costs.get(best!)! * SAME
    ? "inline"
    : best!;
}
