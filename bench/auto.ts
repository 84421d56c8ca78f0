// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Whether the automatic executor decides right: workloads of all kinds, each
 * with every fixed choice (the event loop, threads and processes, with the best
 * worker count of each) and with `AutoExecutor`, in turns. A table, and the bars
 * that it has to reach.
 *
 * Run it with `deno task bench:auto`; `--help` shows the options. It fails where
 * a bar is missed.
 *
 * @module
 */

import { cpuCount } from "@concurrent/parallel/multiprocessing";
import { parseArgs } from "@std/cli/parse-args";
import {
  messageOf,
  parseCount,
  runMain,
  UsageError,
} from "../examples/_args.ts";
import { measureWorkload, type Plan, type Result } from "./_auto/measure.ts";
import {
  cellsOf,
  HEADS,
  judge,
  type Judgement,
  markdown,
  notesOf,
  type Sum,
  sumUp,
} from "./_auto/report.ts";
import { ServerProcess } from "./_auto/server.ts";
import { WORKLOADS } from "./_auto/workloads.ts";
import { fillPlaces } from "./_peers/document.ts";

const USAGE = `Measures whether the automatic executor decides right.

Usage: deno task bench:auto [OPTIONS]

Options:
  --only NAMES  workloads, with commas between them (default: all), of
                ${Object.keys(WORKLOADS).join(", ")}
  --rounds N    warm rounds; the table has the medians (default: 9)
  --cores N     as many workers at most, for auto and for what is multiplied
                (default: the cores)
  --short       a tenth of everything, one round
  --json FILE   write what was measured
  --doc FILE    put the table into its place in this document
  --help        print this text

"~" before a time: far behind, so only the pilot's; after a ratio: within noise.
`;

async function main(args: string[]): Promise<void> {
  const options = parseArgs(args, {
    string: ["only", "rounds", "cores", "json", "doc"],
    boolean: ["short", "help"],
    unknown: (option) => {
      throw new UsageError(`there is no option ${option}`);
    },
  });
  if (options.help) return console.log(USAGE);
  const { only, short, json, doc } = options;
  const names = parseNames(only);
  const rounds = parseCount("rounds", options.rounds ?? (short ? "1" : "9"));
  const cores = parseCount("cores", options.cores ?? `${cpuCount()}`);
  let step = "";
  const plan: Plan = {
    cores,
    rounds,
    multiples: short ? [1] : [1, 2, 4, 8],
    pilotRounds: short ? 0 : 2,
    warmUps: short ? 1 : 4,
    coldRounds: short ? 1 : Math.ceil(rounds / 2),
    delayRounds: short ? 1 : 3,
    onStep: (next) => showStep(step = next),
  };
  const results: Result[] = [];
  const rows: string[][] = [];
  const failed: string[] = [];
  await using stack = new AsyncDisposableStack();
  const directory = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(directory, { recursive: true }));
  const server = stack.use(await ServerProcess.start());
  print(HEADS);
  for (const name of names) {
    await using workload = await WORKLOADS[name]!(
      { directory, server, scale: short ? 0.1 : 1 },
    );
    let result: Result;
    try {
      result = await measureWorkload(workload, plan);
    } catch (error) {
      // The table goes on without it.
      console.log(`${step}: ${messageOf(error)}`);
      failed.push(name);
      continue;
    } finally {
      showStep("");
    }
    const cells = cellsOf(result, judge(result));
    results.push(result);
    rows.push(cells);
    print(cells);
    for (const note of notesOf(result)) console.log(`    ${note}`);
  }
  const judgements = results.map(judge);
  const sums = sumUp(judgements, failed);
  console.log("");
  for (const { bar, text, isMet } of sums) {
    console.log(`${isMet ? "met   " : "MISSED"}  ${bar}: ${text}`);
  }
  if (json !== undefined) {
    const report = { cores, rounds, results, judgements, failed, sums };
    await Deno.writeTextFile(json, `${JSON.stringify(report, null, 2)}\n`);
  }
  if (doc !== undefined) {
    const text = await Deno.readTextFile(doc);
    const section = sectionOf({ cores, rounds, rows, judgements, sums });
    await Deno.writeTextFile(
      doc,
      fillPlaces(text, new Map([["table", section]]), "auto"),
    );
  }
  if (!sums.every(({ isMet }) => isMet)) Deno.exitCode = 1;
}

function parseNames(only: string | undefined): string[] {
  const known = Object.keys(WORKLOADS);
  if (only === undefined) return known;
  const names = only.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return names;
  throw new UsageError(`--only must be of ${known.join(", ")}: ${unknown}`);
}

function sectionOf({ cores, rounds, rows, judgements, sums }: {
  cores: number;
  rounds: number;
  rows: string[][];
  judgements: readonly Judgement[];
  sums: readonly Sum[];
}): string {
  const best = judgements.map(({ best }) => best);
  return [
    `Deno ${Deno.version.deno}, ${cores} cores; medians of ${rounds} rounds.`,
    "",
    ...markdown([
      [...HEADS.slice(0, 5), "best fixed", ...HEADS.slice(5)],
      ...rows.map((row, i) => [
        ...row.slice(0, 5),
        best[i]!,
        ...row.slice(5),
      ]),
    ]),
    "",
    ...markdown([
      ["bar", "reached by", ""],
      ...sums.map(({ bar, text, isMet }) => [
        bar,
        text,
        isMet ? "met" : "MISSED",
      ]),
    ]),
  ].join("\n");
}

/** Shows one line on a terminal, in the place of the one before. */
function showStep(step: string): void {
  if (!Deno.stderr.isTerminal()) return;
  Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${step}`));
}

function print(cells: readonly string[]): void {
  const widths = [16, 10, 18, 14, 8, 12, 6, 10, 8, 9, 0];
  console.log(
    cells.map((cell, i) =>
      i === 0 || i === cells.length - 1
        ? cell.padEnd(widths[i]!)
        : cell.padStart(widths[i]!)
    ).join("  ").trimEnd(),
  );
}

if (import.meta.main) await runMain(main);
