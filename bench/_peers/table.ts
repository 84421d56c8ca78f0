// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { type Bar, judge } from "./bars.ts";
import type { Cell, Results } from "./measure.ts";
import { type Group, GROUPS, type Program, type Unit } from "./programs.ts";
import type { Report } from "./report.ts";
import type { Subject } from "./subjects.ts";

/** Three digits that count. */
function digits(value: number): string {
  if (value >= 100) {
    return Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, " ");
  }
  if (value === 0) return "0";
  return value.toFixed(value >= 10 ? 1 : value >= 1 ? 2 : 3);
}

/** A figure with its unit: small times in µs, large ones in ms or s. */
export function formatFigure(value: number, unit: Unit): string {
  if (Number.isNaN(value)) return "";
  switch (unit) {
    case "x":
      return `${value.toFixed(2)}x`;
    case "MB":
      return `${digits(value)} MB`;
    case "us":
      return value < 10_000
        ? `${digits(value)} µs`
        : formatFigure(value / 1000, "ms");
    case "ms":
      if (value !== 0 && value < 0.1) return formatFigure(value * 1000, "us");
      return value < 10_000
        ? `${digits(value)} ms`
        : `${digits(value / 1000)} s`;
  }
}

/** How often something takes as long as something else, or how much more it gains. */
export function formatRatio(value: number, base: number, unit: Unit): string {
  const ratio = unit === "x" ? base / value : value / base;
  if (!Number.isFinite(ratio)) return "";
  return ratio >= 100 ? `${Math.round(ratio)}` : ratio.toFixed(1);
}

const FAILURES = {
  hangs: "hangs",
  dies: "dies",
  wrong: "loses tasks",
  fails: "fails",
} as const;

/** One column: a figure of a program. */
interface Column {
  readonly program: Program;
  readonly title: string;
  readonly figure: string;
  readonly unit: Unit;
  readonly hasRatio: boolean;
}

function columnsOf(program: Program): Column[] {
  const main: Column = {
    program,
    title: program.title,
    figure: "value",
    unit: program.unit,
    hasRatio: true,
  };
  const side = (title: string, figure: string, unit: Unit): Column => ({
    ...{ program, title, figure, unit },
    hasRatio: false,
  });
  switch (program.kind) {
    case "start":
      return [side("import", "import", "ms"), main];
    case "sequential":
      return [
        main,
        side("p99", "p99", "us"),
        side("caller's CPU", "cpu", "us"),
      ];
    case "burst":
      return program.name === "burst"
        ? [main, side("caller's CPU", "cpu", "us")]
        : [main];
    case "uneven":
      return [main, side("p99", "p99", "ms")];
    default:
      return [main];
  }
}

/** Ours of the same kind: what ratios are taken of. */
export function oursFor(
  subject: Subject,
  subjects: readonly Subject[],
): Subject | undefined {
  const kind = subject.kind === "floor" ? "threads" : subject.kind;
  return subjects.find((other) =>
    other.maker === "ours" && other.kind === kind
  );
}

function renderCell(
  cell: Cell | undefined,
  { figure, unit, hasRatio, program }: Column,
  subject: Subject,
  base: Subject | undefined,
  results: Results,
): string {
  if (cell === undefined) return "";
  if (cell.rounds.length === 0) {
    return figure === "value" ? FAILURES[cell.failures[0]!.state] : "";
  }
  const value = results.median(subject.id, program.name, figure);
  const text = formatFigure(value, unit);
  // Part of the rounds went wrong: the note says how.
  const mark = cell.failures.length > 0 && figure === "value" ? "*" : "";
  if (!hasRatio || base === undefined || base === subject || text === "") {
    return text + mark;
  }
  const baseValue = results.median(base.id, program.name, figure);
  const ratio = formatRatio(value, baseValue, unit);
  return ratio === "" ? text + mark : `${text}${mark} (${ratio})`;
}

