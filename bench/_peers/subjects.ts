// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { PROGRAMS } from "./programs.ts";

/** What runs the program that calls. */
export type Runtime = "deno" | "node" | "python";

/** Where the tasks run; a floor is no pool, but what none can be better than. */
export type Kind = "threads" | "processes" | "floor";

/** Whose it is: ours, a package's, or written by hand on the bare platform. */
export type Maker = "ours" | "pool" | "raw";

/** One thing that is measured: a pool in a runtime. */
export interface Subject {
  /** Name and runtime: `"piscina@deno"`. */
  readonly id: string;
  /** What `--only` calls it; the same in every runtime. */
  readonly name: string;
  readonly runtime: Runtime;
  readonly kind: Kind;
  readonly maker: Maker;
  /** File in `bench/peers/adapters/`, or the argument of `main.py`. */
  readonly adapter: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** Package that it needs. */
  readonly npm?: string;
  /** The only programs that it has; all where it is left out. */
  readonly programs?: readonly string[];
}

type Entry = Omit<Subject, "id" | "runtime" | "options"> & {
  readonly runtimes: readonly Runtime[];
  readonly options?: Subject["options"];
};

const BOTH = ["deno", "node"] as const;
const CALLS = ["start", "round-trip", "in-flight", "burst"];
const ARRAYS = ["float64-1k", "float64-64k", "float64-1m", "float64-16m"];

const ENTRIES: readonly Entry[] = [
  {
    name: "ThreadPoolExecutor",
    kind: "threads",
    maker: "ours",
    runtimes: ["deno"],
    adapter: "ours.js",
    options: { executor: "ThreadPoolExecutor" },
  },
  {
    name: "ProcessPoolExecutor",
    kind: "processes",
    maker: "ours",
    runtimes: ["deno"],
    adapter: "ours.js",
    options: { executor: "ProcessPoolExecutor", hasFfi: false },
  },
  {
    name: "ProcessPoolExecutor-ffi",
    kind: "processes",
    maker: "ours",
    runtimes: ["deno"],
    adapter: "ours.js",
    options: { executor: "ProcessPoolExecutor" },
  },
  {
    name: "piscina",
    kind: "threads",
    maker: "pool",
    runtimes: BOTH,
    adapter: "piscina.js",
    npm: "piscina",
  },
  {
    name: "tinypool",
    kind: "threads",
    maker: "pool",
    runtimes: BOTH,
    adapter: "tinypool.js",
    npm: "tinypool",
  },
  {
    name: "workerpool",
    kind: "threads",
    maker: "pool",
    runtimes: BOTH,
    adapter: "workerpool.js",
    options: { workerType: "thread" },
    npm: "workerpool",
  },
  {
    name: "poolifier",
    kind: "threads",
    maker: "pool",
    runtimes: BOTH,
    adapter: "poolifier.js",
    options: {
      name: "poolifier",
      pool: "FixedThreadPool",
      worker: "poolifier_threads.js",
    },
    npm: "poolifier",
  },
  {
    name: "poolifier-web-worker",
    kind: "threads",
    maker: "pool",
    runtimes: ["deno"],
    adapter: "poolifier.js",
    options: {
      name: "poolifier-web-worker",
      pool: "FixedThreadPool",
      worker: "poolifier_web.js",
      isUrl: true,
    },
    npm: "poolifier-web-worker",
  },
  {
    name: "multithreading",
    kind: "threads",
    maker: "pool",
    runtimes: BOTH,
    adapter: "multithreading.js",
    npm: "multithreading",
  },
  {
    name: "postMessage",
    kind: "threads",
    maker: "raw",
    runtimes: BOTH,
    adapter: "raw_worker.js",
  },
  {
    name: "workerpool-process",
    kind: "processes",
    maker: "pool",
    runtimes: BOTH,
    adapter: "workerpool.js",
    options: { workerType: "process" },
    npm: "workerpool",
  },
  {
    name: "poolifier-cluster",
    kind: "processes",
    maker: "pool",
    runtimes: BOTH,
    adapter: "poolifier.js",
    options: {
      name: "poolifier",
      pool: "FixedClusterPool",
      worker: "poolifier_cluster.cjs",
    },
    npm: "poolifier",
  },
  {
    name: "tinypool-process",
    kind: "processes",
    maker: "pool",
    runtimes: BOTH,
    adapter: "tinypool.js",
    options: { runtime: "child_process" },
    npm: "tinypool",
  },
  {
    name: "fork",
    kind: "processes",
    maker: "raw",
    runtimes: BOTH,
    adapter: "fork.js",
  },
  {
    name: "concurrent.futures-threads",
    kind: "threads",
    maker: "pool",
    runtimes: ["python"],
    adapter: "threads",
  },
  {
    name: "concurrent.futures-processes",
    kind: "processes",
    maker: "pool",
    runtimes: ["python"],
    adapter: "processes",
  },
  {
    name: "inline",
    kind: "floor",
    maker: "raw",
    runtimes: BOTH,
    adapter: "inline.js",
    programs: PROGRAMS.map(({ name }) => name)
      .filter((name) => name !== "memory"),
  },
  {
    name: "rings",
    kind: "floor",
    maker: "raw",
    runtimes: ["deno"],
    adapter: "rings.js",
    programs: [...CALLS, "memory", "idle"],
  },
  {
    name: "socket",
    kind: "floor",
    maker: "raw",
    runtimes: ["deno"],
    adapter: "socket.js",
    programs: [...CALLS, ...ARRAYS, "memory", "idle"],
  },
  {
    name: "memcpy",
    kind: "floor",
    maker: "raw",
    runtimes: ["deno"],
    adapter: "memcpy.js",
    programs: ARRAYS,
  },
];

/** Everything that can be measured, in the order of the tables. */
export const SUBJECTS: readonly Subject[] = ENTRIES.flatMap(
  ({ runtimes, options = {}, ...entry }) =>
    runtimes.map((runtime) => ({
      ...entry,
      options,
      runtime,
      id: `${entry.name}@${runtime}`,
    })),
);

/**
 * The subjects of `--only`: by id or by name.
 *
 * @throws {RangeError} If a name is not known.
 */
export function selectSubjects(
  names: readonly string[] | undefined,
): Subject[] {
  if (names === undefined) return [...SUBJECTS];
  const unknown = names.find((name) =>
    !SUBJECTS.some((subject) => subject.id === name || subject.name === name)
  );
  if (unknown !== undefined) {
    throw new RangeError(`there is no ${unknown}`);
  }
  return SUBJECTS.filter(({ id, name }) =>
    names.includes(id) || names.includes(name)
  );
}
