// Copyright 2026 the @concurrent/parallel authors. MIT license.

import type { Answer, Command } from "./program.ts";

/** Answers commands, one JSON text a line, until standard input ends. */
export async function serve(implementation: object): Promise<void> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of Deno.stdin.readable) {
    text += decoder.decode(chunk, { stream: true });
    const lines = text.split("\n");
    text = lines.pop()!;
    for (const line of lines) {
      const answer = await run(implementation, JSON.parse(line) as Command);
      console.log(JSON.stringify(answer));
    }
  }
  // Threads of a peer may keep the program alive.
  Deno.exit(0);
}

async function run(
  implementation: object,
  { scenario, args }: Command,
): Promise<Answer> {
  const method = (implementation as Record<string, Method | undefined>)[
    scenario
  ];
  if (method === undefined) return { value: NaN };
  try {
    return { value: await method.call(implementation, ...args) };
  } catch (error) {
    return { error: String(error) };
  }
}

// deno-lint-ignore no-explicit-any -- each has its own
type Method = (...args: any[]) => number | Promise<number>;

/** Nanoseconds of one round of a loop. */
export function time(rounds: number, loop: (rounds: number) => void): number {
  const start = performance.now();
  loop(rounds);
  return (performance.now() - start) * 1e6 / rounds;
}

/** Processor time in ms that this process uses while it sleeps, less what it uses while nothing is going on. */
export async function processorTime(
  ms: number,
  baseline: number,
): Promise<number> {
  const before = usedTime();
  await new Promise((resolve) => setTimeout(resolve, ms));
  return usedTime() - before - baseline;
}

/** Processor time in ms that this process, with all its threads, has used. */
function usedTime(): number {
  const { process } = globalThis as unknown as {
    process: { cpuUsage(): { user: number; system: number } };
  };
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