/** Rows as a Markdown table, with columns of equal width. */
export function renderMarkdown(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, i) =>
    Math.max(3, ...rows.map((row) => row[i]!.length))
  );
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`;
  return [
    line(rows[0]!),
    line(widths.map((width) => "-".repeat(width))),
    ...rows.slice(1).map(line),
  ].join("\n");
}

const RUNTIMES = { deno: "Deno", node: "Node.js", python: "Python" } as const;

/** What the tables call a subject. */
export function labelOf({ name, runtime, maker }: Subject): string {
  return maker === "ours" ? `**${name}**` : `${name}, ${RUNTIMES[runtime]}`;
}

function renderGroup(group: Group, report: Report): string | undefined {
  const { subjects, programs, results } = report;
  const columns = programs.filter((program) => program.group === group)
    .flatMap(columnsOf);
  if (columns.length === 0) return undefined;
  const rows = subjects.flatMap((subject) => {
    const base = oursFor(subject, subjects);
    const cells = columns.map((column) =>
      renderCell(
        results.find(subject.id, column.program.name),
        ...[column, subject, base, results] as const,
      )
    );
    return cells.every((cell) => cell === "")
      ? []
      : [[labelOf(subject), ...cells]];
  });
  const head = ["", ...columns.map(({ title }) => title)];
  return renderMarkdown([head, ...rows]);
}

function renderNotes(
  { subjects, programs, results, missing }: Report,
): string[] {
  const notes = missing.map(([id, reason]) => `${id}: not measured, ${reason}`);
  for (const { id } of subjects) {
    // One line for each way to fail, with the programs that failed so.
    const reasons = new Map<string, string[]>();
    for (const { name } of programs) {
      const { failures = [], rounds = [] } = results.find(id, name) ?? {};
      const [first] = failures;
      if (first === undefined) continue;
      const total = failures.length + rounds.length;
      const how = `${FAILURES[first.state]} (${first.reason})`;
      reasons.set(how, [
        ...reasons.get(how) ?? [],
        `${name} in ${failures.length} of ${total}`,
      ]);
    }
    const start = results.find(id, "start");
    const isDown = start?.rounds.length === 0 && start.failures.length > 0;
    for (const [how, names] of reasons) {
      notes.push(`${id}: ${how}: ${isDown ? "all of it" : names.join(", ")}`);
    }
  }
  return notes;
}

/** The bars as a table. */
export function renderBars(bars: readonly Bar[], report: Report): string {
  const rows = bars.map((bar) => {
    const { measured, isMet } = judge(bar, report);
    const verdict = isMet === undefined ? "" : isMet ? "met" : "not met";
    return [bar.what, bar.subject, bar.text, measured, verdict];
  });
  return renderMarkdown([["", "of", "bar", "measured", ""], ...rows]);
}

/** Where, when and with what it was measured: a line for each run. */
function renderRuns({ runs }: Report): string {
  const lines = runs.map(({ machine, rounds, isQuick, endedIn }) => {
    const { date, commit, cores, cpu, os, load } = machine;
    const versions = Object.entries(machine.versions)
      .map(([name, version]) => `${name} ${version}`).join(", ");
    const [before, after] = load.map((value) => value.toFixed(1));
    return [
      `${date}, commit ${commit}.`,
      `${cores} cores (${cpu}), ${os}, load ${before} before and ${after} after.`,
      `${versions}.`,
      `Medians of ${rounds} rounds${
        endedIn === undefined ? "" : `, ended in ${endedIn}`
      }${isQuick ? ", quick: the numbers are too small to compare" : ""}.`,
    ].join(" ");
  });
  const legend =
    "In parentheses: how many times as long as ours of the same kind (for gains: how many times less).";
  return lines.length === 1
    ? `${lines[0]} ${legend}`
    : `${lines.map((line) => `- ${line}`).join("\n")}\n\n${legend}`;
}

/** The parts of a report: what the document has a place for, by name. */
export function renderSections(
  report: Report,
  bars: readonly Bar[],
): Map<string, string> {
  const sections = new Map([["runs", renderRuns(report)]]);
  for (const group of Object.keys(GROUPS) as Group[]) {
    const table = renderGroup(group, report);
    if (table !== undefined) sections.set(group, table);
  }
  const notes = renderNotes(report).map((note) => `- ${note}`).join("\n");
  sections.set("failures", notes);
  sections.set("bars", renderBars(bars, report));
  return sections;
}

/** The report as text. */
export function renderReport(report: Report, bars: readonly Bar[]): string {
  const titles: Record<string, string> = { ...GROUPS, bars: "Bars" };
  return [...renderSections(report, bars)]
    .filter(([, text]) => text !== "")
    .map(([name, text]) =>
      name in titles ? `### ${titles[name]}\n\n${text}` : text
    )
    .join("\n\n");
}
