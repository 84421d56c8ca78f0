// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Runs everything that threads share, at random, for a minute or as long as is
 * asked for. A scenario that hangs ends the program with the list of who waits
 * for what.
 *
 * Run it with `deno task stress`; `--help` shows the options.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { parseCount, runMain, UsageError } from "../../examples/_args.ts";
import { dump } from "../../threading/mod.ts";
import { random, type Scenario } from "./_threading/scenario.ts";
import { SCENARIOS } from "./_threading/scenarios.ts";

const USAGE = `Runs everything that threads share, at random.

Usage: deno task stress [OPTIONS]

Options:
  --seconds N  how long at least, and each scenario once (default: 60)
  --scale N    how much of each: 1 takes about a second, 16 has a million
               items in a queue (default: 1, for some things more)
  --only TEXT  the scenarios whose names hold this
  --seed N     repeats a run
  --help       print this text
`;

/** Milliseconds after which a scenario of scale 1 hangs. */
const PATIENCE = 120_000;
/** Runs that are larger by default: scenario, threads, scale. */
const LARGE: readonly [string, number, number][] = [
  // A million items.
  ["Queue(64): producers and consumers", 8, 16],
  // A hundred thousand generations.
  ["Barrier: turns", 2, 8],
];

async function main(args: string[]): Promise<void> {
  const options = parseArgs(args, {
    string: ["seconds", "scale", "only", "seed"],
    boolean: ["help"],
    unknown: (option) => {
      throw new UsageError(`there is no option ${option}`);
    },
  });
  if (options.help) return console.log(USAGE);
  const { only = "" } = options;
  const seconds = parseCount("seconds", options.seconds ?? "60");
  const scenarios = SCENARIOS.filter(({ name }) => name.includes(only));
  if (scenarios.length === 0) {
    throw new UsageError(`--only must be in a scenario's name: ${only}`);
  }
  let seed = parseCount(
    "seed",
    options.seed ?? `${Date.now() % 1_000_000 + 1}`,
  );
  console.log(`seed ${seed}`);
  const start = performance.now();
  const elapsed = () => (performance.now() - start) / 1000;
  let runs = 0;
  const runOne = async (scenario: Scenario, threads: number, scale: number) => {
    await run(scenario, threads, scale, seed++);
    runs++;
  };
  const next = random(seed);
  for (const scenario of scenarios) {
    for (const threads of scenario.threads) {
      const [, , large] = LARGE.find(([name, count]) =>
        name === scenario.name && count === threads
      ) ?? [];
      const scale = options.scale ?? large;
      await runOne(scenario, threads, scaleOf(scale));
    }
  }
  while (elapsed() < seconds) {
    const scenario = scenarios[next(scenarios.length)]!;
    const threads = scenario.threads[next(scenario.threads.length)]!;
    await runOne(scenario, threads, scaleOf(options.scale));
  }
  console.log(`${runs} runs in ${elapsed().toFixed(0)} s, all as they must be`);
}

function scaleOf(text: string | number | undefined): number {
  const scale = Number(text ?? 1);
  if (scale > 0) return scale;
  throw new UsageError(`--scale must be a positive number: ${text}`);
}

async function run(
  { name, run }: Scenario,
  threads: number,
  scale: number,
  seed: number,
): Promise<void> {
  const what = `${name}, ${threads} threads, seed ${seed}`;
  const watchdog = setTimeout(() => {
    console.error(`it hangs: ${what}\n${dump()}`);
    Deno.exit(1);
  }, PATIENCE * Math.max(1, scale));
  const start = performance.now();
  try {
    await run({ threads, scale, seed });
  } catch (error) {
    console.error(`it fails: ${what}`);
    console.error(error);
    Deno.exit(1);
  } finally {
    clearTimeout(watchdog);
  }
  console.log(`ok ${what} (${Math.round(performance.now() - start)} ms)`);
}

if (import.meta.main) await runMain(main);
