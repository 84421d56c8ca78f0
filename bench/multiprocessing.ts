// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * What processes say to each other, with and without `--allow-ffi`, beside
 * Python's `multiprocessing` and `fork()` of `node:child_process` in Deno: a
 * table with the bars that it has to reach. Each implementation runs in a
 * program of its own; the rounds of all of them take turns, and the table has
 * the medians.
 *
 * Run it with `deno task bench:multiprocessing`; `--help` shows the options. It
 * fails where a bar is missed.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { parseCount, runMain, UsageError } from "../examples/_args.ts";
import type { Command } from "./_multiprocessing/scenarios.ts";
import { fillPlaces } from "./_peers/document.ts";
import { versionOf } from "./_support/install.ts";
import { Program, WrongResult } from "./_support/program.ts";

const USAGE = `Measures what processes say to each other.

Usage: deno task bench:multiprocessing [OPTIONS]

Options:
  --repeat N   how often to measure; the table has the medians (default: 5)
  --only TEXT  the rows whose names hold this
  --short      a tenth of everything, one round
  --doc FILE   put the table into its place in this document
  --help       print this text
`;

const NAMES = ["ours", "without", "python", "fork"] as const;
const HEADS = [
  "",
  "with FFI",
  "without",
  "Python",
  "fork",
  "to Python",
  "bar",
  "",
];

type Unit = "/s" | "us" | "ms";
type Medians = Record<typeof NAMES[number], number>;

/** One line of the table. */
interface Row {
  readonly name: string;
  readonly unit: Unit;
  readonly command: Command;
  /** Times as good as Python at least. */
  readonly bar?: number;
}

function createRows(scale: number): Row[] {
  const manners = ["await", "for", "sync"] as const;
  const directions = [
    ["up", "child to parent"],
    ["down", "parent to child"],
    ["across", "child to child"],
  ] as const;
  const ms = 500 * scale;
  return [
    ...directions.flatMap(([direction, text]) =>
      manners.map((manner): Row => ({
        name: `queue, ${text}, ${
          { await: "await", for: "for await", sync: "blocking" }[manner]
        }`,
        unit: "/s",
        command: {
          scenario: "queue",
          args: [direction, manner, 100_000 * scale],
        },
        bar: 5,
      }))
    ),
    {
      name: "pipe, round trip of a small object",
      unit: "us",
      command: { scenario: "pipe", args: [30_000 * scale] },
      bar: 2,
    },
    ...[1, 2].flatMap((count) =>
      (["await", "sync"] as const).map((manner): Row => ({
        name: `lock, ${count === 1 ? "one child" : "two children want it"}, ${
          manner === "sync" ? "blocking" : manner
        }`,
        unit: "us",
        command: { scenario: "lock", args: [count, manner, ms] },
      }))
    ),
    ...(["pipe", "shared"] as const).map((how): Row => ({
      name: how === "pipe"
        ? `${100 * scale} MB through a pipe`
        : `${100 * scale} MB in SharedMemory`,
      unit: "ms",
      command: { scenario: "bytes", args: [how, 1e8 * scale] },
    })),
    ...[null, 1].map((chunkSize): Row => ({
      name: `Pool.map of ${10_000 * scale} tasks, ${
        chunkSize === null ? "default chunks" : "chunks of one"
      }`,
      unit: "ms",
      command: { scenario: "map", args: [10_000 * scale, chunkSize] },
      bar: 10,
    })),
  ];
}

