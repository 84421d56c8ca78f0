// Copyright 2026 the @concurrent/parallel authors. MIT license.

// One lane for each function of an automatic executor. Which function it is: the
// object, or, where a program makes one anew for each call, its code and that of
// the functions that it has captured. The values that it has captured make no
// difference, as its arguments make none, but for whether they may change.

import { SerializationError } from "../base/errors.ts";
import { defineFunction, type Definition } from "../pool/definitions.ts";
import type { Lane } from "../pool/lane.ts";
import {
  type AnyFunction,
  NO_OPTIONS,
  type TaskOptions,
} from "../wire/functions/task.ts";
import { nameOf } from "../wire/functions/names.ts";
import { sightOf } from "../wire/functions/sight.ts";
import { report } from "../worker/report.ts";
import { AutoBackend, type LaneOf } from "./auto_backend.ts";
import { AutoScheduler } from "./auto_scheduler.ts";
import { type Decision, explain, traceLine } from "./decision.ts";
import type { Place } from "./places.ts";
import { Profile } from "./profile.ts";
import { type Policy, Route } from "./route.ts";
import { capturedSizes, type Sizes } from "./sizes.ts";

/** Functions that are known by their code; the least recently used one is forgotten. */
const MAX_KNOWN = 512;

const NO_SIZES: Sizes = [];

/** How an automatic executor is set up. */
export interface RouterOptions extends Omit<Policy, "isUp" | "moved"> {
  /** The lane that there always is. */
  readonly main: Lane;
  /** Makes the lane of a place. */
  readonly createLane: LaneOf;
  /** Told where functions go. */
  readonly trace: ((line: string) => void) | undefined;
}

/** What is known of a function, whoever submits it. */
interface Known {
  readonly profile: Profile;
  /** Why its captured variables keep it off the event loop. */
  readonly captures: string | undefined;
  /** Where it goes, if it is no task. */
  route: Route | undefined;
}

/** A function's lane, and how it is decided. */
interface RoutedLane extends Lane {
  readonly route: Route;
}

/** Gives each function its lane. */
export class AutoRouter {
  readonly scheduler: AutoScheduler;
  readonly #policy: Policy;
  readonly #options: RouterOptions;
  readonly #lanes = new Map<Place, Lane>();
  readonly #known = new WeakMap<AnyFunction, Known>();
  /** Those that were declared: nothing was asked of what they have captured. */
  readonly #declared = {
    cpu: new WeakMap<AnyFunction, Known>(),
    io: new WeakMap<AnyFunction, Known>(),
  };
  /** The same by code. */
  readonly #byCode = new Map<string, Known>();
  readonly #plain = new WeakMap<AnyFunction, RoutedLane>();
  readonly #tasks = new WeakMap<TaskOptions, RoutedLane>();

  constructor(options: RouterOptions) {
    this.#options = options;
    this.#lanes.set("compute", options.main);
    this.scheduler = new AutoScheduler(options.main);
    this.#policy = {
      cores: options.cores,
      blocking: options.blocking,
      concurrency: options.concurrency,
      backends: options.backends,
      needsProcess: options.needsProcess,
      hasInitializer: options.hasInitializer,
      isUp: (place) => this.#lanes.has(place),
      moved: (route, from) => this.#trace(route, from),
    };
  }

  /** The lane of a function, or of a task. */
  laneFor(fn: AnyFunction, options: TaskOptions): Lane {
    return this.#routed(fn, options);
  }

  /** Says where a function would run now, and why. */
  explain(fn: AnyFunction, options: TaskOptions): Decision {
    return explain(this.#routed(fn, options).route);
  }

  #trace(route: Route, from: Place | undefined): void {
    const { trace } = this.#options;
    if (trace === undefined) return;
    // As of a callback of a future: shown, and never thrown at whoever submits.
    try {
      trace(traceLine(route, from));
    } catch (error) {
      report("Exception in the trace of an executor:", error);
    }
  }

  #routed(fn: AnyFunction, options: TaskOptions): RoutedLane {
    const isPlain = options === NO_OPTIONS;
    const found = isPlain ? this.#plain.get(fn) : this.#tasks.get(options);
    if (found !== undefined) return found;
    const route = this.#route(fn, options);
    const routed: RoutedLane = {
      route,
      backend: new AutoBackend(route, this.#lane, sizesIn(fn, route)),
      scheduler: this.scheduler,
      pace: () => route.pace(),
      target: () => this.#lane(route.place()).scheduler,
    };
    if (isPlain) this.#plain.set(fn, routed);
    else this.#tasks.set(options, routed);
    return routed;
  }

  #route(fn: AnyFunction, options: TaskOptions): Route {
    const known = this.#know(fn, options);
    const isPlain = options === NO_OPTIONS;
    if (isPlain && known.route !== undefined) return known.route;
    const route = new Route(
      options.name || nameOf(fn) || "(anonymous)",
      this.#policy,
      known.profile,
      options,
      known.captures,
    );
    if (isPlain) known.route = route;
    return route;
  }

  #know(fn: AnyFunction, { kind }: TaskOptions): Known {
    const byFunction = kind === undefined ? this.#known : this.#declared[kind];
    let known = byFunction.get(fn);
    if (known !== undefined) return known;
    let captures: string | undefined;
    let definition: Definition | undefined;
    // Where its place is declared nothing has to be known of it, and it may not
    // even be able to travel.
    if (kind === undefined) {
      try {
        definition = defineFunction(fn, "thread");
        captures = whatChanges(definition);
      } catch (error) {
        if (!(error instanceof SerializationError)) throw error;
        // Told by the call, wherever it goes.
        captures = "it cannot travel";
      }
    }
    // One that has captured a number and one that has captured an object are two.
    const code = definition && `${definition.code}${captures ?? ""}`;
    if (code !== undefined) known = this.#byCode.get(code);
    known ??= {
      profile: new Profile(sightOf(fn), kind),
      captures,
      route: undefined,
    };
    byFunction.set(fn, known);
    if (code !== undefined) {
      this.#byCode.delete(code);
      this.#byCode.set(code, known);
      if (this.#byCode.size > MAX_KNOWN) {
        const [oldest] = this.#byCode.keys();
        this.#byCode.delete(oldest!);
      }
    }
    return known;
  }

  readonly #lane: LaneOf = (place) => {
    let lane = this.#lanes.get(place);
    if (lane !== undefined) return lane;
    lane = this.#options.createLane(place);
    this.#lanes.set(place, lane);
    if (lane !== this.#options.main) this.scheduler.attach(lane);
    return lane;
  };
}

/** The sizes of what a function has captured, where it may run on the event loop. */
function sizesIn(fn: AnyFunction, { isOpen }: Route): Sizes {
  return isOpen
    ? capturedSizes(defineFunction(fn, "thread").constants)
    : NO_SIZES;
}

/** Why what a function has captured keeps it off the caller's event loop. */
function whatChanges({ payload }: Definition): string | undefined {
  if (payload.mutable) {
    return "it has captured what may change: a worker gets it as it is at the submit";
  }
  if (payload.signals.length > 0) return "it has captured a signal";
  if (payload.storages.length > 0) {
    return "it uses an AsyncLocalStorage: a worker gets a copy of what that holds";
  }
  return undefined;
}
