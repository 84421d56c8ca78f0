// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Workers against speed-up, a panel for each job. Both axes are logarithmic:
// the ideal is a straight line, and what waits may gain far more than there
// are workers (many requests at a time on one event loop).

import { type Backend, BACKENDS, type JobResult } from "./measure.ts";
import type { Report } from "./report.ts";

const PANEL = { width: 280, height: 220, left: 44, top: 64, gap: 36 };
const FOOTER = 76;

/** Text and lines follow the reader's choice of light or dark. */
const STYLE = `
    :root { color-scheme: light dark; }
    .back { fill: #ffffff; }
    text { fill: #24292f; font: 12px system-ui, sans-serif; }
    .title { font-weight: 600; font-size: 13px; }
    .axis { stroke: #8c959f; }
    .grid { stroke: #d8dee4; }
    .ideal { stroke: #6e7781; stroke-width: 1.5; stroke-dasharray: 5 4; }
    .threads { color: #0969da; }
    .processes { color: #bc4c00; }
    .auto { color: #1a7f37; }
    .line { fill: none; stroke: currentColor; stroke-width: 2; }
    .dot { fill: currentColor; }
    @media (prefers-color-scheme: dark) {
      .back { fill: #0d1117; }
      text { fill: #e6edf3; }
      .axis { stroke: #6e7681; }
      .grid { stroke: #21262d; }
      .ideal { stroke: #8b949e; }
      .threads { color: #58a6ff; }
      .processes { color: #f0883e; }
      .auto { color: #3fb950; }
    }
  `;

/** Dots of different shapes, for readers who do not tell the colours apart. */
const DOTS: Record<Backend, (x: string, y: string) => string> = {
  threads: (x, y) => `<circle class="dot" cx="${x}" cy="${y}" r="4"/>`,
  processes: (x, y) =>
    `<rect class="dot" x="-4" y="-4" width="8" height="8" transform="translate(${x} ${y})"/>`,
  auto: (x, y) =>
    `<path class="dot" d="M0 -5 L5 4 L-5 4 Z" transform="translate(${x} ${y})"/>`,
};

function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}

/** 1, 2, 4, … until `max` is reached. */
function powersOfTwo(max: number): number[] {
  const powers = [1];
  while (powers.at(-1)! < max) powers.push(powers.at(-1)! * 2);
  return powers;
}

function renderPanel(job: JobResult, cores: number): string {
  const { width, height } = PANEL;
  const workers = [...new Set(job.measurements.map(({ workers }) => workers))]
    .sort((a, b) => a - b);
  const maxWorkers = Math.max(2, ...workers);
  const ticks = powersOfTwo(
    Math.max(maxWorkers, ...job.measurements.map(({ speedup }) => speedup)),
  );
  // Half a step below 1, for what is slower than the plain loop.
  const bottom = -0.5;
  const top = Math.log2(ticks.at(-1)!);
  const x = (n: number) =>
    (Math.log2(n) / Math.log2(maxWorkers) * (width - 24) + 12).toFixed(1);
  const y = (n: number) =>
    (height * (top - Math.max(bottom, Math.log2(n))) / (top - bottom))
      .toFixed(1);

  const parts = [
    `<text x="${width}" y="${height + 36}" text-anchor="end">workers</text>`,
    `<text class="title" x="0" y="-12">${
      escapeText(job.title.split(":")[0]!)
    }</text>`,
  ];
  for (const tick of ticks) {
    parts.push(
      `<line class="grid" x1="0" x2="${width}" y1="${y(tick)}" y2="${
        y(tick)
      }"/>`,
      `<text x="-8" y="${y(tick)}" dy="4" text-anchor="end">${tick}</text>`,
    );
  }
  for (const n of workers) {
    parts.push(
      `<text x="${x(n)}" y="${height + 18}" text-anchor="middle">${n}</text>`,
    );
  }
  // What computes cannot gain more than there are cores; what waits can.
  const limit = job.kind === "cpu" ? Math.min(cores, maxWorkers) : maxWorkers;
  const corners = [1, limit, maxWorkers].map((n) =>
    `${x(n)},${y(Math.min(n, limit))}`
  );
  parts.push(
    `<line class="axis" x1="0" x2="${width}" y1="${height}" y2="${height}"/>`,
    `<line class="axis" x1="0" x2="0" y1="0" y2="${height}"/>`,
    `<polyline class="ideal" fill="none" points="${corners.join(" ")}"/>`,
  );
  for (const backend of BACKENDS) {
    const rows = job.measurements.filter((row) => row.backend === backend);
    if (rows.length === 0) continue;
    const points = rows.map(({ workers, speedup }) =>
      [x(workers), y(speedup)] as const
    );
    parts.push(
      `<g class="${backend}">`,
      `<polyline class="line" points="${points.join(" ")}"/>`,
      ...rows.map(({ workers, speedup }, i) =>
        `<g><title>${backend} x ${workers}: ${speedup.toFixed(2)}</title>${
          DOTS[backend](...points[i]!)
        }</g>`
      ),
      "</g>",
    );
  }
  return parts.join("\n    ");
}

function renderLegend(): string {
  const entries = BACKENDS.map((backend, i) =>
    `<g class="${backend}" transform="translate(${i * 110} 0)">` +
    `<line class="line" x1="0" x2="28" y1="0" y2="0"/>` +
    DOTS[backend]("14", "0") +
    `<text x="36" y="4">${backend}</text></g>`
  );
  entries.push(
    `<g transform="translate(${BACKENDS.length * 110} 0)">` +
      `<line class="ideal" x1="0" x2="28" y1="0" y2="0"/>` +
      `<text x="36" y="4">ideal</text></g>`,
  );
  return entries.join("\n    ");
}

/** The report as a picture, readable on light and on dark pages. */
export function renderChart({ machine, jobs }: Report): string {
  const { left, top, gap } = PANEL;
  const step = PANEL.width + left + gap;
  const width = step * jobs.length + 12;
  const height = top + PANEL.height + FOOTER;
  const panels = jobs.map((job, i) =>
    `<g transform="translate(${left + i * step} ${top})">
    ${renderPanel(job, machine.cores)}
  </g>`
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="name">
  <title id="name">Speed-up by the number of workers</title>
  <style>${STYLE}</style>
  <rect class="back" width="100%" height="100%" rx="6"/>
  <text x="${left}" y="24">Speed-up against a plain loop, by the number of workers (${machine.cores} cores, logarithmic scales)</text>
  ${panels.join("\n  ")}
  <g transform="translate(${left} ${height - 22})">
    ${renderLegend()}
  </g>
</svg>
`;
}
