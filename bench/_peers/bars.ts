// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What has to be reached, and by how much it is. A figure on which others have
// no word is `undefined`: not met and not missed.

import type { Report } from "./report.ts";
import type { Subject } from "./subjects.ts";

/** Something that has to be reached. */
export interface Bar {
  readonly what: string;
  readonly text: string;
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

  constructor(report: Report) {
    this.#report = report;
  }

  /** Median of a figure of one subject; NaN where it was not measured. */
  of(subject: string, program: string, figure = "value"): number {
    return this.#report.results.median(subject, program, figure);
  }

  /** The best of several: its name and median. */
  best(
    filter: Filter,
    program: string,
    figure = "value",
    isHigher = false,
  ): readonly [id: string, value: number] | undefined {
    const found = this.#report.subjects.filter(filter)
      .map(({ id }) => [id, this.of(id, program, figure)] as const)
      .filter(([, value]) => !Number.isNaN(value))
      .sort(([, a], [, b]) => isHigher ? b - a : a - b);
    return found[0];
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
    what,
    text,
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
    what,
    text,
    measure(figures) {
      const value = figures.of(subject, program, figure);
      if (Number.isNaN(value)) return undefined;
      const shown = value.toFixed(value < 100 ? 2 : 0);
      return { isMet: isMet(value), text: shown + unit };
    },
  };
}

/** Gains at least as much as the best of the others. */
function gainBar(
  what: string,
  text: string,
  { subject, rivals, program }: {
    subject: string;
    rivals: Filter;
    program: string;
  },
): Bar {
  return {
    what,
    text,
    measure(figures) {
      const own = figures.of(subject, program);
      const best = figures.best(rivals, program, "value", true);
      if (Number.isNaN(own) || best === undefined) return undefined;
      const [name, value] = best;
      return {
        isMet: own >= value,
        text: `${own.toFixed(2)}x, ${name} ${value.toFixed(2)}x`,
      };
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
  gainBar("24 x fib(31): threads", "at least as fast as every peer", {
    subject: THREADS,
    rivals: everybody,
    program: "fib",
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
    text: "no peer above 0.2x serial",
    measure(figures) {
      const best = figures.best(everybody, "map-1us", "value", true);
      if (best === undefined) return undefined;
      const [name, value] = best;
      return { isMet: value <= 0.2, text: `${value.toFixed(2)}x, ${name}` };
    },
  },
  // A clock that ticks and a look at /proc are not nothing.
  valueBar("idle: threads", "0 CPU over 5 s", {
    subject: THREADS,
    program: "idle",
    isMet: atMost(5),
    unit: " ms",
  }),
  valueBar("idle: threads", "at most 8 MB a thread", {
    subject: THREADS,
    program: "memory",
    isMet: atMost(8),
    unit: " MB",
  }),
];

/** Says what was measured, and whether that reaches the bar. */
export function judge(bar: Bar, report: Report): Judgement {
  const found = bar.measure(new FigureReader(report));
  return found === undefined
    ? { measured: "not measured", isMet: undefined }
    : { measured: found.text, isMet: found.isMet };
}
