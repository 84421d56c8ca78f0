// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What can go wrong, at every stage of a call, on every backend: the right
// future gets the right error soon, every other task completes, the pool goes
// on. The last test prints the matrix; a cell that makes no sense says why.

import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import {
  AutoExecutor,
  BrokenExecutorError,
  type Executor,
  type PoolOptions,
  ProcessPoolExecutor,
  SerializationError,
  TaskTimeoutError,
  ThreadPoolExecutor,
  WorkerCrashedError,
} from "../../futures/mod.ts";
import { cpu, fromModule, task } from "../../mod.ts";
import { errorOf, Folder, scaled, soon, until } from "../_suites/_helpers.ts";
import { add, identity, square } from "../_suites/_tasks.ts";
import * as stages from "./_fixtures/stages.ts";
import type { Fault } from "./_fixtures/stages.ts";

/** Milliseconds from the fault to the error of its future. */
const SOON = 1_000;
/** What a task that gets stuck is given, in milliseconds. */
const TIMEOUT = 100;
const BIG = 8_000_000;
const QUEUED = 64;

/** `limited`: threads of `node:worker_threads`, whose heap has a limit. */
type BackendName = "thread" | "limited" | "process" | "auto";
type ErrorClass = abstract new (...args: never[]) => Error;

const backends: Record<BackendName, (options: PoolOptions) => Executor> = {
  thread: (options) => new ThreadPoolExecutor(options),
  limited: (options) =>
    new ThreadPoolExecutor({
      resourceLimits: { maxOldGenerationSizeMb: 48 },
      ...options,
    }),
  process: (options) => new ProcessPoolExecutor(options),
  auto: (options) => new AutoExecutor(options),
};

const faults: Fault[] = [
  "throw",
  "Deno.exit",
  "self.close",
  "timer",
  "rejection",
  "heap",
  "SIGKILL",
  "SIGSEGV",
  "stuck",
  "unsendable",
];

/** What the error of each fault is, where a stage does not say otherwise. */
const errors: Record<Fault, ErrorClass> = {
  throw: RangeError,
  "Deno.exit": WorkerCrashedError,
  "self.close": WorkerCrashedError,
  timer: WorkerCrashedError,
  rejection: WorkerCrashedError,
  heap: WorkerCrashedError,
  SIGKILL: WorkerCrashedError,
  SIGSEGV: WorkerCrashedError,
  stuck: TaskTimeoutError,
  unsendable: SerializationError,
};

/** What a cell works with. */
interface Cell {
  readonly executor: Executor;
  readonly fault: Fault;
  readonly backend: BackendName;
  /** The file in which the fault tells when it happened. */
  readonly mark: string;
  /** Something large to take along, or nothing. */
  readonly payload: unknown[];
}

interface StageRow {
  readonly name: string;
  /** The faults that can happen there. */
  readonly faults: readonly Fault[];
  /** Why the others cannot. */
  readonly reason: string;
  readonly options?: (fault: Fault, mark: string) => PoolOptions;
  /** Other errors than the usual ones. */
  readonly errors?: Partial<Record<Fault, ErrorClass>>;
  /** True where no task runs any more when it happens: none fails. */
  readonly isLater?: boolean;
  /** True where the pool is broken by it. */
  readonly breaks?: boolean;
  /** Has the fault happen; gives the error, or undefined where no task is to fail. */
  readonly run: (cell: Cell) => Promise<unknown>;
}

/** As the task of its executor would be written. */
function faulty<A extends unknown[], R>(
  { fault, backend }: Cell,
  fn: (...args: A) => R,
): (...args: A) => R {
  const timeout = fault === "stuck" ? { timeout: TIMEOUT } : {};
  if (backend === "auto" && fault !== "stuck") return cpu(fn);
  return task(fn, timeout);
}

function submit(stage: (typeof stages)["runSync"]): StageRow["run"] {
  return (cell) => {
    const { executor, fault, mark, payload } = cell;
    return errorOf(
      executor.submit(faulty(cell, stage), fault, mark, ...payload),
    );
  };
}

/** Names an export that is not there: nobody sees that before the worker reads it. */
const ABSENT: unknown = (fromModule(
  new URL("./_fixtures/stages.ts", import.meta.url),
) as Record<string, unknown>).absent;

