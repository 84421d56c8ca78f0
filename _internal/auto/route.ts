// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Where the calls of one function go: the decision. Asked before each call or
// chunk; the answers, from the first that applies:
//
//   1. what the executor's options demand: `permissions`, `resourceLimits`
//   2. what the task declares: `io()`, `cpu()`
//   3. before anything was measured, what the source shows: a function whose
//      synchronous stretches are short whatever its arguments are runs inline,
//      and one that works in proportion to what it has waited for; one that blocks goes where blocking is no matter; what else is
//      asynchronous goes where both waiting and computing are none
//   4. the cost model (`cost_model.ts`), over the places that are not ruled out
//
// The event loop is ruled out for what could be seen there, or could hold it up:
// see `inlineExclusion`. Single calls are kept off it besides, by their
// arguments: `auto_backend.ts`.

import type { Pace } from "../pool/lane.ts";
import { CHUNK_TIME, MAX_CHUNK } from "../pool/map_run.ts";
import type { TaskOptions } from "../wire/functions/task.ts";
import type { WorkerKind } from "../worker/host.ts";
import { Choice, SAME } from "./choice.ts";
import { type CallCosts, costAt, type Machine } from "./cost_model.ts";
import { duration } from "./duration.ts";
import { BACKEND_OF, type Place, WAITING_CALLS } from "./places.ts";
import { INLINE_LIMIT, type Profile, PROVEN_TIME } from "./profile.ts";

/** Calls on workers after which a function is known well enough to run on the event loop. */
const MIN_CALLS = 4;
/** Bytes of arguments that take no time to speak of beside their message. */
const SMALL = 64;
/** Above this part of its time on a processor a call is taken to compute. */
const COMPUTES = 0.5;

/** What holds for all functions of an executor. */
export interface Policy extends Machine {
  /** What may be used. */
  readonly backends: ReadonlySet<WorkerKind>;
  /** Why everything has to run in processes; undefined where it has not. */
  readonly needsProcess: string | undefined;
  /** Calls that a worker which computes has under way at a time. */
  readonly concurrency: number;
  /** True: workers are set up by an initializer, this event loop is not. */
  readonly hasInitializer: boolean;
  /** True where workers are up at the place. */
  readonly isUp: (place: Place) => boolean;
  /** A function has changed places. */
  moved(route: Route, from: Place | undefined): void;
}

/** A place, and why. */
export interface Ruling {
  readonly place: Place;
  readonly reason: string;
}

/** What comes in place of a backend that may not be used. */
const INSTEAD: Readonly<Record<Place, readonly Place[]>> = {
  inline: ["wait", "process"],
  compute: ["process", "inline"],
  wait: ["process", "inline"],
  block: ["process", "inline"],
  process: ["compute", "inline"],
};

/** Decides for one function, submitted with the same options. */
export class Route {
  readonly name: string;
  readonly profile: Profile;
  readonly #policy: Policy;
  readonly #options: TaskOptions;
  /** Why its captured variables keep it off the event loop. */
  readonly #captures: string | undefined;
  /** Where it runs whatever is measured. */
  readonly fixed: Ruling | undefined;
  /** Of calls that go alone, and of chunks: one message for many calls changes what is cheap. */
  readonly #single = new Choice();
  readonly #chunked = new Choice();
  /** The one of the two that was asked last. */
  #last = this.#single;

  constructor(
    name: string,
    policy: Policy,
    profile: Profile,
    options: TaskOptions,
    captures: string | undefined,
  ) {
    this.name = name;
    this.profile = profile;
    this.#policy = policy;
    this.#options = options;
    this.#captures = captures;
    const ruling = this.#declared();
    this.fixed = ruling && this.#allowed(ruling);
  }

  /** Where the next call goes, or the next chunk. */
  place(isChunk = false): Place {
    if (this.fixed !== undefined) return this.fixed.place;
    const choice = this.#last = isChunk ? this.#chunked : this.#single;
    if (choice.isDue(this.profile.events)) this.#decide(choice);
    return choice.place!;
  }

  /** Where a call goes that cannot run on the event loop. */
  workerPlace(): Place {
    return this.#allowed(this.#workerRuling()).place;
  }

  /** The decision as it is now; nothing changes by it. */
  ruling(): Ruling {
    if (this.fixed !== undefined) return this.fixed;
    const { place } = this.#last;
    if (place === undefined) return this.#first();
    const costs = this.costs();
    return {
      place,
      reason: costs === undefined
        ? this.#first().reason
        : this.#reasonFor(place, costs),
    };
  }

