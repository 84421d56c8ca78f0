// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * The same programs on this package, on the pools of npm in Deno and Node.js,
 * on Python's `concurrent.futures` and on the bare platform, in turn: tables
 * with the medians, a chart, and what has to be reached.
 *
 * Run it with `deno task bench:peers`; `--help` shows the options.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import {
  Failure,
  messageOf,
  parseCount,
  runMain,
  UsageError,
} from "../examples/_args.ts";
import { BARS } from "./_peers/bars.ts";
import { renderChart } from "./_peers/chart.ts";
import { measure } from "./_peers/measure.ts";
import { PROGRAMS, selectPrograms } from "./_peers/programs.ts";
import { describeMachine, type Report } from "./_peers/report.ts";
import {
  type Runtime,
  selectSubjects,
  type Subject,
  SUBJECTS,
} from "./_peers/subjects.ts";
import { renderReport } from "./_peers/table.ts";
import { installPeers, versionOf } from "./_support/install.ts";

const USAGE = `Measures this package beside other pools.

Usage: deno task bench:peers [OPTIONS]

Options:
  --rounds N        how often to measure; the tables have the medians (default: 5)
  --only NAMES      ${
  [...new Set(SUBJECTS.map(({ name }) => name))].join(", ")
},
                    each also with @deno, @node or @python (default: all that
                    can be had)
  --programs NAMES  ${PROGRAMS.map(({ name }) => name).join(", ")}
                    (default: all)
  --quick           fewer calls: only to see that everything works
  --svg FILE        where to draw it (default: docs/peers.svg; not with --quick)
  --json FILE       write what was measured
  --help            print this text

Several names are separated by commas.
`;

function parseNames(text: string | undefined): string[] | undefined {
  return text?.split(",").map((name) => name.trim());
}

function select<T>(option: string, choose: () => T): T {
  try {
    return choose();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(`--${option}: ${error.message}`);
  }
}

function parseOptions(args: string[]) {
  const options = parseArgs(args, {
    boolean: ["help", "quick"],
    string: ["rounds", "only", "programs", "svg", "json"],
    unknown: (arg) => {
      throw new UsageError(`Unknown argument: ${arg}`);
    },
  });
  if (options.help) return undefined;
  const { quick, rounds = "5", only, programs, json } = options;
  const chart = options.svg ?? (quick ? undefined : "docs/peers.svg");
  for (const [option, path] of Object.entries({ svg: chart, json })) {
    if (path === "") throw new UsageError(`--${option} must name a path`);
  }
  return {
    subjects: select("only", () => selectSubjects(parseNames(only))),
    programs: select(
      "programs",
      () => selectPrograms(parseNames(programs), quick),
    ),
    rounds: parseCount("rounds", rounds),
    isQuick: quick,
    chart,
    json,
  };
}

/** Those subjects that can run here; why the others cannot; what versions they are of. */
async function findSubjects(subjects: readonly Subject[]) {
  const packages = subjects.some(({ npm }) => npm !== undefined)
    ? await installPeers()
    : new Map<string, string>();
  const runtimes: Record<Runtime, string | undefined> = {
    deno: Deno.version.deno,
    node: await versionOf("node"),
    python: await versionOf("python3"),
  };
  const present: Subject[] = [];
  const missing: [id: string, reason: string][] = [];
  const versions: Record<string, string> = {};
  for (const subject of subjects) {
    const { id, runtime, npm } = subject;
    const version = runtimes[runtime];
    if (version === undefined) {
      missing.push([id, `there is no ${runtime}`]);
    } else if (npm !== undefined && !packages.has(npm)) {
      missing.push([id, "its package could not be installed"]);
    } else {
      present.push(subject);
      versions[runtime] = version;
      if (npm !== undefined) versions[npm] = packages.get(npm)!;
    }
  }
  return { present, missing, versions };
}

/** Shows one line on a terminal, in the place of the one before. */
function showStep(step: string): void {
  if (!Deno.stderr.isTerminal()) return;
  Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${step}`));
}

async function write(path: string, text: string): Promise<void> {
  try {
    await Deno.writeTextFile(path, text);
  } catch (error) {
    throw new Failure(`Cannot write the report: ${messageOf(error)}`);
  }
}

async function main(args: string[]): Promise<void> {
  const options = parseOptions(args);
  if (options === undefined) return console.log(USAGE);

  const { programs, rounds, isQuick, chart, json } = options;
  const [load] = Deno.loadavg();
  showStep("looking for packages");
  const { present, missing, versions } = await findSubjects(options.subjects);
  const results = await measure({
    ...{ subjects: present, programs, rounds, onStep: showStep },
    ...(isQuick ? { warmUp: 200 } : {}),
  });
  showStep("");

  const machine = await describeMachine(versions, load!);
  const report: Report = {
    ...{ machine, rounds, isQuick, programs, results, missing },
    subjects: present,
  };
  if (json !== undefined) {
    await write(json, JSON.stringify(report, null, 2) + "\n");
  }
  if (chart !== undefined) await write(chart, renderChart(report));
  console.log(renderReport(report, BARS));
}

if (import.meta.main) await runMain(main);