/** The faults that are tried with the automatic executor. */
const SAMPLED: readonly Fault[] = [
  "throw",
  "Deno.exit",
  "stuck",
  "unsendable",
];

/** The faults that end a thread with limits in another way than one without. */
const LIMITED: readonly Fault[] = ["heap", "stuck"];

const CRASHES = ["Deno.exit", "SIGKILL", "SIGSEGV"] as const;

const rows: StageRow[] = [
  {
    name: "encode arguments",
    faults: ["throw", "unsendable"],
    reason: "it happens in the program",
    errors: { throw: SerializationError },
    // deno-lint-ignore require-await -- what it throws is to be a rejection
    async run({ executor, fault, payload }) {
      const value = fault === "unsendable" ? new WeakMap() : {
        get field() {
          throw new RangeError("the fault");
        },
      };
      try {
        executor.submit(identity, [value, ...payload]);
      } catch (error) {
        return error;
      }
    },
  },
  {
    name: "decode arguments",
    faults: ["unsendable"],
    reason: "no code of the task runs",
    run: (cell) =>
      errorOf(
        cell.executor.submit(
          faulty(cell, identity),
          [ABSENT, ...cell.payload],
        ),
      ),
  },
  {
    name: "import",
    faults: [
      "throw",
      ...CRASHES,
      "self.close",
      "timer",
      "rejection",
      "heap",
      "stuck",
    ],
    reason: "nothing is sent",
    run(cell) {
      const { fault, mark } = cell;
      const url = new URL("./_fixtures/faulty_module.ts", import.meta.url);
      url.search = `${new URLSearchParams({ fault, mark })}`;
      const { unreachable } = fromModule<
        typeof import("./_fixtures/faulty_module.ts")
      >(url);
      return errorOf(cell.executor.submit(faulty(cell, unreachable)));
    },
  },
  {
    name: "initializer",
    faults: ["throw", "Deno.exit", "self.close", "timer", "rejection"],
    reason: "nothing is sent, and it has no timeout",
    breaks: true,
    options: (fault, mark) => ({
      initializer: stages.runAsync,
      initArgs: [fault, mark],
    }),
    errors: {
      throw: BrokenExecutorError,
      "Deno.exit": BrokenExecutorError,
      "self.close": BrokenExecutorError,
      timer: BrokenExecutorError,
      rejection: BrokenExecutorError,
    },
    run: (cell) =>
      errorOf(
        cell.executor.submit(faulty(cell, identity), cell.payload.length),
      ),
  },
  {
    name: "run, synchronous",
    faults: ["throw", ...CRASHES, "self.close", "heap", "stuck"],
    reason: "the task has returned before",
    run: submit(stages.runSync),
  },
  {
    name: "run, asynchronous",
    faults: [
      "throw",
      ...CRASHES,
      "self.close",
      "timer",
      "rejection",
      "heap",
      "stuck",
    ],
    reason: "it never returns",
    run: submit(stages.runAsync),
  },
  {
    name: "between awaits",
    faults: [
      "throw",
      ...CRASHES,
      "self.close",
      "timer",
      "rejection",
      "heap",
      "stuck",
    ],
    reason: "it never returns",
    errors: { throw: WorkerCrashedError },
    run: submit(stages.betweenAwaits),
  },
  {
    name: "encode result",
    faults: [
      "throw",
      ...CRASHES,
      "self.close",
      "heap",
      "stuck",
      "unsendable",
    ],
    reason: "the task has returned before",
    errors: { throw: SerializationError },
    run: submit(stages.encodeResult),
  },
  {
    name: "decode result",
    faults: ["unsendable"],
    reason: "it happens in the program",
    run: submit(stages.decodeResult),
  },
  {
    name: "encode error",
    faults: [
      "throw",
      ...CRASHES,
      "self.close",
      "heap",
      "stuck",
      "unsendable",
    ],
    reason: "the task has thrown before",
    // What cannot travel on an error is described: the error arrives.
    errors: { throw: RangeError, unsendable: RangeError },
    run: submit(stages.encodeError),
  },
  {
    name: "idle worker",
    faults: [
      "throw",
      ...CRASHES,
      "self.close",
      "timer",
      "rejection",
      "heap",
      "stuck",
    ],
    reason: "nothing is sent",
    options: () => ({ maxWorkers: 1 }),
    isLater: true,
    async run({ executor, fault, mark, payload }) {
      const args = [fault, mark, ...payload] as const;
      assertEquals(await executor.submit(stages.idle, ...args), "answered");
      await until("it happens", () => exists(mark));
      if (fault !== "stuck") {
        await until("it is noticed", () => executor.stats().crashes === 1);
      }
    },
  },
  {
    name: "while stopping",
    faults: ["throw", ...CRASHES, "self.close", "stuck"],
    reason: "the event loop does not turn any more",
    options: () => ({ maxTasksPerWorker: 1, maxWorkers: 1 }),
    isLater: true,
    async run({ executor, fault, mark, payload }) {
      const args = [fault, mark, ...payload] as const;
      assertEquals(
        await executor.submit(stages.stopping, ...args),
        "answered",
      );
    },
  },
  {
    name: "item of a map",
    faults: [
      "throw",
      ...CRASHES,
      "self.close",
      "timer",
      "rejection",
      "heap",
    ],
    reason: "a map's task with a timeout travels alone, as any other",
    async run(cell) {
      const { executor, fault, mark } = cell;
      const items = Array.from(
        { length: 12 },
        (_, i) => [i, fault, mark] as [number, Fault, string],
      );
      const ends = await Array.fromAsync(
        executor.map(faulty(cell, stages.badItem), items, {
          chunkSize: 4,
          onError: "settle",
        }),
      );
      const failed = ends.map(({ status }) => status === "rejected");
      // A worker takes all items of its chunk along.
      assertEquals(
        failed,
        items.map(([i]) =>
          fault === "throw" ? i === stages.BAD_ITEM : i >= 4 && i < 8
        ),
      );
      const end = ends[stages.BAD_ITEM]!;
      return end.status === "rejected" ? end.reason : undefined;
    },
  },
];

