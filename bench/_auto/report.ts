// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What has to be reached, whether it is, and how that is shown.

import type { Result, Timed } from "./measure.ts";
import { median, noiseBetween, quantile } from "./statistics.ts";

/** What has to be reached. */
export const BARS = {
  /** Warm, of the best fixed choice, on a share of the workloads. */
  warm: 1.05,
  share: 0.9,
  /** The same, on all of them. */
  warmAll: 1.2,
  /** The first calls included. */
  cold: 1.5,
  /** Delay of the event loop in ms. */
  delay: 20,
} as const;

/** A figure beside its bar. */
export interface Verdict {
  readonly value: number;
  readonly isMet: boolean;
}

/** What is made of a workload's figures. */
export interface Judgement {
  readonly name: string;
  readonly best: string;
  readonly warm: Verdict;
  readonly warmAll: Verdict;
  /** Times of the control by those of what it repeats: the noise of this run. */
  readonly noise: number;
  /** The warm ratio is above its bar, and not by more than the noise. */
  readonly isNoise: boolean;
  readonly bestFirst: string;
  readonly first: number;
  readonly bestWhole: string;
  readonly whole: Verdict;
  /** Warm or cold; there is a bar only where something runs inline. */
  readonly delay: Verdict;
  readonly isExplained: boolean;
}

type Figure = "warm" | "first" | "whole";

/** The fixed choice with the lowest median. */
export function bestOf({ fixed }: Result, figure: Figure): Timed {
  return fixed.filter((timed) => timed[figure].length > 0)
    .toSorted((a, b) => median(a[figure]) - median(b[figure]))[0]!;
}

/**
 * How far the ratio of two medians can be from 1 though nothing differs: from
 * the best fixed choice and its control.
 */
function noiseOf({ control, fixed }: Result): number {
  const { warm } = fixed.find(({ name }) => name === control.name)!;
  return noiseBetween(warm, control.warm);
}

/** Sets a workload's figures beside their bars. */
export function judge(result: Result): Judgement {
  const best = bestOf(result, "warm");
  const first = bestOf(result, "first");
  const whole = bestOf(result, "whole");
  const ratio = (figure: Figure, { [figure]: times }: Timed) =>
    median(result.auto[figure]) / median(times);
  const verdict = (value: number, bar: number): Verdict => ({
    value,
    isMet: value <= bar,
  });
  const warm = verdict(ratio("warm", best), BARS.warm);
  const noise = noiseOf(result);
  const { warm: { max }, cold } = result.delay;
  const late = Math.max(max, cold.max);
  return {
    name: result.name,
    best: best.name,
    warm,
    warmAll: verdict(warm.value, BARS.warmAll),
    noise,
    isNoise: !warm.isMet && warm.value <= noise,
    bestFirst: first.name,
    first: ratio("first", first),
    bestWhole: whole.name,
    whole: verdict(ratio("whole", whole), BARS.cold),
    delay: {
      value: late,
      isMet: !isInline(result) || late <= BARS.delay,
    },
    isExplained: result.explained.every(({ backend, expected }) =>
      expected.includes(backend)
    ),
  };
}

/** Whether any of its calls has run on the event loop. */
function isInline({ explained }: Result): boolean {
  return explained.some(({ inlineCalls }) => inlineCalls > 0);
}

/** How many have reached a bar. */
export interface Sum {
  readonly bar: string;
  readonly text: string;
  readonly isMet: boolean;
}

