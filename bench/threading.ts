// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * What locks and queues cost, against a bare loop over `Atomics` and against
 * `multithreading` of npm: a table with the bars that they have to reach. Each
 * implementation runs in a process of its own; the rounds of all of them take
 * turns, and the table has the medians.
 *
 * Run it with `deno task bench:threading`; `--help` shows the options. It fails
 * where a bar is missed.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { parseCount, runMain, UsageError } from "../examples/_args.ts";
import { Program, WrongResult } from "./_support/program.ts";
import type { Command } from "./_threading/scenarios.ts";

const USAGE = `Measures what locks and queues cost.

Usage: deno task bench:threading [OPTIONS]

Options:
  --repeat N  how often to measure; the table has the medians (default: 7)
  --short     fewer rounds, no rival
  --help      print this text
`;

type Unit = "ns" | "/s" | "ms";

/** One line of the table. */
interface Row {
  readonly name: string;
  readonly unit: Unit;
  readonly command: Command;
  /** Measured so often at most: it takes long. */
  readonly limit?: number;
  readonly bar?: {
    readonly text: string;
    isMet(medians: Medians): boolean | undefined;
  };
}

/** By implementation; NaN where it has no such thing. */
interface Medians {
  readonly bare: number;
  readonly ours: number;
  readonly peer: number;
}

function createRows(scale: number): Row[] {
  const rounds = 1_000_000 * scale;
  const counts = 200_000 * scale;
  const ms = 2_000 * scale;
  return [
    {
      name: "acquire and release, free, blocking",
      unit: "ns",
      command: { scenario: "uncontended", args: [rounds] },
      bar: {
        text: "at most 2x bare",
        isMet: ({ ours, bare }) => ours <= 2 * bare,
      },
    },
    {
      name: "acquire and release, free, await",
      unit: "ns",
      command: { scenario: "uncontendedAsync", args: [rounds / 2] },
      bar: { text: "at most 1000 ns", isMet: ({ ours }) => ours <= 1000 },
    },
    ...[2, 4, 8].map((threads): Row => ({
      name: `count under one lock, ${threads} threads`,
      unit: "/s",
      command: { scenario: "contended", args: [threads, counts] },
      ...(threads > 2 ? {} : {
        bar: {
          text: "at least 2x the peer",
          isMet: ({ ours, peer }: Medians) =>
            Number.isNaN(peer) ? undefined : ours >= 2 * peer,
        },
      }),
    })),
    {
      name: "queue of numbers, two threads",
      unit: "/s",
      command: { scenario: "queue", args: [rounds / 5] },
      bar: {
        text: "at least 1 000 000/s",
        isMet: ({ ours }) => ours >= 1_000_000,
      },
    },
    ...(["blocked", "async"] as const).map((how): Row => ({
      name: `8 threads wait ${ms / 1000} s, ${how}: processor time`,
      unit: "ms",
      command: { scenario: "waiting", args: [8, ms, how] },
      limit: 3,
      bar: { text: "under 20 ms", isMet: ({ ours }) => ours < 20 },
    })),
  ];
}

async function main(args: string[]): Promise<void> {
  const options = parseArgs(args, {
    string: ["repeat"],
    boolean: ["short", "help"],
    unknown: (option) => {
      throw new UsageError(`there is no option ${option}`);
    },
  });
  if (options.help) return console.log(USAGE);
  const repeat = options.repeat === undefined
    ? options.short ? 3 : 7
    : parseCount("repeat", options.repeat);
  await using stack = new AsyncDisposableStack();
  const bare = stack.use(Program.deno("bare Atomics", program("bare.ts")));
  const ours = stack.use(Program.deno("threading", program("ours.ts")));
  let peer: Program | undefined;
  if (!options.short) {
    const found = await Program.peer("multithreading");
    if (typeof found === "string") console.log(found);
    else peer = stack.use(found);
  }
  let isMissed = false;
  const notes = new Set<string>();
  print(["", "bare Atomics", "threading", peer?.name ?? "", "bar", ""]);
  for (const row of createRows(options.short ? 0.1 : 1)) {
    const medians = await measure(row, repeat, { bare, ours, peer }, notes);
    const isMet = row.bar?.isMet(medians);
    if (isMet === false) isMissed = true;
    print([
      row.name,
      format(medians.bare, row.unit),
      format(medians.ours, row.unit),
      format(medians.peer, row.unit),
      row.bar?.text ?? "",
      isMet === undefined ? "" : isMet ? "met" : "MISSED",
    ]);
  }
  for (const note of notes) console.log(note);
  if (isMissed) Deno.exitCode = 1;
}

function program(file: string): URL {
  return new URL(`_threading/${file}`, import.meta.url);
}

async function measure(
  { command, limit = Infinity }: Row,
  repeat: number,
  programs: Record<keyof Medians, Program | undefined>,
  notes: Set<string>,
): Promise<Medians> {
  const names = ["bare", "ours", "peer"] as const;
  const values: Record<keyof Medians, number[]> = {
    bare: [],
    ours: [],
    peer: [],
  };
  const rounds = Math.min(repeat, limit);
  // Where all rounds count but the first one: it has compiled what the others run.
  const warm = limit === Infinity ? 1 : 0;
  for (let i = -warm; i < rounds; i++) {
    for (const name of names) {
      try {
        const value = await programs[name]?.call(command) ?? NaN;
        if (i >= 0) values[name].push(value);
      } catch (error) {
        if (name !== "peer" || !(error instanceof WrongResult)) throw error;
        // The table goes on without it.
        notes.add(error.message);
      }
    }
  }
  return {
    bare: median(values.bare),
    ours: median(values.ours),
    peer: median(values.peer),
  };
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] ?? NaN;
}

function format(value: number, unit: Unit): string {
  if (Number.isNaN(value)) return "";
  const text = value < 100 ? value.toFixed(1) : Math.round(value).toString()
    .replace(/\B(?=(\d{3})+$)/g, " ");
  return `${text} ${unit}`.replace(" /s", "/s");
}

function print(cells: string[]): void {
  const widths = [46, 14, 14, 16, 22, 6];
  console.log(
    cells.map((cell, i) =>
      i === 0 || i > 3 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)
    ).join("  ").trimEnd(),
  );
}

if (import.meta.main) await runMain(main);
