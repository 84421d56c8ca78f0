// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A decision in words and numbers.

import type { WorkerKind } from "../worker/host.ts";
import { SAME } from "./choice.ts";
import { duration } from "./duration.ts";
import { BACKEND_OF, type Place } from "./places.ts";
import type { Profile } from "./profile.ts";
import type { Route } from "./route.ts";

/** What was measured of a function. */
export interface TaskMeasurements {
  /** Calls that have answered, by backend. */
  readonly calls: Readonly<Record<WorkerKind, number>>;
  /** The time of a call, waiting included, in milliseconds. */
  readonly time: number;
  /**
   * Its processor time, in milliseconds, where calls overlap their share of what
   * their thread has had. Until that is known a synchronous function is taken to
   * compute all the time, and another one until its first promise.
   */
  readonly cpuTime: number;
  /** The time to encode its arguments, in milliseconds; 0 where none were. */
  readonly encodeTime: number;
  /** The bytes of its arguments; 0 where none were encoded. */
  readonly bytes: number;
  /** Workers that have ended under its calls, those included that were stopped for a timeout. */
  readonly crashes: number;
}

/** What would be chosen else. */
export interface RunnerUp {
  /** The backend. */
  readonly backend: WorkerKind;
  /** What a call would cost there, in milliseconds, as in {@linkcode Decision.cost}; undefined where nothing was measured, or it is ruled out. */
  readonly cost: number | undefined;
  /** Why not, in words. */
  readonly reason: string;
}

/** Where one function runs, and why. */
export interface Decision {
  /** The backend. */
  readonly backend: WorkerKind;
  /** The reason, in words. */
  readonly reason: string;
  /**
   * What a call costs there by the executor's model, in milliseconds: its time
   * at the present backlog, and the time that it keeps the caller's event loop
   * busy. Undefined before anything was measured.
   */
  readonly cost?: number | undefined;
  /** What was measured; undefined before the first call has answered. */
  readonly measured?: TaskMeasurements | undefined;
  /** The next best; undefined where there is no choice. */
  readonly runnerUp?: RunnerUp | undefined;
}

/** Explains what a route has decided. */
export function explain(route: Route): Decision {
  const { place, reason } = route.ruling();
  const costs = route.costs();
  const cost = costs?.get(place);
  const measured = measurements(route.profile);
  return {
    backend: BACKEND_OF[place],
    reason: `${reason}${inWords(route.profile, measured)}`,
    cost,
    measured,
    runnerUp: runnerUp(route, place, cost, costs),
  };
}

/** A line about a function that has moved. */
export function traceLine(route: Route, from: Place | undefined): string {
  const { place } = route.ruling();
  const { backend, reason, cost, runnerUp } = explain(route);
  const change = from === undefined || BACKEND_OF[from] === backend
    ? backend
    : `${BACKEND_OF[from]} -> ${backend}`;
  const second = runnerUp === undefined
    ? ""
    : `; not ${runnerUp.backend}: ${runnerUp.reason}`;
  const price = cost === undefined ? "" : `, ${duration(cost)} a call`;
  return `${route.name}: ${change} [${place}${price}]: ${reason}${second}`;
}

function measurements(profile: Profile): TaskMeasurements | undefined {
  if (profile.calls === 0) return undefined;
  const { known, callsAt } = profile;
  return {
    calls: { ...callsAt },
    time: known.time.value!,
    cpuTime: known.cpu!,
    encodeTime: profile.encoding.value ?? 0,
    bytes: profile.bytes.value ?? 0,
    crashes: profile.losses,
  };
}

function runnerUp(
  route: Route,
  place: Place,
  cost: number | undefined,
  costs: ReadonlyMap<Place, number> | undefined,
): RunnerUp | undefined {
  const backend = BACKEND_OF[place];
  let best: Place | undefined;
  for (const [other, otherCost] of costs ?? []) {
    if (BACKEND_OF[other] === backend) continue;
    // What could be sent goes to a thread before it goes to a process.
    if (place === "inline" && best !== undefined) continue;
    if (best === undefined || otherCost < costs!.get(best)!) best = other;
  }
  // What keeps it off this event loop says more than that processes are dear.
  const exclusion = backend === "inline" ? undefined : route.keptOff;
  if (exclusion !== undefined) {
    return { backend: "inline", cost: undefined, reason: exclusion };
  }
  if (best !== undefined) {
    const otherCost = costs!.get(best)!;
    const isFixed = cost === undefined || route.fixed !== undefined;
    return {
      backend: BACKEND_OF[best],
      cost: otherCost,
      reason: isFixed
        ? `would cost ${duration(otherCost)} a call`
        : compare(otherCost, cost, best !== "process"),
    };
  }
  const other = route.alternative(place);
  if (other === undefined) return undefined;
  return {
    backend: BACKEND_OF[other],
    cost: undefined,
    reason: "nothing was measured yet",
  };
}

/** @param isChosen Whether it would be chosen for that: processes are not. */
function compare(otherCost: number, cost: number, isChosen: boolean): string {
  const costs = `${duration(otherCost)} a call and not ${duration(cost)}`;
  if (otherCost > cost * SAME) return `would cost ${costs}`;
  if (otherCost * SAME >= cost) return `would cost about the same: ${costs}`;
  return isChosen
    ? `would cost ${costs}: calls go there when to stay has cost more than to move`
    : `would cost ${costs}: calls go there for what only a process can give`;
}

function inWords(
  { known, losses }: Profile,
  measured: TaskMeasurements | undefined,
): string {
  const words: string[] = [];
  if (measured !== undefined) {
    const { time, encodeTime, bytes, calls } = measured;
    const count = calls.inline + calls.thread + calls.process;
    words.push(`${inNumber(count, "call")}: ${duration(time)} each`);
    const { share } = known;
    if (share !== undefined) {
      words.push(`${Math.round(100 * share)} % of it on a processor`);
    }
    if (bytes > 0) {
      words.push(
        `${inNumber(Math.round(bytes), "byte")} sent in ${
          duration(encodeTime)
        }`,
      );
    }
  }
  if (losses > 0) words.push(`${inNumber(losses, "worker")} lost`);
  return words.length === 0 ? "" : ` (${words.join(", ")})`;
}

function inNumber(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
