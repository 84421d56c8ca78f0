// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Rounds: in each one every subject runs every program, group by group, in a
// fresh process for each group. So a machine that gets slower or busier does so
// for all of them, and nobody is slowed down by what others do while they wait.

import { median } from "../_speedup/measure.ts";
import {
  Child,
  type Command,
  type CommandLine,
  commandLineOf,
  type Figures,
  type Outcome,
} from "./child.ts";
import {
  type Group,
  GROUPS,
  MANY_WORKERS,
  type Program,
  TIMEOUT,
  WORKERS,
} from "./programs.ts";
import type { Subject } from "./subjects.ts";

/** What all rounds of one program on one subject gave. */
export interface Cell {
  /** One entry for each round that went well. */
  readonly rounds: Figures[];
  /** How the others ended. */
  readonly failures: Exclude<Outcome, { state: "done" }>[];
}

/** What is measured. */
export interface MeasureOptions {
  readonly subjects: readonly Subject[];
  readonly programs: readonly Program[];
  readonly rounds: number;
  /** Calls before anything is measured. */
  readonly warmUp?: number;
  readonly onStep?: (step: string) => void;
  /** How a subject is started; tests start others. */
  readonly commandLine?: (subject: Subject) => CommandLine;
}

/** Figures by subject and program. */
export class Results {
  readonly #cells: Map<string, Cell>;

  constructor(cells: Iterable<readonly [key: string, cell: Cell]> = []) {
    this.#cells = new Map(cells);
  }

  /** The cell, or undefined where the subject has no such program. */
  find(subject: string, program: string): Cell | undefined {
    return this.#cells.get(`${subject} ${program}`);
  }

  /** Median of a figure over the rounds; NaN where there is none. */
  median(subject: string, program: string, figure = "value"): number {
    const rounds = this.find(subject, program)?.rounds ?? [];
    return median(
      rounds.map((figures) => figures[figure] ?? NaN)
        .filter((value) => !Number.isNaN(value)),
    );
  }

  /** Notes how a program ended. */
  add(subject: string, program: string, outcome: Outcome): void {
    const key = `${subject} ${program}`;
    const cell = this.#cells.get(key) ?? { rounds: [], failures: [] };
    this.#cells.set(key, cell);
    if (outcome.state === "done") cell.rounds.push(outcome.figures);
    else cell.failures.push(outcome);
  }

  /** Everything, as `--json` writes it. */
  toJSON(): Record<string, Cell> {
    return Object.fromEntries(this.#cells);
  }
}

/** Measures everything. */
export async function measure(options: MeasureOptions): Promise<Results> {
  const { subjects, programs, rounds, onStep = () => {} } = options;
  const results = new Results();
  const groups = Object.keys(GROUPS) as Group[];
  for (let round = 1; round <= rounds; round++) {
    for (const group of groups) {
      const due = programs.filter((program) =>
        program.group === group && round <= (program.maxRounds ?? Infinity)
      );
      for (const subject of subjects) {
        const chosen = due.filter((program) => has(subject, program));
        if (chosen.length === 0) continue;
        onStep(`round ${round} of ${rounds}: ${group}, ${subject.id}`);
        await runGroup(subject, chosen, options, results);
      }
    }
  }
  return results;
}

/** Runs programs of one group in one process, or more where it breaks. */
async function runGroup(
  subject: Subject,
  programs: readonly Program[],
  options: MeasureOptions,
  results: Results,
): Promise<void> {
  const { warmUp = 2_000, commandLine = commandLineOf } = options;
  const start = options.programs.find(({ kind }) => kind === "start");
  let child: Child | undefined;
  try {
    for (const program of programs) {
      // Who hung once is not waited for again.
      const { failures = [] } = results.find(subject.id, program.name) ?? {};
      if (failures.some(({ state }) => state === "hangs")) continue;
      const timeout = program.timeout ?? TIMEOUT;
      if (program.kind === "memory") {
        const outcome = await measureMemory(commandLine(subject), timeout);
        results.add(subject.id, program.name, outcome);
        continue;
      }
      if (child?.isUsable !== true) {
        await child?.[Symbol.asyncDispose]();
        child = new Child(commandLine(subject));
        let outcome = await child.call(startOf(WORKERS), TIMEOUT / 2);
        if (start !== undefined && has(subject, start)) {
          results.add(subject.id, start.name, outcome);
        }
        if (outcome.state === "done") {
          outcome = await child.call(
            { kind: "warm", args: { workers: WORKERS, calls: warmUp } },
            TIMEOUT,
          );
        }
        if (outcome.state !== "done") {
          for (const failed of programs) {
            if (failed !== start) results.add(subject.id, failed.name, outcome);
          }
          return;
        }
      }
      // It was measured with the start of the process.
      if (program.kind === "start") continue;
      const { name, kind, args } = program;
      results.add(subject.id, name, await child.call({ kind, args }, timeout));
    }
  } finally {
    await child?.[Symbol.asyncDispose]();
  }
}

function has({ programs }: Subject, { name }: Program): boolean {
  return programs?.includes(name) !== false;
}

function startOf(workers: number): Command {
  return { kind: "start", args: { workers } };
}

/** What a worker takes: a pool of some against one of many, each in its own process. */
async function measureMemory(
  commandLine: CommandLine,
  timeout: number,
): Promise<Outcome> {
  const bytes: number[] = [];
  for (const workers of [WORKERS, MANY_WORKERS]) {
    await using child = new Child(commandLine);
    let outcome = await child.call(startOf(workers), timeout);
    if (outcome.state === "done") {
      outcome = await child.call(
        { kind: "memory", args: { workers } },
        timeout,
      );
    }
    if (outcome.state !== "done") return outcome;
    bytes.push(outcome.figures.bytes ?? NaN);
  }
  const [some, many] = bytes as [number, number];
  const value = (many - some) / (MANY_WORKERS - WORKERS) / 1e6;
  return { state: "done", figures: { value } };
}
