// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * What an executor over BullMQ costs beside plain BullMQ: tasks that do nothing,
 * over the same Redis server, one process that submits and one that runs them on
 * each side. The rounds of both take turns, and the table has the medians.
 *
 * Run it with `deno task bench:distributed`; `--help` shows the options. It needs
 * a `redis-server`, and fails where a bar is missed.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { Failure, parseCount, runMain, UsageError } from "../examples/_args.ts";
import { hasRedis, RedisServer } from "../tests/distributed/_redis.ts";
import { median } from "./_auto/statistics.ts";
import { markdown } from "./_auto/report.ts";
import { createRows, HEADS, judge, type Row } from "./_distributed/rows.ts";
import { fillPlaces } from "./_peers/document.ts";
import { Program } from "./_support/program.ts";

const USAGE = `Measures what an executor costs beside plain BullMQ.

Usage: deno task bench:distributed [OPTIONS]

Options:
  --repeat N       how often to measure; the table has the medians (default: 7)
  --tasks N        tasks of a round (default: 5000)
  --concurrency N  tasks that run at a time, with commas between several
                   (default: 1,2,8)
  --backend NAME   what the node's workers are: threads or processes
                   (default: threads)
  --short          a tenth of everything, one round
  --doc FILE       put the table into its place in this document
  --help           print this text
`;

/** Rounds before those that count. */
const WARM_UP = 3;

async function main(args: string[]): Promise<void> {
  const options = parseArgs(args, {
    string: ["repeat", "tasks", "concurrency", "backend", "doc"],
    boolean: ["short", "help"],
    unknown: (option) => {
      throw new UsageError(`there is no option ${option}`);
    },
  });
  if (options.help) return console.log(USAGE);
  const { short, doc } = options;
  const repeat = parseCount("repeat", options.repeat ?? (short ? "1" : "7"));
  const tasks = parseCount("tasks", options.tasks ?? (short ? "500" : "5000"));
  const concurrencies = (options.concurrency ?? "1,2,8").split(",")
    .map((text) => parseCount("concurrency", text));
  const { backend = "threads" } = options;
  if (backend !== "threads" && backend !== "processes") {
    throw new UsageError(`--backend is threads or processes, not ${backend}`);
  }
  if (!hasRedis()) throw new Failure("there is no redis-server on PATH");
  await using server = await RedisServer.start();
  const lines: string[][] = [];
  let isMissed = false;
  print(HEADS);
  for (const concurrency of concurrencies) {
    await using stack = new AsyncDisposableStack();
    const start = async (name: string) => {
      const path = new URL(`_distributed/${name}.ts`, import.meta.url);
      const program = stack.use(Program.deno(name, path));
      const queue = `${name}-${concurrency}`;
      await program.call({
        scenario: "start",
        args: [server.url, queue, concurrency, backend],
      });
      return program;
    };
    const programs = {
      bullmq: await start("bullmq"),
      ours: await start("ours"),
    };
    for (const row of createRows(concurrency, tasks)) {
      const judged = judge(row, await measure(row, repeat, programs));
      if (judged.isMet === false) isMissed = true;
      lines.push(judged.cells);
      print(judged.cells);
    }
  }
  if (doc !== undefined) {
    const redis = `${await server.command("INFO", "server")}`;
    const version = /redis_version:(\S+)/.exec(redis)?.[1];
    const about = `Deno ${Deno.version.deno}, Redis ${version}; ` +
      `medians of ${repeat} rounds of ${tasks} tasks.`;
    const section = [about, "", ...markdown([HEADS, ...lines])].join("\n");
    const text = await Deno.readTextFile(doc);
    await Deno.writeTextFile(
      doc,
      fillPlaces(text, new Map([["table", section]]), "distributed"),
    );
  }
  if (isMissed) Deno.exitCode = 1;
}

async function measure(
  { bullmq, ours }: Row,
  repeat: number,
  programs: Record<"bullmq" | "ours", Program>,
): Promise<Record<"bullmq" | "ours", number>> {
  const values: Record<"bullmq" | "ours", number[]> = { bullmq: [], ours: [] };
  // The first rounds warm up: five processes, each with an engine that learns.
  const warmUp = repeat > 1 ? WARM_UP : 0;
  for (let i = -warmUp; i < repeat; i++) {
    const one = await programs.bullmq.call(bullmq);
    const other = await programs.ours.call(ours);
    if (i < 0) continue;
    values.bullmq.push(one);
    values.ours.push(other);
  }
  return { bullmq: median(values.bullmq), ours: median(values.ours) };
}

function print(cells: readonly string[]): void {
  const widths = [46, 12, 20, 8, 5, 0];
  console.log(
    cells.map((cell, i) =>
      i === 0 || i > 3 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)
    ).join("  ").trimEnd(),
  );
}

if (import.meta.main) await runMain(main);
