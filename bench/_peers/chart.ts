// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A panel of bars for each figure, the best one first, on a logarithmic scale:
// between the best and the worst there are often two powers of ten.

import { type Program, PROGRAMS } from "./programs.ts";
import type { Report, RunInfo } from "./report.ts";
import type { Subject } from "./subjects.ts";
import { formatFigure } from "./table.ts";

const PANEL = { width: 430, left: 190, right: 78, row: 18, head: 34, gap: 34 };
const COLUMNS = 2;
const MARGIN = 20;
const TOP = 56;
const FOOTER = 44;

/** Figures that are drawn; the tables have all. */
const DRAWN = [
  "start",
  "round-trip",
  "burst",
  "float64-1m",
  "objects",
  "fib",
  "map-10us",
  "map-1us",
];

/** Text and bars follow the reader's choice of light or dark. */
const STYLE = `
    :root { color-scheme: light dark; }
    .back { fill: #ffffff; }
    text { fill: #24292f; font: 12px system-ui, sans-serif; }
    .title { font-weight: 600; font-size: 13px; }
    .own { font-weight: 600; }
    .axis { stroke: #8c959f; }
    .ours { fill: #1a7f37; }
    .deno { fill: #0969da; }
    .node { fill: #bc4c00; }
    .python { fill: #8250df; }
    .floor { fill: #8c959f; }
    @media (prefers-color-scheme: dark) {
      .back { fill: #0d1117; }
      text { fill: #e6edf3; }
      .axis { stroke: #6e7681; }
      .ours { fill: #3fb950; }
      .deno { fill: #58a6ff; }
      .node { fill: #f0883e; }
      .python { fill: #a371f7; }
      .floor { fill: #6e7681; }
    }
  `;

const LEGEND = [
  ["ours", "this package"],
  ["deno", "in Deno"],
  ["node", "in Node.js"],
  ["python", "Python"],
  ["floor", "no pool: the floor"],
] as const;

function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}

function colourOf({ maker, kind, runtime }: Subject): string {
  return maker === "ours" ? "ours" : kind === "floor" ? "floor" : runtime;
}

interface Entry {
  readonly subject: Subject;
  readonly value: number;
}

/** The subjects with a figure for the program, the best one first. */
function rank(program: Program, { subjects, results }: Report): Entry[] {
  return subjects
    .map((subject) => ({
      subject,
      value: results.median(subject.id, program.name),
    }))
    .filter(({ value }) => value > 0)
    .sort((a, b) =>
      program.unit === "x" ? b.value - a.value : a.value - b.value
    );
}

function renderPanel(program: Program, entries: readonly Entry[]): string {
  const values = entries.map(({ value }) => value);
  // The shortest bar is not nothing.
  const low = Math.log10(Math.min(...values)) - 0.15;
  const high = Math.log10(Math.max(...values));
  const { width, left, right, row } = PANEL;
  const room = width - left - right;
  const scale = (value: number) =>
    Math.max(2, room * (Math.log10(value) - low) / (high - low));
  const better = program.unit === "x" ? "higher" : "lower";
  const parts = [
    `<text class="title" x="0" y="0">${
      escapeText(`${program.title}, ${better} is better`)
    }</text>`,
  ];
  for (const [i, { subject, value }] of entries.entries()) {
    const y = 12 + i * row;
    const bar = scale(value).toFixed(1);
    const own = subject.maker === "ours" ? ' class="own"' : "";
    parts.push(
      `<text${own} x="${left - 8}" y="${y + 12}" text-anchor="end">${
        escapeText(subject.maker === "ours" ? subject.name : subject.id)
      }</text>`,
      `<rect class="${colourOf(subject)}" x="${left}" y="${
        y + 2
      }" width="${bar}" height="${row - 5}"/>`,
      `<text x="${(left + Number(bar) + 6).toFixed(1)}" y="${y + 12}">${
        escapeText(formatFigure(value, program.unit))
      }</text>`,
    );
  }
  parts.push(
    `<line class="axis" x1="${left}" x2="${left}" y1="10" y2="${
      14 + entries.length * row
    }"/>`,
  );
  return parts.join("\n    ");
}

/** The report as a picture, readable on light and on dark pages. */
export function renderChart(report: Report): string {
  const order = DRAWN.map((name) =>
    PROGRAMS.find((p) => p.name === name)!.name
  );
  const panels = order
    .map((name) => report.programs.find((program) => program.name === name))
    .filter((program) => program !== undefined)
    .map((program) => ({ program, entries: rank(program, report) }))
    .filter(({ entries }) => entries.length > 0);
  // Each panel goes below the shorter column.
  const heights: number[] = Array(COLUMNS).fill(TOP);
  const drawn = panels.map(({ program, entries }) => {
    const column = heights.indexOf(Math.min(...heights));
    const x = MARGIN + column * (PANEL.width + PANEL.gap);
    const y = heights[column]! + 20;
    heights[column] = y + PANEL.head + entries.length * PANEL.row;
    return `<g transform="translate(${x} ${y})">
    ${renderPanel(program, entries)}
  </g>`;
  });
  const width = MARGIN * 2 + COLUMNS * PANEL.width + (COLUMNS - 1) * PANEL.gap;
  const height = Math.max(...heights) + FOOTER;
  const legend = LEGEND.map(([name, text], i) =>
    `<g transform="translate(${
      i * 140
    } 0)"><rect class="${name}" width="14" height="12"/>` +
    `<text x="20" y="11">${text}</text></g>`
  );
  const [{ machine, rounds }] = report.runs as [RunInfo];
  const { cores, date } = machine;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="name">
  <title id="name">This package beside other pools</title>
  <style>${STYLE}</style>
  <rect class="back" width="100%" height="100%" rx="6"/>
  <text x="${MARGIN}" y="30">Two workers each on ${cores} cores, ${date}: medians of ${rounds} rounds, logarithmic scales</text>
  ${drawn.join("\n  ")}
  <g transform="translate(${MARGIN} ${height - 26})">
    ${legend.join("\n    ")}
  </g>
</svg>
`;
}
