// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * How a workload is measured:
 *
 * 1. The *pilot* runs it with every fixed choice, to find the best worker count
 *    of each family. Its times are not used for anything else, except for a
 *    family that is far behind: that is not measured again.
 * 2. *Warm* rounds: the executors are alive and have run full rounds before.
 *    All choices take turns, and each round begins with another one. The best
 *    fixed choice is there twice: the second one is the *control*, and what is
 *    between the two is noise.
 * 3. *Cold* rounds: a new executor each time, from its construction over 100
 *    calls at least, and then over a whole round as well.
 * 4. *Delay*: rounds of the automatic executor, warm and cold, with a probe of
 *    the event loop, and as many of the best fixed choice.
 *
 * @module
 */

import { AutoExecutor, type Executor } from "@concurrent/parallel/futures";
import {
  autoChoice,
  type Choice,
  FAMILIES,
  type Family,
  fixedChoices,
} from "./choices.ts";
import { DelayProbe, type Delays, worst } from "./delay.ts";
import type { Backend, Workload } from "./workload.ts";

/** How often everything is done. */
export interface Plan {
  readonly cores: number;
  /** Worker counts that the pilot tries, in times the cores. */
  readonly multiples: readonly number[];
  readonly pilotRounds: number;
  readonly warmUps: number;
  readonly rounds: number;
  readonly coldRounds: number;
  readonly delayRounds: number;
  /** Called before each step. */
  readonly onStep?: (step: string) => void;
}

/** A family that is so many times slower in the pilot than the best is left out. */
const FAR_BEHIND = 3;

/** Calls that count as the first ones. */
export const FIRST_CALLS = 100;

/** A choice and its times, in ms. */
export interface Timed {
  readonly name: string;
  readonly family: Family | "auto";
  /** The better one of the rounds of the pilot; not for `auto`. */
  readonly pilot?: number;
  /** None where it was left out. */
  readonly warm: number[];
  /** From construction over the first calls. */
  readonly first: number[];
  /** From construction over the first calls and a whole round. */
  readonly whole: number[];
}

/** What the automatic executor says of a function. */
export interface Explained {
  readonly name: string;
  readonly backend: Backend;
  readonly expected: readonly Backend[];
  readonly reason: string;
  /** The next best, and why not. */
  readonly runnerUp: string;
  /** Calls that have run on the event loop, whatever is chosen now. */
  readonly inlineCalls: number;
}

/** What was found of one workload. */
export interface Result {
  readonly name: string;
  readonly title: string;
  readonly calls: number;
  readonly auto: Timed;
  readonly fixed: readonly Timed[];
  /** The best fixed choice of the pilot, and its times when it ran a second time. */
  readonly control: { readonly name: string; readonly warm: number[] };
  readonly delay: {
    readonly warm: Delays;
    readonly cold: Delays;
    readonly control: Delays;
  };
  readonly explained: readonly Explained[];
}

/** Measures one workload. */
export async function measureWorkload(
  workload: Workload,
  plan: Plan,
): Promise<Result> {
  const piloted = await pilot(workload, plan);
  const fastest = Math.min(...piloted.map(({ time }) => time));
  const best = piloted.find(({ time }) => time === fastest)!.choice;
  const times = new Map<Choice, Timed>();
  for (const { choice, time } of piloted) {
    times.set(choice, createTimed(choice, time));
  }
  const auto = autoChoice(plan.cores);
  times.set(auto, createTimed(auto));
  const control: Choice = { ...best, name: `${best.name} again` };
  const controlled = createTimed(control);
  times.set(control, controlled);

  const near = piloted.filter(({ time }) => time <= FAR_BEHIND * fastest)
    .map(({ choice }) => choice);
  const { explained, warm } = await measureWarm(
    workload,
    plan,
    [...near, auto, control],
    times,
  );
  await measureCold(workload, plan, [...near, auto], times);
  return {
    name: workload.name,
    title: workload.title,
    calls: workload.calls,
    auto: times.get(auto)!,
    fixed: piloted.map(({ choice }) => times.get(choice)!),
    control: { name: best.name, warm: controlled.warm },
    delay: {
      warm,
      cold: await delayOfCold(workload, plan, auto),
      control: await delayOfWarm(workload, plan, best),
    },
    explained,
  };
}

function createTimed({ name, family }: Choice, pilot?: number): Timed {
  const times = { warm: [], first: [], whole: [] };
  return { name, family, ...pilot === undefined ? {} : { pilot }, ...times };
}