async function main(args: string[]): Promise<void> {
  const options = parseArgs(args, {
    string: ["repeat", "only", "doc"],
    boolean: ["short", "help"],
    unknown: (option) => {
      throw new UsageError(`there is no option ${option}`);
    },
  });
  if (options.help) return console.log(USAGE);
  const { only = "", doc, short } = options;
  const repeat = parseCount("repeat", options.repeat ?? (short ? "1" : "5"));
  const rows = createRows(short ? 0.1 : 1)
    .filter(({ name }) => name.includes(only));
  if (rows.length === 0) {
    throw new UsageError(`--only must be in a row's name: ${only}`);
  }
  await using stack = new AsyncDisposableStack();
  const start = (name: string, file: string, flags?: readonly string[]) =>
    stack.use(Program.deno(name, program(file), flags));
  const python = await versionOf("python3");
  const programs: Record<keyof Medians, Program | undefined> = {
    ours: start("multiprocessing", "ours.ts"),
    without: start("multiprocessing without FFI", "ours.ts", ["--deny-ffi"]),
    python: python === undefined
      ? undefined
      : stack.use(Program.python(`Python ${python}`, program("python.py"))),
    fork: start("fork", "fork.ts"),
  };
  const notes = new Set<string>();
  const lines: string[][] = [];
  let isMissed = false;
  print(HEADS);
  for (const row of rows) {
    const medians = await measure(row, repeat, programs, notes);
    const ratio = row.unit === "/s"
      ? medians.ours / medians.python
      : medians.python / medians.ours;
    const isMet = row.bar === undefined || Number.isNaN(ratio)
      ? undefined
      : ratio >= row.bar;
    if (isMet === false) isMissed = true;
    const line = [
      row.name,
      ...NAMES.map((name) => format(medians[name], row.unit)),
      Number.isNaN(ratio) ? "" : `${round(ratio)}x`,
      row.bar === undefined ? "" : `${row.bar}x`,
      isMet === undefined ? "" : isMet ? "met" : "MISSED",
    ];
    lines.push(line);
    print(line);
  }
  for (const note of notes) console.log(note);
  if (doc !== undefined) {
    const about =
      `Deno ${Deno.version.deno}, Python ${python}; medians of ${repeat} rounds.`;
    const text = await Deno.readTextFile(doc);
    const section = [about, "", ...table([HEADS, ...lines])].join("\n");
    await Deno.writeTextFile(
      doc,
      fillPlaces(text, new Map([["table", section]]), "multiprocessing"),
    );
  }
  if (isMissed) Deno.exitCode = 1;
}

function program(file: string): URL {
  return new URL(`_multiprocessing/${file}`, import.meta.url);
}

async function measure(
  { command }: Row,
  repeat: number,
  programs: Record<keyof Medians, Program | undefined>,
  notes: Set<string>,
): Promise<Medians> {
  const values: Record<keyof Medians, number[]> = {
    ours: [],
    without: [],
    python: [],
    fork: [],
  };
  for (let i = 0; i < repeat; i++) {
    for (const name of NAMES) {
      try {
        values[name].push(await programs[name]?.call(command) ?? NaN);
      } catch (error) {
        const isOurs = name === "ours" || name === "without";
        if (isOurs || !(error instanceof WrongResult)) throw error;
        // The table goes on without it.
        notes.add(error.message);
      }
    }
  }
  const median = (values: number[]) =>
    values.sort((a, b) => a - b)[values.length >> 1] ?? NaN;
  return {
    ours: median(values.ours),
    without: median(values.without),
    python: median(values.python),
    fork: median(values.fork),
  };
}

function round(value: number): string {
  if (value >= 100) {
    return Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, " ");
  }
  return value.toPrecision(value < 1 ? 2 : 3);
}

function format(value: number, unit: Unit): string {
  if (Number.isNaN(value)) return "";
  return `${round(value)} ${unit}`.replace(" /s", "/s").replace("us", "µs");
}

function print(cells: string[]): void {
  const widths = [46, 12, 12, 12, 12, 10, 4, 6];
  console.log(
    cells.map((cell, i) =>
      i === 0 || i > 5 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)
    ).join("  ").trimEnd(),
  );
}

/** The lines of a table in Markdown. */
function table([head, ...rows]: string[][]): string[] {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  return [line(head!), line(head!.map(() => "---")), ...rows.map(line)];
}

if (import.meta.main) await runMain(main);