  /** The places that are not ruled out, and what a call would cost there; undefined before anything is known. */
  costs(): ReadonlyMap<Place, number> | undefined {
    const { profile } = this;
    if (profile.calls === 0) return undefined;
    const call = this.#knowledge(this.#last === this.#chunked);
    const costs = new Map<Place, number>();
    for (const place of this.#candidates()) {
      costs.set(place, costAt(place, call, this.#policy));
    }
    return costs;
  }

  /** Why no call of it runs on the event loop; undefined where some may. */
  get inlineExclusion(): string | undefined {
    const { sight, losses, isBanned } = this.profile;
    const { transfer } = this.#options;
    const { backends, hasInitializer } = this.#policy;
    if (!backends.has("inline")) return "'backends' leaves it out";
    if (hasInitializer) return "the executor has an initializer, for workers";
    if (transfer !== undefined) return "it moves its arguments away";
    if (sight.ends !== undefined) {
      return `it may end its worker (${sight.ends})`;
    }
    if (sight.needsWorker !== undefined) {
      return `it may use what differs in each worker (${sight.needsWorker})`;
    }
    if (sight.blocks !== undefined) return `it blocks (${sight.blocks})`;
    if (sight.shares !== undefined) {
      return `it shares a captured variable with its surroundings (${sight.shares})`;
    }
    if (this.#captures !== undefined) return this.#captures;
    if (losses > 0) return `${losses} of its calls have lost their worker`;
    if (isBanned) return "it has held up the event loop";
    return undefined;
  }

  /** Why it is not on the event loop, where something keeps it off; undefined where it could be there. */
  get keptOff(): string | undefined {
    if (this.fixed !== undefined) return undefined;
    const { profile, inlineExclusion } = this;
    if (inlineExclusion !== undefined) return inlineExclusion;
    const { calls, sync, cpu = 0 } = profile.known;
    if (profile.sight.isBounded) return undefined;
    if (this.#needsStop) {
      return "it may have to be stopped while it computes, which nothing can do there";
    }
    if (profile.sight.isLinear) {
      return cpu <= INLINE_LIMIT
        ? undefined
        : `its calls would keep the event loop busy for ${duration(cpu)} each`;
    }
    if (profile.isAsync) {
      const { isGenerator } = profile.sight;
      return `nothing in its source bounds what it computes between its ${
        isGenerator ? "values" : "awaits"
      }`;
    }
    if (calls < MIN_CALLS) return "how long its calls take is not known yet";
    if ((sync.value ?? 0) <= PROVEN_TIME) return undefined;
    return `its calls would hold up the event loop for ${
      duration(sync.value!)
    } each`;
  }

  /** True where a backend may be used. */
  allows(backend: WorkerKind): boolean {
    return this.#policy.backends.has(backend);
  }

  /** True where a call cannot be kept off the event loop, since nothing else may be used. */
  get isInlineOnly(): boolean {
    return this.#policy.backends.size === 1 && this.allows("inline");
  }

  /** What else could be chosen, where nothing was measured. */
  alternative(place: Place): Place | undefined {
    return INSTEAD[place].find((other) =>
      this.allows(BACKEND_OF[other]) &&
      (other !== "inline" || this.inlineExclusion === undefined)
    );
  }

  /** How a map of it is cut into chunks. */
  pace(): Pace {
    const place = this.place(true);
    const { cores, blocking, concurrency } = this.#policy;
    const { profile } = this;
    const isAsync = profile.isAsync || concurrency > 1;
    switch (place) {
      case "inline":
        // What waits goes alone: items of a chunk run one after the other.
        return {
          meanTime: profile.isAsync ? undefined : profile.known.time.value,
          places: profile.isAsync ? Infinity : 1,
        };
      case "wait":
        return { meanTime: undefined, places: cores * WAITING_CALLS };
      default:
        return {
          meanTime: isAsync ? undefined : profile.known.time.value,
          places: (place === "block" ? blocking : cores) * concurrency,
        };
    }
  }

  /** True where neither what is declared nor what it has captured keeps it off the event loop. */
  get isOpen(): boolean {
    return this.fixed === undefined && this.#captures === undefined;
  }

  /** True where a call may be made more than once. */
  get isRepeatable(): boolean {
    return (this.#options.retries ?? 0) > 0;
  }

  /** True where the task is to be stopped while it runs. */
  get #needsStop(): boolean {
    const { timeout, signal } = this.#options;
    return timeout !== undefined || signal !== undefined;
  }

  #declared(): Ruling | undefined {
    const { kind } = this.#options;
    const { needsProcess } = this.#policy;
    if (needsProcess !== undefined) {
      return { place: "process", reason: needsProcess };
    }
    if (kind === "io") {
      return this.profile.sight.isAsync
        ? {
          place: "inline",
          reason:
            "declared as I/O and asynchronous: many run at a time on this event loop",
        }
        : {
          place: "block",
          reason:
            "declared as I/O, but not an async function: it could block the event loop",
        };
    }
    if (kind !== "cpu") return undefined;
    return this.#needsStop
      ? {
        place: "process",
        reason:
          "declared as computing, with a timeout or a signal: only a process can be stopped while it computes",
      }
      : {
        place: "compute",
        reason: "declared as computing: one runs on each core",
      };
  }

  /** The ruling, or the next best where its backend may not be used. */
  #allowed(ruling: Ruling): Ruling {
    const { backends } = this.#policy;
    if (backends.has(BACKEND_OF[ruling.place])) return ruling;
    const place = INSTEAD[ruling.place].find((other) =>
      backends.has(BACKEND_OF[other])
    )!;
    return {
      place,
      reason: `${ruling.reason}; 'backends' leaves ${
        BACKEND_OF[ruling.place]
      } out`,
    };
  }

  /** Which workers it would run on. */
  #workerRuling(): Ruling {
    const { profile } = this;
    const { sight, losses, isAsync } = profile;
    const share = profile.known.share;
    if (this.#needsStop) {
      return {
        place: "process",
        reason:
          "has a timeout or a signal: only a process can be stopped while it computes",
      };
    }
    if (isAsync) {
      if (losses > 0) {
        return {
          place: "compute",
          reason: "its calls lose their workers: each has one of its own",
        };
      }
      if (share !== undefined && share > COMPUTES) {
        return { place: "compute", reason: "computes: one runs on each core" };
      }
      return {
        place: "wait",
        reason: share === undefined
          ? `${
            sight.isGenerator ? "a generator" : "asynchronous"
          }, and may compute: many run at a time in each thread`
          : "waits and computes: many run at a time in each thread",
      };
    }
    if (sight.blocks !== undefined) {
      return {
        place: "block",
        reason: `blocks its thread (${sight.blocks}): more threads than cores`,
      };
    }
    if (profile.blocks) {
      return {
        place: "block",
        reason: "blocks its thread: more threads than cores",
      };
    }
    return {
      place: "compute",
      reason: profile.calls === 0
        ? "not known yet: threads suit most tasks"
        : "computes: one runs on each core",
    };
  }