/** The best choice of each family, and its time. */
async function pilot(
  workload: Workload,
  { cores, multiples, pilotRounds, onStep }: Plan,
): Promise<{ choice: Choice; time: number }[]> {
  const best = new Map<string, { choice: Choice; time: number }>();
  let fastest = Infinity;
  for (const choice of fixedChoices(workload, cores, multiples)) {
    onStep?.(`${workload.name}: pilot, ${choice.name}`);
    await using executor = choice.create();
    let time = await timeRound(workload, executor);
    for (let i = 0; i < pilotRounds; i++) {
      // One that is hopeless is not run again.
      if (time > 2 * FAR_BEHIND * fastest) break;
      time = Math.min(time, await timeRound(workload, executor));
    }
    fastest = Math.min(fastest, time);
    const { time: other = Infinity } = best.get(choice.family) ?? {};
    if (time < other) best.set(choice.family, { choice, time });
  }
  return FAMILIES.flatMap((family) => best.get(family) ?? []);
}

async function timeRound(
  workload: Workload,
  executor: Executor,
): Promise<number> {
  const start = performance.now();
  await workload.run(executor, workload.calls);
  return performance.now() - start;
}

/** Calls a function for each of the choices, round by round, each one starting with another. */
async function takeTurns(
  choices: readonly Choice[],
  rounds: number,
  each: (choice: Choice, round: number) => Promise<void>,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < choices.length; i++) {
      await each(choices[(round + i) % choices.length]!, round);
    }
  }
}

async function measureWarm(
  workload: Workload,
  { warmUps, rounds, delayRounds, onStep }: Plan,
  choices: readonly Choice[],
  times: ReadonlyMap<Choice, Timed>,
): Promise<{ explained: Explained[]; warm: Delays }> {
  await using stack = new AsyncDisposableStack();
  const executors = new Map(
    choices.map((choice) => [choice, stack.use(choice.create())]),
  );
  await takeTurns(choices, warmUps + rounds, async (choice, round) => {
    const text = round < warmUps ? "warm-up" : "warm";
    onStep?.(`${workload.name}: ${text} round ${round + 1}, ${choice.name}`);
    const time = await timeRound(workload, executors.get(choice)!);
    if (round >= warmUps) times.get(choice)!.warm.push(time);
  });
  const [, executor] = [...executors]
    .find(([{ family }]) => family === "auto")!;
  const delays = [];
  for (let i = 0; i < delayRounds; i++) {
    delays.push(await probed(workload, executor));
  }
  return { explained: explain(workload, executor), warm: worst(delays) };
}

async function measureCold(
  workload: Workload,
  { coldRounds, onStep }: Plan,
  choices: readonly Choice[],
  times: ReadonlyMap<Choice, Timed>,
): Promise<void> {
  await takeTurns(choices, coldRounds, async (choice, round) => {
    onStep?.(`${workload.name}: cold round ${round + 1}, ${choice.name}`);
    const { first, whole } = times.get(choice)!;
    const start = performance.now();
    await using executor = choice.create();
    await workload.run(executor, FIRST_CALLS);
    first.push(performance.now() - start);
    await workload.run(executor, workload.calls);
    whole.push(performance.now() - start);
  });
}

async function probed(
  workload: Workload,
  executor: Executor,
): Promise<Delays> {
  using probe = new DelayProbe();
  await workload.run(executor, workload.calls);
  return probe.read();
}

async function delayOfWarm(
  workload: Workload,
  { delayRounds, warmUps, onStep }: Plan,
  choice: Choice,
): Promise<Delays> {
  onStep?.(`${workload.name}: delay, ${choice.name}`);
  await using executor = choice.create();
  for (let i = 0; i < warmUps; i++) {
    await workload.run(executor, workload.calls);
  }
  const delays = [];
  for (let i = 0; i < delayRounds; i++) {
    delays.push(await probed(workload, executor));
  }
  return worst(delays);
}

/** From the first call of a new executor on. */
async function delayOfCold(
  workload: Workload,
  { delayRounds, onStep }: Plan,
  choice: Choice,
): Promise<Delays> {
  onStep?.(`${workload.name}: delay, cold, ${choice.name}`);
  const delays = [];
  for (let i = 0; i < delayRounds; i++) {
    await using executor = choice.create();
    delays.push(await probed(workload, executor));
  }
  return worst(delays);
}

function explain(
  { functions }: Workload,
  executor: Executor,
): Explained[] {
  if (!(executor instanceof AutoExecutor)) {
    throw new TypeError("Cannot explain: the executor is not automatic");
  }
  return functions.map(({ fn, expected }) => {
    const { backend, reason, measured, runnerUp } = executor.explain(fn);
    return {
      name: fn.name,
      backend,
      expected,
      reason,
      runnerUp: runnerUp === undefined
        ? "nothing else"
        : `${runnerUp.backend}: ${runnerUp.reason}`,
      inlineCalls: measured?.calls.inline ?? 0,
    };
  });
}
