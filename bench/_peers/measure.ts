// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Rounds: in each one every subject runs every program, group by group, in a
// fresh process for each group. So a machine that gets slower or busier does so
// for all of them, and nobody is slowed down by what others do while they wait.
// In each round they have another order, in which each one follows another one.
// Doing nothing is the exception: that they do all at the same time.

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
import { memory, processorTimes, usedBetween } from "./usage.ts";

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
  readonly onStep?: (step: Step) => void | Promise<void>;
  /** How a subject is started; tests start others. */
  readonly commandLine?: (subject: Subject) => CommandLine;
  /** Ends the measuring; what there is until then is kept. */
  readonly signal?: AbortSignal;
}

/** What is about to be measured. */
export interface Step {
  readonly round: number;
  readonly group: Group;
  readonly subject: string;
  readonly results: Results;
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
    const cell = this.#cell(`${subject} ${program}`);
    if (outcome.state === "done") cell.rounds.push(outcome.figures);
    else cell.failures.push(outcome);
  }

  /** Adds all that others hold. */
  merge(others: Results): void {
    for (const [key, { rounds, failures }] of others.#cells) {
      const cell = this.#cell(key);
      cell.rounds.push(...rounds);
      cell.failures.push(...failures);
    }
  }

  /** Everything, as `--json` writes it. */
  toJSON(): Record<string, Cell> {
    return Object.fromEntries(this.#cells);
  }

  #cell(key: string): Cell {
    const cell = this.#cells.get(key) ?? { rounds: [], failures: [] };
    this.#cells.set(key, cell);
    return cell;
  }
}

/** Measures everything. */
export async function measure(options: MeasureOptions): Promise<Results> {
  const run = new Run(options);
  await run.measure();
  return run.results;
}

/**
 * The order of a round: every so many steps in the list, and each round another
 * number of steps. So nobody follows the same one twice before all such numbers
 * have been used.
 */
