// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { type Cell, Results } from "./measure.ts";
import { type Program, PROGRAMS } from "./programs.ts";
import { type Subject, SUBJECTS } from "./subjects.ts";

/** Where it was measured, and with what. */
export interface Machine {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly os: string;
  /** Programs that wanted a core in the minute before, and after: more is noise. */
  readonly load: readonly [before: number, after: number];
  /** Commit of the sources; with a `+` where there are changes on top. */
  readonly commit: string;
  /** Of runtimes and packages. */
  readonly versions: Readonly<Record<string, string>>;
}

/** One run of the command. */
export interface RunInfo {
  readonly machine: Machine;
  readonly rounds: number;
  readonly isQuick: boolean;
  /** How far it got, where it was ended before its end. */
  readonly endedIn?: string;
}

/** What one run gave, or several together. */
export interface Report {
  readonly runs: readonly RunInfo[];
  readonly subjects: readonly Subject[];
  readonly programs: readonly Program[];
  readonly results: Results;
  /** Subjects that could not be measured at all, and why. */
  readonly missing: readonly (readonly [id: string, reason: string])[];
}

/**
 * A report as `--json` wrote it.
 *
 * @throws {TypeError} If it is something else.
 */
export function parseReport(text: string): Report {
  const data = JSON.parse(text) as
    | Partial<Omit<Report, "results">> & { results?: Record<string, Cell> }
    | null;
  const { runs, subjects, programs, results, missing } = data ?? {};
  if (
    !Array.isArray(runs) || !Array.isArray(subjects) ||
    !Array.isArray(programs) || !Array.isArray(missing) ||
    typeof results !== "object"
  ) throw new TypeError("it is no report of this command");
  return {
    ...{ runs, subjects, programs, missing },
    results: new Results(Object.entries(results)),
  };
}

/**
 * Several reports as one: of other subjects, other programs, or more rounds.
 *
 * @throws {RangeError} If two measured the same program with other numbers.
 */
export function mergeReports(reports: readonly Report[]): Report {
  const subjects = new Map<string, Subject>();
  const programs = new Map<string, Program>();
  const results = new Results();
  for (const report of reports) {
    for (const subject of report.subjects) subjects.set(subject.id, subject);
    for (const program of report.programs) {
      const other = programs.get(program.name) ?? program;
      if (JSON.stringify(other.args) !== JSON.stringify(program.args)) {
        throw new RangeError(`${program.name} was not the same in all runs`);
      }
      programs.set(program.name, program);
    }
    results.merge(report.results);
  }
  return {
    runs: reports.flatMap(({ runs }) => runs),
    subjects: inOrder(subjects, SUBJECTS.map(({ id }) => id)),
    programs: inOrder(programs, PROGRAMS.map(({ name }) => name)),
    results,
    // What one run did not have another one may have had.
    missing: [...new Map(reports.flatMap(({ missing }) => missing))]
      .filter(([id]) => !subjects.has(id)),
  };
}

/** In the order of the names; what is not among them any more comes last. */
function inOrder<T>(found: ReadonlyMap<string, T>, names: string[]): T[] {
  return [...new Set([...names, ...found.keys()])]
    .map((name) => found.get(name))
    .filter((item) => item !== undefined);
}

async function output(command: string, args: string[]): Promise<string> {
  try {
    const { success, stdout } = await new Deno.Command(command, {
      args,
      cwd: new URL("../..", import.meta.url),
      stdin: "null",
      stderr: "null",
    }).output();
    return success ? new TextDecoder().decode(stdout).trim() : "";
  } catch {
    // There is no such command.
    return "";
  }
}

async function readModel(): Promise<string> {
  try {
    const text = await Deno.readTextFile("/proc/cpuinfo");
    return /^model name\s*:\s*(.+)$/m.exec(text)?.[1] ?? "";
  } catch {
    // Not Linux.
    return "";
  }
}

/** Describes the machine after the measuring. */
export async function describeMachine(
  versions: Readonly<Record<string, string>>,
  before: number,
): Promise<Machine> {
  const commit = await output("git", ["rev-parse", "--short", "HEAD"]);
  const changes = await output("git", ["status", "--porcelain", "-uno"]);
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: await readModel() || Deno.build.arch,
    cores: navigator.hardwareConcurrency,
    os: `${Deno.build.os} ${Deno.osRelease()}`,
    load: [before, Deno.loadavg()[0]!],
    commit: commit === "" ? "unknown" : changes === "" ? commit : `${commit}+`,
    versions,
  };
}
