// Copyright 2026 the @concurrent/parallel authors. MIT license.

import type { Results } from "./measure.ts";
import type { Program } from "./programs.ts";
import type { Subject } from "./subjects.ts";

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

/** What one run gave. */
export interface Report {
  readonly machine: Machine;
  readonly rounds: number;
  readonly isQuick: boolean;
  readonly subjects: readonly Subject[];
  readonly programs: readonly Program[];
  readonly results: Results;
  /** Subjects that could not be measured at all, and why. */
  readonly missing: readonly (readonly [id: string, reason: string])[];
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