export function orderOf<T>(items: readonly T[], round: number): T[] {
  const count = items.length;
  const strides = items.map((_, i) => i + 1)
    .filter((stride) => gcd(stride, count) === 1);
  const stride = strides[(round - 1) % strides.length] ?? 1;
  return items.map((_, i) => items[(round - 1 + i * stride) % count]!);
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

class Run {
  readonly results = new Results();
  readonly #options: MeasureOptions;
  readonly #start: Program | undefined;

  constructor(options: MeasureOptions) {
    this.#options = options;
    this.#start = options.programs.find(({ kind }) => kind === "start");
  }

  async measure(): Promise<void> {
    const { rounds } = this.#options;
    for (let round = 1; round <= rounds; round++) {
      for (const group of Object.keys(GROUPS) as Group[]) {
        await this.#runGroup(round, group);
      }
    }
  }

  get #isOver(): boolean {
    return this.#options.signal?.aborted === true;
  }

  async #runGroup(round: number, group: Group): Promise<void> {
    const due = this.#options.programs.filter((program) =>
      program.group === group
    );
    const resting: [subject: Subject, program: Program][] = [];
    for (const subject of orderOf(this.#options.subjects, round)) {
      if (this.#isOver) return;
      const chosen = due.filter((program) =>
        this.#isDue(round, subject, program)
      );
      if (chosen.length === 0) continue;
      await this.#step(round, group, subject.id);
      for (const program of chosen) {
        if (program.kind === "memory") await this.#weigh(subject, program);
        if (program.kind === "idle") resting.push([subject, program]);
      }
      await this.#runPrograms(
        subject,
        chosen.filter(({ kind }) => kind !== "memory" && kind !== "idle"),
      );
    }
    if (resting.length === 0) return;
    await this.#step(round, group, "all of them");
    await this.#rest(resting);
  }

  async #step(round: number, group: Group, subject: string): Promise<void> {
    const { results } = this;
    await this.#options.onStep?.({ round, group, subject, results });
  }

  #isDue(round: number, subject: Subject, program: Program): boolean {
    if (!has(subject, program)) return false;
    const { maxRounds = Infinity } = program;
    if (round > maxRounds && subject.maker !== "ours") return false;
    const { id } = subject;
    const start = this.results.find(id, "start");
    if (isHopeless(start)) {
      // Told in every column, and tried in none.
      if (this.results.find(id, program.name) === undefined) {
        this.results.add(id, program.name, start!.failures[0]!);
      }
      return false;
    }
    return !isHopeless(this.results.find(id, program.name));
  }

  /** What comes after the end of the run was cut off by it, and says nothing. */
  #add(subject: Subject, program: Program, outcome: Outcome): void {
    if (!this.#isOver) this.results.add(subject.id, program.name, outcome);
  }

  #spawn(subject: Subject): Child {
    const { commandLine = commandLineOf, signal } = this.#options;
    return new Child(commandLine(subject), signal);
  }

  /** Runs programs of one group in one process, or more where it breaks. */
  async #runPrograms(
    subject: Subject,
    programs: readonly Program[],
  ): Promise<void> {
    const { warmUp = 2_000 } = this.#options;
    const start = this.#start;
    let child: Child | undefined;
    try {
      for (const program of programs) {
        if (this.#isOver) return;
        if (child?.isUsable !== true) {
          await child?.[Symbol.asyncDispose]();
          child = this.#spawn(subject);
          let outcome = await child.call(startOf(WORKERS), TIMEOUT);
          if (start !== undefined && has(subject, start)) {
            this.#add(subject, start, outcome);
          }
          if (outcome.state === "done") {
            outcome = await child.call(
              { kind: "warm", args: { workers: WORKERS, calls: warmUp } },
              TIMEOUT,
            );
          }
          if (outcome.state !== "done") {
            for (const failed of programs) {
              if (failed !== start) this.#add(subject, failed, outcome);
            }
            return;
          }
        }
        // It was measured with the start of the process.
        if (program.kind === "start") continue;
        const { kind, args, timeout = TIMEOUT } = program;
        const outcome = await child.call({ kind, args }, timeout);
        this.#add(subject, program, outcome);
      }
    } finally {
      await child?.[Symbol.asyncDispose]();
    }
  }

  /** A pool with all its workers awake. */
  async #wake(child: Child, workers: number): Promise<Outcome> {
    const outcome = await child.call(startOf(workers), TIMEOUT);
    if (outcome.state !== "done") return outcome;
    return await child.call({ kind: "wake", args: { workers } }, TIMEOUT);
  }

  /** What a worker takes: a pool of some against one of many, each in its own process. */
  async #weigh(subject: Subject, program: Program): Promise<void> {
    const bytes: number[] = [];
    for (const workers of [WORKERS, MANY_WORKERS]) {
      await using child = this.#spawn(subject);
      const outcome = await this.#wake(child, workers);
      if (outcome.state !== "done") return this.#add(subject, program, outcome);
      // What the start has left is given back.
      await sleep(200);
      bytes.push(await memory(child.pid));
    }
    const [some, many] = bytes as [number, number];
    const value = (many - some) / (MANY_WORKERS - WORKERS) / 1e6;
    this.#add(subject, program, { state: "done", figures: { value } });
  }

  /** What they use of the processor while nothing is to be done: all of them at the same time. */
  async #rest(
    resting: readonly (readonly [subject: Subject, program: Program])[],
  ): Promise<void> {
    await using children = new AsyncDisposableStack();
    const awake: (readonly [Subject, Program, Child])[] = [];
    for (const [subject, program] of resting) {
      if (this.#isOver) return;
      const child = children.use(this.#spawn(subject));
      const outcome = await this.#wake(child, WORKERS);
      if (outcome.state === "done") awake.push([subject, program, child]);
      else this.#add(subject, program, outcome);
    }
    const look = () =>
      Promise.all(awake.map(([, , child]) => processorTimes(child.pid)));
    const { settle, ms } = resting[0]![1].args as Record<string, number>;
    await sleep(settle!);
    const before = await look();
    await sleep(ms!);
    const after = await look();
    for (const [i, [subject, program]] of awake.entries()) {
      const value = usedBetween(before[i]!, after[i]!);
      this.#add(subject, program, { state: "done", figures: { value } });
    }
  }
}

function has({ programs }: Subject, { name }: Program): boolean {
  return programs?.includes(name) !== false;
}

/** Who hung once is not waited for again, and who fails does so every time. */
function isHopeless(cell: Cell | undefined): boolean {
  if (cell === undefined) return false;
  const { rounds, failures } = cell;
  return failures.some(({ state }) => state === "hangs") ||
    (rounds.length === 0 && failures.length >= 2);
}

function startOf(workers: number): Command {
  return { kind: "start", args: { workers } };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