  /** Before anything was measured. */
  #first(): Ruling {
    const { sight } = this.profile;
    if (this.inlineExclusion === undefined && sight.isBounded) {
      return {
        place: "inline",
        reason: sight.waits
          ? "its source shows that it only waits: many run at a time on this event loop"
          : "its source shows that it takes next to no time: less than sending it",
      };
    }
    if (sight.isLinear && this.keptOff === undefined) {
      return {
        place: "inline",
        reason:
          "its source shows that it waits, and works in proportion to what it waited for: many run at a time on this event loop",
      };
    }
    return this.#allowed(this.#workerRuling());
  }

  #candidates(): Place[] {
    const places = [this.workerPlace()];
    if (places[0] !== "inline" && this.keptOff === undefined) {
      places.push("inline");
    }
    if (places[0] !== "process" && this.#policy.backends.has("process")) {
      places.push("process");
    }
    return places;
  }

  #knowledge(isChunk: boolean): CallCosts {
    const { profile } = this;
    const { known } = profile;
    const { isCopied } = profile;
    // To copy is to encode and to decode: the one tells of the other.
    const copying = isCopied ? profile.copying.value : 0;
    const encoding = profile.encoding.value ?? (copying ?? 0) / 2;
    const isSmall = !isCopied && (profile.bytes.value ?? 0) <= SMALL;
    return {
      isAsync: profile.isAsync,
      backlog: profile.backlog + 1,
      batch: isChunk && !profile.isAsync
        ? Math.min(
          Math.max(CHUNK_TIME / (known.time.value || CHUNK_TIME), 1),
          MAX_CHUNK,
        )
        : 1,
      cpu: known.cpu ?? 0,
      time: known.time.value ?? 0,
      seen: (kind) => profile.throughput.at(kind, profile.calls),
      encoding,
      isSmall,
      decoding: known.decoding.value ?? (isSmall ? 0 : encoding),
      copying: copying ?? 2 * encoding,
    };
  }

  #decide(choice: Choice): void {
    const from = choice.place;
    const costs = this.costs();
    const { calls } = this.profile;
    const hasMoved = costs === undefined
      ? choice.take(this.#first().place, calls)
      : choice.weigh(costs, calls, this.#policy.isUp);
    if (hasMoved) this.#policy.moved(this, from);
  }

  #reasonFor(place: Place, costs: ReadonlyMap<Place, number>): string {
    if (place !== "inline") {
      const ruling = this.#allowed(this.#workerRuling());
      // What is known by now, also where its next call only will move.
      return BACKEND_OF[ruling.place] === BACKEND_OF[place]
        ? ruling.reason
        : `costs least in a ${BACKEND_OF[place]}`;
    }
    if (this.profile.isAsync) {
      return "waits: many run at a time on this event loop";
    }
    if (costs.size === 1) return "nothing else may be used";
    // Where that has changed it stays for a while.
    return costs.get(place)! > costs.get(this.workerPlace())! * SAME
      ? "to run it has cost less than to send it"
      : "to run it costs less than to send it";
  }
}