/** Why there is no such test. */
function missing(
  { faults, reason }: StageRow,
  fault: Fault,
  backend: BackendName,
): string | undefined {
  if (!faults.includes(fault)) return reason;
  const inProcess = backend === "process" ||
    (backend === "auto" && fault === "stuck");
  // It runs in the threads and processes of the other columns.
  if (backend === "auto" && !SAMPLED.includes(fault)) {
    return "as in a thread or in a process";
  }
  if (backend === "limited" && !LIMITED.includes(fault)) {
    return "as in a thread";
  }
  switch (fault) {
    case "heap":
      if (backend === "limited") return undefined;
      if (!inProcess) return "a thread's heap has no limit of its own";
      return Deno.build.os === "windows" ? "no such limit" : undefined;
    case "SIGKILL":
    case "SIGSEGV":
      return inProcess ? undefined : "a signal is for the whole program";
    default:
      return undefined;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    return (await Deno.readTextFile(path)).length > 0;
  } catch {
    return false;
  }
}

async function runCell(
  row: StageRow,
  fault: Fault,
  backend: BackendName,
): Promise<void> {
  using folder = new Folder();
  const mark = folder.file("mark");
  const executor = backends[backend]({
    maxWorkers: 2,
    cancelGrace: 50,
    ...row.options?.(fault, mark),
  });
  const payload = [new Uint8Array(BIG)];
  const cell: Cell = { executor, fault, backend, mark, payload };
  const others: Promise<unknown>[] = [];
  const expected: unknown[] = [];
  if (!row.breaks) {
    // Large ones are under way when it happens.
    for (let i = 1; i <= 2; i++) {
      const future = executor.submit(identity, new Uint8Array(BIG).fill(i));
      others.push(
        future.then((bytes) => [bytes.length, bytes[0], bytes.at(-1)]),
      );
      expected.push([BIG, i, i]);
    }
  }
  const running = row.run(cell);
  const submitMany = () => {
    const count = row.name === "while stopping" ? 4 : QUEUED;
    for (let i = 0; i < count; i++) {
      others.push(executor.submit(square, i));
      expected.push(i * i);
    }
  };
  // And many wait. Not where they would be what the worker runs by then.
  if (!row.breaks && !row.isLater) submitMany();
  const error = await soon(`the end of ${row.name}`, running);
  const now = Date.now();
  const Class = row.errors?.[fault] ?? errors[fault];
  if (row.isLater) {
    assertEquals(error, undefined);
    submitMany();
    if (fault === "stuck") {
      // It may last a while; nothing else ends it.
      await new Promise((resolve) => setTimeout(resolve, 700));
      folder.open(`mark${stages.RELEASED}`);
    }
  } else {
    assertInstanceOf(error, Class);
    assertCrash(error, fault);
    // It may be written once more meanwhile: nothing is in it for a moment.
    const marked = await Deno.readTextFile(mark).catch(() => "");
    if (marked !== "") {
      const took = now - Number(marked);
      assert(took < scaled(SOON), `${took} ms after the fault`);
    }
  }
  assertEquals(await soon("the others", Promise.all(others)), expected);
  if (row.breaks) {
    let refused: unknown;
    try {
      executor.submit(add, 1, 1);
    } catch (error) {
      refused = error;
    }
    assertInstanceOf(refused, BrokenExecutorError);
  } else {
    assertEquals(await soon("the next", executor.submit(add, 1, 1)), 2);
  }
  await soon("the shutdown", executor.shutdown());
  const { queued, running: left, workers } = executor.stats();
  assertEquals({ queued, left, workers }, { queued: 0, left: 0, workers: 0 });
}

