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
import { fillPlaces } from "./_peers/document.ts";
import { measure, type Results, type Step } from "./_peers/measure.ts";
import { GROUPS, PROGRAMS, selectPrograms } from "./_peers/programs.ts";
import {
  describeMachine,
  mergeReports,
  parseReport,
  type Report,
} from "./_peers/report.ts";
import {
  type Runtime,
  selectSubjects,
  type Subject,
  SUBJECTS,
} from "./_peers/subjects.ts";
import { renderReport, renderSections } from "./_peers/table.ts";
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
  --json FILE       write what was measured, after each group of each round
  --from FILES      measure nothing: show what --json wrote, several runs as one
  --svg FILE        where to draw it (default: docs/peers.svg; not with --quick)
  --doc FILE        put the tables into their places in this document
  --help            print this text

Several names are separated by commas. Ctrl-C ends the measuring; what there is
until then is shown and written.
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
    string: ["rounds", "only", "programs", "svg", "json", "from", "doc"],
    unknown: (arg) => {
      throw new UsageError(`Unknown argument: ${arg}`);
    },
  });
  if (options.help) return undefined;
  const { quick, rounds = "5", only, programs, json, doc } = options;
  const chart = options.svg ?? (quick ? undefined : "docs/peers.svg");
  if (quick && doc !== undefined) {
    throw new UsageError("--doc does not take what was measured with --quick");
  }
  const from = parseNames(options.from);
  const paths = Object.entries({
    svg: [chart],
    json: [json],
    doc: [doc],
    from,
  });
  for (const [option, names] of paths) {
    if (names?.includes("")) {
      throw new UsageError(`--${option} must name a path`);
    }
  }
  return {
    subjects: select("only", () => selectSubjects(parseNames(only))),
    programs: select(
      "programs",
      () => selectPrograms(parseNames(programs), quick),
    ),
    rounds: parseCount("rounds", rounds),
    isQuick: quick,
    ...{ chart, json, doc, from },
  };
}

type Options = NonNullable<ReturnType<typeof parseOptions>>;

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

function clock(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}:${`${seconds % 60}`.padStart(2, "0")}`;
}

/** Says how far it is: on a terminal all the time in one line, else once a group. */
class Progress {
  readonly #rounds: number;
  readonly #start = performance.now();
  readonly #isTerminal = Deno.stderr.isTerminal();
  #last = "";

  constructor(rounds: number) {
    this.#rounds = rounds;
  }

  show({ round, group, subject }: Step): void {
    const where = `round ${round} of ${this.#rounds}: ${GROUPS[group]}`;
    const time = clock(performance.now() - this.#start);
    if (this.#isTerminal) this.#write(`\r\x1b[K${time}  ${where}, ${subject}`);
    else if (where !== this.#last) this.#write(`${time}  ${where}\n`);
    this.#last = where;
  }

  end(): void {
    if (this.#isTerminal) this.#write("\r\x1b[K");
  }

  #write(text: string): void {
    Deno.stderr.writeSync(new TextEncoder().encode(text));
  }
}

async function write(path: string, text: string): Promise<void> {
  try {
    await Deno.writeTextFile(path, text);
  } catch (error) {
    throw new Failure(`Cannot write the report: ${messageOf(error)}`);
  }
}

async function read(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw new Failure(`Cannot read the report: ${messageOf(error)}`);
  }
}

/** What other runs have measured. */
async function load(paths: readonly string[]): Promise<Report> {
  const reports: Report[] = [];
  for (const path of paths) {
    const text = await read(path);
    try {
      reports.push(parseReport(text));
    } catch (error) {
      throw new Failure(`Cannot read ${path}: ${messageOf(error)}`);
    }
  }
  return select("from", () => mergeReports(reports));
}

async function run(options: Options): Promise<Report> {
  const { programs, rounds, isQuick, json } = options;
  const [before] = Deno.loadavg();
  const { present, missing, versions } = await findSubjects(options.subjects);
  const progress = new Progress(rounds);
  // The children get the signal of a terminal too, and are given up.
  const stop = new AbortController();
  const onInterrupt = () => stop.abort();
  let step: Step | undefined;

  async function describe(results: Results, endedIn?: string): Promise<Report> {
    const machine = await describeMachine(versions, before!);
    return {
      runs: [{
        ...{ machine, rounds, isQuick },
        ...(endedIn === undefined ? {} : { endedIn }),
      }],
      ...{ subjects: present, programs, results, missing },
    };
  }
  const place = ({ round, group }: Step) => `round ${round}, ${group}`;
  async function save(results: Results, endedIn?: string): Promise<void> {
    if (json === undefined) return;
    const report = await describe(results, endedIn);
    await write(json, JSON.stringify(report, null, 2) + "\n");
  }

  Deno.addSignalListener("SIGINT", onInterrupt);
  try {
    const results = await measure({
      ...{ subjects: present, programs, rounds },
      ...(isQuick ? { warmUp: 200 } : {}),
      signal: stop.signal,
      async onStep(next) {
        progress.show(next);
        const last = step;
        step = next;
        if (last !== undefined && place(last) !== place(next)) {
          await save(next.results, place(next));
        }
      },
    });
    const endedIn = stop.signal.aborted && step ? place(step) : undefined;
    await save(results, endedIn);
    return await describe(results, endedIn);
  } finally {
    Deno.removeSignalListener("SIGINT", onInterrupt);
    progress.end();
  }
}

/** Puts the tables into a document that says what they mean. */
async function fill(path: string, report: Report): Promise<void> {
  const text = await read(path);
  try {
    await write(path, fillPlaces(text, renderSections(report, BARS)));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new Failure(`Cannot fill ${path}: ${error.message}`);
  }
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--quiet", path],
  }).output();
  if (!success) throw new Failure(`Cannot format ${path}`);
}

async function main(args: string[]): Promise<void> {
  const options = parseOptions(args);
  if (options === undefined) return console.log(USAGE);

  const { chart, doc, from } = options;
  const report = from === undefined ? await run(options) : await load(from);
  if (chart !== undefined) await write(chart, renderChart(report));
  if (doc !== undefined) await fill(doc, report);
  console.log(renderReport(report, BARS));
  if (report.runs.some(({ endedIn }) => endedIn !== undefined)) {
    console.error("The measuring was ended before its end");
    if (from === undefined) Deno.exit(130);
  }
}

if (import.meta.main) await runMain(main);
