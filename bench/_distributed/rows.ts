// Copyright 2026 the @concurrent/parallel authors. MIT license.

import type { Command } from "../_support/program.ts";

/** One line of the table. */
export interface Row {
  readonly name: string;
  readonly unit: "/s" | "µs";
  readonly bullmq: Command;
  readonly ours: Command;
  /** Times as good as BullMQ at least. */
  readonly bar?: number;
}

/** The first line of the table. */
export const HEADS = [
  "",
  "BullMQ",
  "DistributedExecutor",
  "ratio",
  "bar",
  "",
];

/** What is measured with so many tasks at a time. */
export function createRows(concurrency: number, tasks: number): Row[] {
  const at = `, ${concurrency} at a time`;
  const command = (scenario: string, count = tasks): Command => ({
    scenario,
    args: [count],
  });
  return [
    {
      name: `submit${at}: add() each, waitUntilFinished()`,
      unit: "/s",
      bullmq: command("submit"),
      ours: command("submit"),
      bar: 0.8,
    },
    {
      name: `submit${at}: addBulk(), waitUntilFinished()`,
      unit: "/s",
      bullmq: command("bulk"),
      ours: command("submit"),
      bar: 0.8,
    },
    {
      name: `submit${at}: addBulk(), no results`,
      unit: "/s",
      bullmq: command("forget"),
      ours: command("submit"),
    },
    {
      name: `map${at}: addBulk(), waitUntilFinished()`,
      unit: "/s",
      bullmq: command("bulk"),
      ours: command("map", tasks * 10),
      bar: 5,
    },
    {
      name: `one task${at}: add(), waitUntilFinished()`,
      unit: "µs",
      bullmq: command("single", Math.ceil(tasks / 20)),
      ours: command("single", Math.ceil(tasks / 20)),
    },
  ];
}

/** The line, and whether its bar is reached; undefined where it has none. */
export function judge(
  { name, unit, bar }: Row,
  { bullmq, ours }: Record<"bullmq" | "ours", number>,
): { cells: string[]; isMet: boolean | undefined } {
  const ratio = unit === "/s" ? ours / bullmq : bullmq / ours;
  const isMet = bar === undefined ? undefined : ratio >= bar;
  const cells = [
    name,
    format(bullmq, unit),
    format(ours, unit),
    `${ratio.toFixed(2)}x`,
    bar === undefined ? "" : `${bar}x`,
    isMet === undefined ? "" : isMet ? "met" : "MISSED",
  ];
  return { cells, isMet };
}

function format(value: number, unit: "/s" | "µs"): string {
  const digits = `${Math.round(value)}`.replace(/\B(?=(\d{3})+$)/g, " ");
  return unit === "/s" ? `${digits}/s` : `${digits} µs`;
}
