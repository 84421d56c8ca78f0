// Copyright 2026 the @concurrent/parallel authors. MIT license.

import type { Place } from "../../../_internal/auto/places.ts";
import { Profile } from "../../../_internal/auto/profile.ts";
import { type Policy, Route } from "../../../_internal/auto/route.ts";
import type { InlineWork, Measurement } from "../../../_internal/pool/job.ts";
import type { TaskOptions } from "../../../_internal/wire/functions/task.ts";
import type { Sight } from "../../../_internal/wire/functions/sight.ts";
import { CallMode } from "../../../_internal/wire/messages.ts";
import type { WorkerKind } from "../../../_internal/worker/host.ts";

const UNKNOWN: Sight = {
  isAsync: false,
  isGenerator: false,
  blocks: undefined,
  ends: undefined,
  needsWorker: undefined,
  shares: undefined,
  isBounded: false,
  isPlain: false,
  waits: false,
  isLinear: false,
  readsOnly: [],
};

/** A call with arguments of these sizes. */
export function workOf(sizes: readonly number[]): InlineWork {
  return {
    kind: "inline",
    mode: CallMode.single,
    fn: () => {},
    args: [],
    calls: 1,
    copies: false,
    enter: undefined,
    sizes,
  };
}

/** A function whose calls run as the test says. */
export class Subject {
  readonly moves: (Place | undefined)[] = [];
  readonly profile: Profile;
  readonly route: Route;

  constructor(
    sight: Partial<Sight> = {},
    options: TaskOptions = {},
    policy: Partial<Policy> = {},
    captures?: string,
  ) {
    this.profile = new Profile({ ...UNKNOWN, ...sight }, options.kind);
    this.route = new Route(
      "subject",
      {
        cores: 4,
        blocking: 16,
        concurrency: 1,
        backends: new Set<WorkerKind>(["inline", "thread", "process"]),
        needsProcess: undefined,
        hasInitializer: false,
        isUp: () => true,
        moved: (_route, from) => this.moves.push(from),
        ...policy,
      },
      this.profile,
      options,
      captures,
    );
  }

  /** Calls have run where the route sends them. */
  run(
    count: number,
    { time, sync = time, cpu = sync }:
      & Pick<Measurement, "time">
      & Partial<Measurement>,
    sizes: readonly number[] = [0, 1],
  ): Place {
    const work = workOf(sizes);
    for (let i = 0; i < count; i++) {
      const place = this.route.place();
      const isInline = place === "inline" &&
        (this.profile.isForeseeable || this.profile.isProven(sizes));
      const kind = isInline
        ? "inline"
        : place === "process"
        ? "process"
        : "thread";
      this.profile.backlog++;
      if (this.profile.isDue) {
        this.profile.measured(kind, work, { time, sync, cpu });
      }
      this.profile.ran(kind, work, time);
      this.profile.ended(work);
    }
    return this.route.place();
  }
}
