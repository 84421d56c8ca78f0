// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * What more workers gain: three real jobs in a plain loop and on threads, on
 * processes and with the automatic executor, as a table.
 *
 * Run it with `deno task speedup`; `--help` shows the options.
 *
 * @module
 */

import { cpuCount } from "@concurrent/parallel/multiprocessing";
import { parseArgs } from "@std/cli/parse-args";
import {
  Failure,
  messageOf,
  parseCount,
  runMain,
  UsageError,
} from "../examples/_args.ts";
import { renderChart } from "./_speedup/chart.ts";
import type { Job } from "./_speedup/job.ts";
import { JOBS } from "./_speedup/jobs.ts";
import { type Backend, BACKENDS, measure } from "./_speedup/measure.ts";
import { createReport } from "./_speedup/report.ts";
import { renderTable } from "./_speedup/table.ts";

/** More measure how the system divides its cores, and may exhaust its memory. */
const MAX_WORKERS = Math.max(64, cpuCount() * 4);

const USAGE = `Measures what more workers gain.

Usage: deno task speedup [OPTIONS]

Options:
  --job NAMES      ${Object.keys(JOBS).join(", ")} (default: all)
  --backend NAMES  ${BACKENDS.join(", ")} (default: all)
  --workers LIST   numbers of workers, at most ${MAX_WORKERS}
                   (default: 1, 2, 4, … up to twice the cores)
  --repeat N       how often to measure; the table has the medians (default: 3)
  --dir DIR        count the words of these files instead of generated ones
  --json FILE      write what was measured
  --svg FILE       draw it, with the ideal line
  --short          smaller jobs, no more workers than cores
  --tiny           tiny jobs: only to see that everything works
  --help           print this text

Several names or numbers are separated by commas.
`;

function parseNames<T extends string>(
  option: string,
  text: string | undefined,
  known: readonly T[],
): readonly T[] {
  if (text === undefined) return known;
  const names = text.split(",").map((name) => {
    const found = known.find((other) => other === name.trim());
    if (found !== undefined) return found;
    throw new UsageError(`--${option} must be of ${known.join(", ")}: ${name}`);
  });
  return [...new Set(names)];
}

function parseWorkers(text: string): number[] {
  const counts = text.split(",").map((part) => {
    const count = parseCount("workers", part);
    if (count <= MAX_WORKERS) return count;
    throw new UsageError(`--workers must be at most ${MAX_WORKERS}: ${count}`);
  });
  return [...new Set(counts)];
}

/** 1, 2, 4, … and `max` itself. */
function powersUpTo(max: number): number[] {
  const counts: number[] = [];
  for (let n = 1; n < max; n *= 2) counts.push(n);
  return [...counts, max];
}

function parseOptions(args: string[]) {
  const options = parseArgs(args, {
    boolean: ["help", "short", "tiny"],
    string: ["job", "backend", "workers", "repeat", "dir", "json", "svg"],
    unknown: (arg) => {
      throw new UsageError(`Unknown argument: ${arg}`);
    },
  });
  if (options.help) return undefined;
  const { short, tiny, workers, repeat = "3", dir, json, svg } = options;
  for (const [option, path] of Object.entries({ dir, json, svg })) {
    // So it is where the value is missing.
    if (path === "") throw new UsageError(`--${option} must name a path`);
  }
  return {
    jobs: parseNames("job", options.job, Object.keys(JOBS)),
    backends: parseNames<Backend>("backend", options.backend, BACKENDS),
    workers: workers === undefined
      ? powersUpTo(cpuCount() * (short ? 1 : 2))
      : parseWorkers(workers),
    repeat: parseCount("repeat", repeat),
    size: tiny ? "tiny" as const : short ? "short" as const : "full" as const,
    dir,
    json,
    svg,
  };
}

/** Finds out before the measuring that a path is of no use, and not after it. */
async function checkPaths(
  { dir, json, svg }: Record<"dir" | "json" | "svg", string | undefined>,
): Promise<void> {
  if (dir !== undefined) {
    try {
      await Array.fromAsync(Deno.readDir(dir));
    } catch (error) {
      throw new UsageError(`--dir cannot be read: ${messageOf(error)}`);
    }
  }
  for (const [option, path] of Object.entries({ json, svg })) {
    if (path === undefined) continue;
    try {
      // What an older run has left is kept until there is something better.
      (await Deno.open(path, { write: true, create: true })).close();
    } catch (error) {
      throw new UsageError(
        `--${option} cannot be written: ${messageOf(error)}`,
      );
    }
  }
}

async function writeReport(path: string, text: string): Promise<void> {
  try {
    await Deno.writeTextFile(path, text);
  } catch (error) {
    throw new Failure(`Cannot write the report: ${messageOf(error)}`);
  }
}

/** Shows one line on a terminal, in the place of the one before. */
function showStep(step: string): void {
  if (!Deno.stderr.isTerminal()) return;
  Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${step}`));
}

async function main(args: string[]): Promise<void> {
  const options = parseOptions(args);
  if (options === undefined) return console.log(USAGE);

  const { size, dir, json, svg, repeat } = options;
  await checkPaths(options);
  const [load] = Deno.loadavg();
  await using stack = new AsyncDisposableStack();
  const jobs: Job[] = [];
  for (const name of options.jobs) {
    showStep(`setting up ${name}`);
    const job = await JOBS[name]!({
      size,
      ...(dir === undefined ? {} : { directory: dir }),
    });
    jobs.push(stack.use(job));
  }
  const results = await measure({ ...options, jobs, onStep: showStep });
  showStep("");

  const report = createReport(results, repeat, load!);
  console.log(renderTable(report));
  if (json !== undefined) {
    await writeReport(json, JSON.stringify(report, null, 2) + "\n");
  }
  if (svg !== undefined) await writeReport(svg, renderChart(report));
}

if (import.meta.main) await runMain(main);
