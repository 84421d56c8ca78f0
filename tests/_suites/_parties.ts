// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Who uses the objects of a suite beside the test, and what they share besides:
// the same suites run with threads and with processes.

import type { WaitKind } from "../../_internal/memory/wait_queue.ts";
import { Event as ProcessEvent, Process } from "../../multiprocessing/mod.ts";
import { Event, SharedValue, Thread } from "../../threading/mod.ts";
import { AnyCrew, type Party, untilWaiting } from "./_crew.ts";
import { FileNumber } from "./_file_number.ts";

/** A number that all parties see. `add()` is atomic and returns the sum. */
export interface SharedNumber {
  value: number;
  add(n: number): number;
}

/** What a party runs. */
// deno-lint-ignore no-explicit-any -- any function with its arguments
export type Target<R> = (...args: any[]) => R | Promise<R>;

/** What the parties of a suite are. */
export interface Parties {
  /** One of them, and several. */
  readonly one: string;
  readonly many: string;
  /** How many of them take part where many do. */
  readonly counts: readonly number[];
  /** How much less often something is done than by threads. */
  readonly slowness: number;
  /** True where the objects are another process's: a wait of this one is nobody's deadlock. */
  readonly isElsewhere: boolean;
  /** True where what a party has made is there when it has ended. */
  readonly leaveObjects: boolean;
  /** True where an item may be with a party before it is taken, and is lost with it. */
  readonly fetchesAhead: boolean;
  /** Registers a test. */
  test(name: string, fn: () => void | Promise<void>): void;
  start<R>(target: Target<R>, args: unknown[]): Party<R>;
  /** Ends the party from inside, in the middle of whatever it does. */
  crash(): void;
  number(): SharedNumber;
  event(): Event;
  /** Waits until so many wait for objects of a kind. */
  untilWaiting(kind: WaitKind, count: number): Promise<void>;
}

/** Several parties that run the same; the last argument of each is its number. */
export function crewOf<R>(
  parties: Parties,
  count: number,
  target: Target<R>,
  ...args: unknown[]
): AnyCrew<R> {
  return new AnyCrew(
    (number) => parties.start(target, [...args, number]),
    count,
  );
}

/** Threads of this program, and objects of this program. */
export const THREADS: Parties = {
  one: "thread",
  many: "threads",
  counts: [2, 4, 8],
  slowness: 1,
  isElsewhere: false,
  leaveObjects: true,
  fetchesAhead: false,
  test: (name, fn) => Deno.test(name, fn),
  start: <R>(target: Target<R>, args: unknown[]) =>
    new Thread({ target, args }).start() as Party<R>,
  crash: () => self.close(),
  number: () => new SharedValue("int32", 0),
  event: () => new Event(),
  untilWaiting,
};

let numbers = 0;
let folder: string | undefined;

/** Other processes, and objects of this program. */
export const PROCESSES: Parties = {
  ...THREADS,
  one: "process",
  many: "processes",
  // More than there are cores, mostly; each takes a process.
  counts: [4],
  slowness: 10,
  fetchesAhead: true,
  leaveObjects: false,
  start<R>(target: Target<R>, args: unknown[]) {
    const process = new Process({ target, args }).start() as Process<R>;
    return {
      result: () => process.result(),
      join: (options) => process.join(options),
      isAlive: () => process.isAlive(),
      terminate: () => process.kill(),
    };
  },
  crash: () => Deno.kill(Deno.pid, "SIGKILL"),
  number() {
    folder ??= newFolder();
    return new FileNumber(`${folder}/${++numbers}`);
  },
  event: () => new ProcessEvent(),
};

function newFolder(): string {
  const path = Deno.makeTempDirSync();
  addEventListener("unload", () => Deno.removeSync(path, { recursive: true }));
  return path;
}
