// Copyright 2026 the @concurrent/parallel authors. MIT license.

/** How a figure is written: a time, a size, or a ratio. */
export type Unit = "us" | "ms" | "MB" | "x";

/** One program: what a subject is told to do, and what its figure means. */
export interface Program {
  /** What `--programs` calls it. */
  readonly name: string;
  /** Head of its column. */
  readonly title: string;
  /** Table that it is in; its programs run in the same process, one after the other. */
  readonly group: Group;
  readonly unit: Unit;
  /** Which measurement it is: a function of `bench/peers/kinds.js`, or one of `measure.ts`. */
  readonly kind: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** What is smaller with `--quick`. */
  readonly quick?: Readonly<Record<string, unknown>>;
  /** Measured in so many rounds at most, but for ours: bars are for those alone. */
  readonly maxRounds?: number;
  /** Milliseconds after which it counts as hanging. */
  readonly timeout?: number;
}

/** The tables. */
export const GROUPS = {
  calls: "What a call costs",
  payloads: "What an argument costs, per call",
  work: "What two workers gain",
  rest: "What a pool costs",
} as const;

/** Name of a table. */
export type Group = keyof typeof GROUPS;

/** Workers of every pool. */
export const WORKERS = 2;

/** Workers of the pool that memory is measured with, beside one of {@linkcode WORKERS}. */
export const MANY_WORKERS = 6;

/** Milliseconds that a program may take. */
export const TIMEOUT = 30_000;

function payload(
  name: string,
  title: string,
  type: string,
  size: number,
  calls: number,
  budget = 1_500,
): Program {
  return {
    name,
    title,
    group: "payloads",
    unit: "ms",
    kind: "payload",
    args: { type, size, calls, budget },
    quick: { calls: Math.min(calls, 5), budget: 300 },
  };
}

/** Every program. */
export const PROGRAMS: readonly Program[] = [
  {
    // Measured with every process that is started for the others.
    name: "start",
    title: "start",
    group: "calls",
    unit: "ms",
    kind: "start",
    args: { workers: WORKERS },
  },
  {
    name: "round-trip",
    title: "round trip",
    group: "calls",
    unit: "us",
    kind: "sequential",
    args: { calls: 5_000, budget: 2_000 },
    quick: { calls: 500, budget: 500 },
  },
  {
    name: "in-flight",
    title: "4 in flight",
    group: "calls",
    unit: "us",
    kind: "inFlight",
    args: { window: 4, calls: 5_000 },
    quick: { calls: 1_000 },
  },
  {
    name: "burst",
    title: "burst of 20 000",
    group: "calls",
    unit: "us",
    kind: "burst",
    args: { fn: "add", tasks: 20_000 },
    quick: { tasks: 2_000 },
  },
  payload("float64-1k", "f64 1 KB", "float64", 1 << 10, 500),
  payload("float64-64k", "f64 64 KB", "float64", 1 << 16, 200),
  payload("float64-1m", "f64 1 MB", "float64", 1 << 20, 60),
  payload("float64-16m", "f64 16 MB", "float64", 1 << 24, 8, 500),
  payload("string-1k", "string 1 KB", "string", 1 << 10, 500),
  payload("string-1m", "string 1 MB", "string", 1 << 20, 60),
  payload("string-16m", "string 16 MB", "string", 1 << 24, 8, 500),
  payload("objects", "20 000 objects", "objects", 20_000, 20, 800),
  {
    name: "factorial",
    title: "factorial(1000n)",
    group: "work",
    unit: "us",
    kind: "burst",
    args: { fn: "factorial", arg: 1_000, tasks: 1_000 },
    quick: { tasks: 200 },
  },
  {
    name: "uneven",
    title: "uneven load",
    group: "work",
    unit: "x",
    kind: "uneven",
    args: { rounds: 50_000, tasks: 400, seed: 12_345 },
    quick: { tasks: 80 },
  },
  {
    name: "fib",
    title: "24 x fib(31)",
    group: "work",
    unit: "x",
    kind: "speedup",
    args: { fn: "fib", arg: 31, tasks: 24 },
    quick: { tasks: 6 },
  },
  {
    name: "map-10us",
    title: "map, 10 us",
    group: "work",
    unit: "x",
    kind: "map",
    args: { fn: "spin10", calls: 200_000, windowedCalls: 5_000, window: 256 },
    quick: { calls: 10_000, windowedCalls: 2_000 },
  },
  {
    name: "map-1us",
    title: "map, 1 us",
    group: "work",
    unit: "x",
    kind: "map",
    args: { fn: "spin1", calls: 1_000_000, windowedCalls: 10_000, window: 256 },
    quick: { calls: 50_000, windowedCalls: 2_000 },
  },
  {
    name: "memory",
    title: "memory of a worker",
    group: "rest",
    unit: "MB",
    kind: "memory",
    args: {},
    maxRounds: 2,
  },
  {
    name: "idle",
    title: "processor time, idle for 5 s",
    group: "rest",
    unit: "ms",
    kind: "idle",
    args: { ms: 5_000, settle: 1_000 },
    quick: { ms: 1_000, settle: 300 },
  },
];

/**
 * The programs of `--programs`.
 *
 * @throws {RangeError} If a name is not known.
 */
export function selectPrograms(
  names: readonly string[] | undefined,
  isQuick: boolean,
): Program[] {
  const unknown = names?.find((name) =>
    !PROGRAMS.some((program) => program.name === name)
  );
  if (unknown !== undefined) {
    throw new RangeError(`there is no ${unknown}`);
  }
  return PROGRAMS
    .filter(({ name }) => names === undefined || names.includes(name))
    .map((program) => ({
      ...program,
      args: { ...program.args, ...(isQuick ? program.quick : {}) },
    }));
}
