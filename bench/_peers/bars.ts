// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What has to be reached, and by how much it is. A bar for which a figure is
// missing is neither met nor missed, and says which one and why.

import type { Report } from "./report.ts";
import type { Subject } from "./subjects.ts";

/** Something that has to be reached. */
export interface Bar {
  readonly what: string;
  readonly text: string;
  /** Whose figure has to reach it. */
  readonly subject: string;
  measure(figures: FigureReader): Measured | undefined;
}

/** What was found. */
interface Measured {
  readonly isMet: boolean;
  readonly text: string;
}

/** A bar's verdict. */
export interface Judgement {
  readonly measured: string;
  readonly isMet: boolean | undefined;
}

type Filter = (subject: Subject) => boolean;

const THREADS = "ThreadPoolExecutor@deno";
const PROCESSES = "ProcessPoolExecutor@deno";
const SHARED = "ProcessPoolExecutor-ffi@deno";
const PYTHON_PROCESSES = "concurrent.futures-processes@python";

const denoThreads: Filter = ({ kind, maker, runtime }) =>
  kind === "threads" && maker === "pool" && runtime === "deno";
const otherThreads: Filter = ({ kind, maker, runtime }) =>
  kind === "threads" && maker === "pool" && runtime !== "deno";
const forks: Filter = ({ kind, maker }) =>
  kind === "processes" && maker !== "ours";
const everybody: Filter = ({ maker, kind }) =>
  maker !== "ours" && kind !== "floor";

/** Python's threads share one heap: nothing is sent. */
const senders: Filter = (subject) =>
  everybody(subject) && subject.name !== "concurrent.futures-threads";

/** Reads medians of a report. */
class FigureReader {
  readonly #report: Report;
  /** What was asked for and is not there, and why. */
  readonly gaps = new Set<string>();

  constructor(report: Report) {
    this.#report = report;
  }

