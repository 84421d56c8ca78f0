// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { cpuCount } from "@concurrent/parallel/multiprocessing";
import type { JobResult } from "./measure.ts";

/** What was measured, and where: what `--json` writes. */
export interface Report {
  /** When it was measured, as an ISO 8601 date. */
  date: string;
  machine: {
    deno: string;
    os: string;
    cores: number;
    /** Programs that wanted a core in the minute before: more is noise. */
    load: number;
  };
  /** Times taken of each row. */
  repeat: number;
  jobs: JobResult[];
}

/**
 * Adds to the results where and when they were measured.
 *
 * @param jobs The results.
 * @param repeat Times taken of each row.
 * @param load How busy the machine was before.
 */
export function createReport(
  jobs: JobResult[],
  repeat: number,
  load: number,
): Report {
  const { os, arch } = Deno.build;
  return {
    date: new Date().toISOString(),
    machine: {
      deno: Deno.version.deno,
      os: `${os} ${arch}`,
      cores: cpuCount(),
      load,
    },
    repeat,
    jobs,
  };
}
