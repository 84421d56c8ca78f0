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
import { renderChart } from "./_speedup/chart.ts";
import type { Job } from "./_speedup/job.ts";
import { JOBS } from "./_speedup/jobs.ts";
import { type Backend, BACKENDS, measure } from "./_speedup/measure.ts";
import { createReport } from "./_speedup/report.ts";
import { renderTable } from "./_speedup/table.ts";

const USAGE = `Measures what more workers gain.

Usage: deno task speedup [OPTIONS]

Options:
  --job NAMES      ${Object.keys(JOBS).join(", ")} (default: all)
  --backend NAMES  ${BACKENDS.join(", ")} (default: all)
  --workers LIST   numbers of workers (default: 1, 2, 4, … up to twice the cores)
  --repeat N       how often to measure; the table has the medians (default: 3)
  --dir DIR        count the words of these files instead of generated ones
  --json FILE      write what was measured
  --svg FILE       draw it, with the ideal line
  --short          smaller jobs, no more workers than cores
  --tiny           tiny jobs: only to see that everything works
  --help           print this text

Several names or numbers are separated by commas.
`;

class UsageError extends Error {}

function parseNames<T extends string>(
  option: string,
  text: string | undefined,
  known: readonly T[],
): readonly T[] {
  if (text === undefined) return known;
  return text.split(",").map((name) => {
    const found = known.find((other) => other === name.trim());
    if (found !== undefined) return found;
    throw new UsageError(`--${option} must be of ${known.join(", ")}: ${name}`);
  });
}

function parseCounts(option: string, text: string): number[] {
  return text.split(",").map((part) => {
    const value = Number(part);
    if (Number.isInteger(value) && value > 0) return value;
    throw new UsageError(`--${option} must be a positive integer: ${part}`);
  });
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
  const [count, ...others] = parseCounts("repeat", repeat);
  if (others.length > 0) throw new UsageError("--repeat must be one number");
  return {
    jobs: parseNames("job", options.job, Object.keys(JOBS)),
    backends: parseNames<Backend>("backend", options.backend, BACKENDS),
    workers: workers === undefined
      ? powersUpTo(cpuCount() * (short ? 1 : 2))
      : parseCounts("workers", workers),
    repeat: count!,
    size: tiny ? "tiny" as const : short ? "short" as const : "full" as const,
    dir,
    json,
    svg,
  };
}

/** Shows one line on a terminal, in the place of the one before. */
function showStep(step: string): void {
  if (!Deno.stderr.isTerminal()) return;
  Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${step}`));
}

async function main(args: string[]): Promise<void> {
  const options = parseOptions(args);
  if (options === undefined) return console.log(USAGE);

  const { size, dir, repeat } = options;
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
  if (options.json !== undefined) {
    await Deno.writeTextFile(
      options.json,
      JSON.stringify(report, null, 2) + "\n",
    );
  }
  if (options.svg !== undefined) {
    await Deno.writeTextFile(options.svg, renderChart(report));
  }
}

if (import.meta.main) {
  try {
    await main(Deno.args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n\n${USAGE}`);
    Deno.exit(2);
  }
}