  /** Median of a figure of one subject; NaN where it was not measured. */
  of(subject: string, program: string, figure = "value"): number {
    const value = this.#report.results.median(subject, program, figure);
    if (Number.isNaN(value)) this.gaps.add(this.#explain(subject, program));
    return value;
  }

  /** The best of several: its name and median. */
  best(
    filter: Filter,
    program: string,
    figure = "value",
    isHigher = false,
  ): readonly [id: string, value: number] | undefined {
    const found = this.#report.subjects.filter(filter)
      .map(({ id }) =>
        [id, this.#report.results.median(id, program, figure)] as const
      )
      .filter(([, value]) => !Number.isNaN(value))
      .sort(([, a], [, b]) => isHigher ? b - a : a - b);
    if (found.length === 0) this.gaps.add(`no rival has run ${program}`);
    return found[0];
  }

  #explain(id: string, program: string): string {
    const { subjects, programs, results, missing } = this.#report;
    const [, reason] = missing.find(([other]) => other === id) ?? [];
    if (reason !== undefined) return `${id}: ${reason}`;
    if (!subjects.some((subject) => subject.id === id)) {
      return `${id} was not run`;
    }
    if (!programs.some(({ name }) => name === program)) {
      return `${program} was not run`;
    }
    const { rounds = [], failures = [] } = results.find(id, program) ?? {};
    if (rounds.length > 0) return `${id}: this system does not tell`;
    return `${id}: ${failures[0]?.reason ?? `${program} was not reached`}`;
  }
}

/** At most so many times what a rival has, or the best of several. */
function ratioBar(
  what: string,
  text: string,
  { subject, rival, program, limit, figure = "value" }: {
    subject: string;
    rival: Filter | string;
    program: string;
    limit: number;
    figure?: string;
  },
): Bar {
  return {
    ...{ what, text, subject },
    measure(figures) {
      const own = figures.of(subject, program, figure);
      const [name, other] = typeof rival === "string"
        ? [rival, figures.of(rival, program, figure)]
        : figures.best(rival, program, figure) ?? ["", NaN];
      const ratio = own / other;
      if (Number.isNaN(ratio)) return undefined;
      const shown = ratio < 1 && limit < 1
        ? `1/${(1 / ratio).toFixed(1)}`
        : `${ratio.toFixed(2)}x`;
      return { isMet: ratio <= limit, text: `${shown} of ${name}` };
    },
  };
}

/** A figure of ours by itself. */
function valueBar(
  what: string,
  text: string,
  { subject, program, isMet, unit, figure = "value" }: {
    subject: string;
    program: string;
    isMet: (value: number) => boolean;
    unit: string;
    figure?: string;
  },
): Bar {
  return {
    ...{ what, text, subject },
    measure(figures) {
      const value = figures.of(subject, program, figure);
      if (Number.isNaN(value)) return undefined;
      const shown = value.toFixed(value < 100 ? 2 : 0);
      return { isMet: isMet(value), text: shown + unit };
    },
  };
}

function atLeast(limit: number): (value: number) => boolean {
  return (value) => value >= limit;
}

function atMost(limit: number): (value: number) => boolean {
  return (value) => value <= limit;
}

/** Everything that has to be reached. */
export const BARS: readonly Bar[] = [
  ratioBar(
    "start, first result: threads",
    "at most 0.5x of the best peer in Deno",
    {
      subject: THREADS,
      rival: denoThreads,
      program: "start",
      limit: 0.5,
    },
  ),
  ratioBar(
    "start, first result: threads",
    "not slower than piscina in Node.js",
    {
      subject: THREADS,
      rival: "piscina@node",
      program: "start",
      limit: 1,
    },
  ),
  valueBar("start, first result: processes", "at most 60 ms", {
    subject: PROCESSES,
    program: "start",
    isMet: atMost(60),
    unit: " ms",
  }),
  ratioBar(
    "start with the import: threads",
    "at most 0.5x of the best peer in Deno",
    {
      subject: THREADS,
      rival: denoThreads,
      program: "start",
      limit: 0.5,
      figure: "total",
    },
  ),
  ratioBar(
    "start with the import: threads",
    "not slower than piscina in Node.js",
    {
      subject: THREADS,
      rival: "piscina@node",
      program: "start",
      limit: 1,
      figure: "total",
    },
  ),
  valueBar("start with the import: processes", "at most 60 ms", {
    subject: PROCESSES,
    program: "start",
    isMet: atMost(60),
    unit: " ms",
    figure: "total",
  }),
  ratioBar("round trip: threads", "at most 1/8 of the best peer in Deno", {
    subject: THREADS,
    rival: denoThreads,
    program: "round-trip",
    limit: 1 / 8,
  }),
  ratioBar(
    "round trip: threads",
    "at most 1/4 of the best in Python, Node.js",
    {
      subject: THREADS,
      rival: otherThreads,
      program: "round-trip",
      limit: 1 / 4,
    },
  ),
  ratioBar("round trip: processes", "at most 1/3 of Python's", {
    subject: PROCESSES,
    rival: PYTHON_PROCESSES,
    program: "round-trip",
    limit: 1 / 3,
  }),
  ratioBar("round trip: processes", "at most 1/3 of the best fork pool", {
    subject: PROCESSES,
    rival: forks,
    program: "round-trip",
    limit: 1 / 3,
  }),
  ratioBar(
    "round trip: processes, shared memory",
    "at most 1/6 of Python's and the best fork pool",
    {
      subject: SHARED,
      rival: forks,
      program: "round-trip",
      limit: 1 / 6,
    },
  ),
  ratioBar("burst: threads", "at most 1/10 of the best peer in Deno", {
    subject: THREADS,
    rival: denoThreads,
    program: "burst",
    limit: 1 / 10,
  }),
  ratioBar("burst: threads", "at most 3x of bare rings", {
    subject: THREADS,
    rival: "rings@deno",
    program: "burst",
    limit: 3,
  }),
  ratioBar("burst: threads", "at most 1/8 of the best in Python, Node.js", {
    subject: THREADS,
    rival: otherThreads,
    program: "burst",
    limit: 1 / 8,
  }),
  ratioBar("burst: processes", "at most 1/10 of Python's", {
    subject: PROCESSES,
    rival: PYTHON_PROCESSES,
    program: "burst",
    limit: 1 / 10,
  }),
  ratioBar("burst: processes", "at most 1/10 of the best fork pool", {
    subject: PROCESSES,
    rival: forks,
    program: "burst",
    limit: 1 / 10,
  }),
  ratioBar(
    "1 MB Float64Array: threads",
    "at most 1/6 of the best peer in Deno",
    {
      subject: THREADS,
      rival: denoThreads,
      program: "float64-1m",
      limit: 1 / 6,
    },
  ),
  ratioBar("1 MB Float64Array: threads", "at most 3x of a memcpy", {
    subject: THREADS,
    rival: "memcpy@deno",
    program: "float64-1m",
    limit: 3,
  }),
  ratioBar("1 MB Float64Array: threads", "faster than piscina in Node.js", {
    subject: THREADS,
    rival: "piscina@node",
    program: "float64-1m",
    limit: 1,
  }),
  ratioBar("1 MB Float64Array: processes", "at most 2x of a bare socket", {
    subject: PROCESSES,
    rival: "socket@deno",
    program: "float64-1m",
    limit: 2,
  }),
  ratioBar(
    "1 MB Float64Array: processes, shared memory",
    "at most 3x of a memcpy",
    {
      subject: SHARED,
      rival: "memcpy@deno",
      program: "float64-1m",
      limit: 3,
    },
  ),
  ratioBar("20 000 objects: threads", "faster than all that send them", {
    subject: THREADS,
    rival: senders,
    program: "objects",
    limit: 1,
  }),
  valueBar("24 x fib(31): threads", "at least 1.9x serial", {
    subject: THREADS,
    program: "fib",
    isMet: atLeast(1.9),
    unit: "x",
  }),
  // By the time and not by the gain: the loop that gains are against is as
  // noisy, and the same for all of them.
  ratioBar("24 x fib(31): threads", "at least as fast as every peer in Deno", {
    subject: THREADS,
    rival: denoThreads,
    program: "fib",
    limit: 1,
    figure: "parallel",
  }),
  valueBar("24 x fib(31): processes", "at least 1.85x serial", {
    subject: PROCESSES,
    program: "fib",
    isMet: atLeast(1.85),
    unit: "x",
  }),
  valueBar("map, 10 us: threads", "at least 1.7x serial", {
    subject: THREADS,
    program: "map-10us",
    isMet: atLeast(1.7),
    unit: "x",
  }),
  valueBar("map, 10 us: processes", "at least 1.6x serial", {
    subject: PROCESSES,
    program: "map-10us",
    isMet: atLeast(1.6),
    unit: "x",
  }),
  valueBar("map, 1 us: threads", "at least 1.2x serial", {
    subject: THREADS,
    program: "map-1us",
    isMet: atLeast(1.2),
    unit: "x",
  }),
  {
    what: "map, 1 us: peers",
    text: "no peer in Deno above 0.2x serial",
    subject: "the best peer in Deno",
    measure(figures) {
      const best = figures.best(denoThreads, "map-1us", "value", true);
      if (best === undefined) return undefined;
      const [name, value] = best;
      return { isMet: value <= 0.2, text: `${value.toFixed(2)}x, ${name}` };
    },
  },
  // Deno itself is not quite idle: what a program without a pool uses is no
  // pool's. The millisecond is the noise between two such programs.
  {
    what: "idle: threads",
    text: "0 CPU over 5 s: 1 ms more than no pool at most",
    subject: THREADS,
    measure(figures) {
      const own = figures.of(THREADS, "idle");
      const none = figures.of("inline@deno", "idle");
      if (Number.isNaN(own - none)) return undefined;
      return {
        isMet: own - none <= 1,
        text: `${own.toFixed(2)} ms, inline@deno ${none.toFixed(2)} ms`,
      };
    },
  },
  valueBar("idle: threads", "at most 8 MB a thread", {
    subject: THREADS,
    program: "memory",
    isMet: atMost(8),
    unit: " MB",
  }),
];

/** Says what was measured, and whether that reaches the bar. */
export function judge(bar: Bar, report: Report): Judgement {
  const figures = new FigureReader(report);
  const found = bar.measure(figures);
  if (found !== undefined) return { measured: found.text, isMet: found.isMet };
  const why = [...figures.gaps].join("; ");
  return { measured: `not measured: ${why}`, isMet: undefined };
}
