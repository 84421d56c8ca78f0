// Copyright 2026 the @concurrent/parallel authors. MIT license.

import type { Report } from "./report.ts";

/** A time with three digits that count. */
export function formatTime(ms: number): string {
  return ms < 1_000
    ? `${ms.toFixed(ms < 10 ? 1 : 0)} ms`
    : `${(ms / 1_000).toFixed(2)} s`;
}

/** Columns next to each other, the first to the left and the others to the right. */
function align(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) =>
    Math.max(...rows.map((row) => row[column]!.length))
  );
  return rows.map((row) =>
    row.map((cell, column) =>
      column === 0
        ? cell.padEnd(widths[column]!)
        : cell.padStart(widths[column]!)
    ).join("   ")
  );
}

/** The report as text: a table for each job. */
export function renderTable({ machine, repeat, jobs }: Report): string {
  const parts = [
    `Deno ${machine.deno} on ${machine.os}, ${machine.cores} cores (load ${
      machine.load.toFixed(1)
    } before), median of ${repeat}. Efficiency: speed-up / workers.`,
  ];
  for (const { title, serial, measurements } of jobs) {
    const lines = align([
      ["", "workers", "time", "speed-up", "efficiency"],
      ["plain loop", "", formatTime(serial.time), "1.00", ""],
      ...measurements.map(({ backend, workers, time, speedup, efficiency }) => [
        backend,
        `${workers}`,
        formatTime(time),
        speedup.toFixed(2),
        `${Math.round(efficiency * 100)} %`,
      ]),
    ]);
    parts.push([title, ...lines].join("\n"));
  }
  return parts.join("\n\n");
}