/** Sums the verdicts up; workloads that have failed reach nothing. */
export function sumUp(
  judgements: readonly Judgement[],
  failed: readonly string[],
): Sum[] {
  const total = judgements.length + failed.length;
  const sum = (
    bar: string,
    isMet: (judgement: Judgement) => boolean,
    share = 1,
  ): Sum => {
    const missed = judgements.filter((one) => !isMet(one));
    const count = judgements.length - missed.length;
    const names = [
      ...missed.map(({ name, isNoise }) =>
        isNoise && share < 1 ? `${name} (within noise)` : name
      ),
      ...failed.map((name) => `${name} (failed)`),
    ];
    return {
      bar,
      text: `${count} of ${total}${
        names.length === 0 ? "" : `; not ${names.join(", ")}`
      }`,
      isMet: count >= Math.ceil(total * share - 1e-9),
    };
  };
  return [
    sum(
      `warm at most ${BARS.warm}x the best fixed, ${BARS.share * 100} %`,
      ({ warm }) => warm.isMet,
      BARS.share,
    ),
    sum(
      `warm at most ${BARS.warmAll}x, all`,
      ({ warmAll }) => warmAll.isMet,
    ),
    sum(
      `cold, first calls included, at most ${BARS.cold}x`,
      ({ whole }) => whole.isMet,
    ),
    sum(
      `event loop late by at most ${BARS.delay} ms where it is chosen`,
      ({ delay }) => delay.isMet,
    ),
    sum("explained as expected", ({ isExplained }) => isExplained),
  ];
}

export const HEADS = [
  "",
  "inline",
  "threads",
  "processes",
  "auto",
  "auto / best",
  "noise",
  "first 100",
  "cold",
  "delay",
  "runs",
] as const;

/** One line of the table. */
export function cellsOf(result: Result, judgement: Judgement): string[] {
  const { warm, noise, isNoise, first, whole, delay } = judgement;
  const mark = ({ isMet }: Verdict) => isMet ? "" : " !";
  const timeOf = (family: Timed["family"]) => {
    const timed = result.fixed.find((one) => one.family === family);
    if (timed === undefined) return "";
    const count = timed.name.replace(/ (threads|processes)/, "");
    const by = count === family ? "" : ` (${count})`;
    return timed.warm.length > 0
      ? `${milliseconds(median(timed.warm))}${by}`
      : `~${milliseconds(timed.pilot!)}${by}`;
  };
  return [
    result.name,
    timeOf("inline"),
    timeOf("threads"),
    timeOf("processes"),
    milliseconds(median(result.auto.warm)),
    `${warm.value.toFixed(2)}x${isNoise ? " ~" : mark(warm)}`,
    `${noise.toFixed(2)}x`,
    `${first.toFixed(2)}x`,
    `${whole.value.toFixed(2)}x${mark(whole)}`,
    `${milliseconds(delay.value)}${mark(delay)}`,
    result.explained.map(({ backend, expected }) =>
      expected.includes(backend) ? backend : `${backend} !`
    ).join(", "),
  ];
}

/** What the executor says, and more about the delays: below the line. */
export function notesOf({ explained, delay, auto }: Result): string[] {
  const text = ({ max, p99, waited }: typeof delay.warm) =>
    `${milliseconds(max)} (p99 ${milliseconds(p99)}, ${
      milliseconds(waited)
    } of it without a core)`;
  return [
    ...explained.map(({ name, backend, expected, reason, runnerUp }) =>
      `${name || "local function"}: ${backend}, ${
        expected.includes(backend)
          ? "as expected"
          : `NOT ${expected.join(" or ")}`
      }: ${reason}; not ${runnerUp}`
    ),
    `delay: warm ${text(delay.warm)}, cold ${text(delay.cold)}, best fixed ${
      text(delay.control)
    }`,
    `auto, quartiles: ${
      [0.25, 0.5, 0.75].map((share) => milliseconds(quantile(auto.warm, share)))
        .join(", ")
    }`,
  ];
}

export function milliseconds(value: number): string {
  if (value >= 100) return `${Math.round(value)} ms`;
  return `${value.toPrecision(value < 1 ? 2 : 3)} ms`;
}

/** Lines of a table in Markdown, all cells of a column equally wide. */
export function markdown(rows: readonly (readonly string[])[]): string[] {
  const [head, ...rest] = rows;
  const widths = head!.map((_, i) =>
    Math.max(3, ...rows.map((row) => row[i]!.length))
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`;
  return [
    line(head!),
    line(widths.map((width) => "-".repeat(width))),
    ...rest.map(line),
  ];
}