/** Tells the ends of workers apart. */
function assertCrash(error: unknown, fault: Fault): void {
  if (!(error instanceof WorkerCrashedError)) return;
  switch (fault) {
    case "Deno.exit":
      assertEquals(error.exitCode, 7);
      break;
    case "SIGKILL":
    case "SIGSEGV":
      assertEquals(error.signal, fault);
      break;
    case "throw":
    case "timer":
    case "rejection":
      assertInstanceOf(error.cause, RangeError);
      assertEquals(error.cause.message, "the fault");
  }
}

/** What became of each cell. */
const results = new Map<string, string>();

for (const row of rows) {
  for (const fault of faults) {
    for (const backend of Object.keys(backends) as BackendName[]) {
      const key = `${row.name}/${fault}/${backend}`;
      const reason = missing(row, fault, backend);
      if (reason !== undefined) {
        results.set(key, "-");
        continue;
      }
      Deno.test(`${row.name} x ${fault} x ${backend}`, async () => {
        results.set(key, "FAIL");
        // A heap of its own for each child: the limit that Deno has by default
        // would take the machine's memory.
        const flags = Deno.env.get("DENO_V8_FLAGS");
        if (fault === "heap") {
          Deno.env.set("DENO_V8_FLAGS", "--max-old-space-size=48");
        }
        try {
          await runCell(row, fault, backend);
        } finally {
          if (flags === undefined) Deno.env.delete("DENO_V8_FLAGS");
          else Deno.env.set("DENO_V8_FLAGS", flags);
        }
        results.set(key, "ok");
      });
    }
  }
}

Deno.test("the matrix of faults is complete", () => {
  const names = Object.keys(backends) as BackendName[];
  const lines = [`${"".padEnd(18)} thread/limited/process/auto`];
  lines.push(
    `${"stage".padEnd(18)} ${faults.map((name) => name.padEnd(11)).join(" ")}`,
  );
  const reasons = new Set<string>();
  for (const row of rows) {
    const cells = faults.map((fault) => {
      const found = names.map((backend) => {
        const reason = missing(row, fault, backend);
        if (reason !== undefined) {
          reasons.add(`${row.name} x ${fault}, ${backend}: ${reason}`);
        }
        return results.get(`${row.name}/${fault}/${backend}`) ?? "?";
      });
      return found.join("/").padEnd(11);
    });
    lines.push(`${row.name.padEnd(18)} ${cells.join(" ")} - ${row.reason}`);
  }
  console.log(lines.join("\n"));
  const bad = [...results].filter(([, result]) =>
    result !== "ok" && result !== "-"
  );
  assertEquals(bad, []);
  assertEquals(results.size, rows.length * faults.length * names.length);
  assert(reasons.size > 0);
});
