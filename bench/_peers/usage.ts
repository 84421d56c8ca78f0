// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What Linux says of a program and all that it has started, seen from outside:
// so the looking costs the program nothing, and works whatever it may do.
// Elsewhere the figures are NaN.

/** The process and all below it. */
export async function family(root: number): Promise<number[]> {
  const pids = [root];
  if (Deno.build.os !== "linux") return pids;
  const parents: [child: number, parent: number][] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await read(`/proc/${name}/stat`);
    // The command, in parentheses, may hold anything.
    const rest = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (stat !== "") parents.push([Number(name), Number(rest[1])]);
  }
  for (const pid of pids) {
    for (const [child, parent] of parents) if (parent === pid) pids.push(child);
  }
  return pids;
}

/** Processor time in ms of each thread that they have. */
export async function processorTimes(
  root: number,
): Promise<Map<string, number>> {
  const times = new Map<string, number>();
  if (Deno.build.os !== "linux") return times;
  for (const pid of await family(root)) {
    for await (const { name } of Deno.readDir(`/proc/${pid}/task`)) {
      const text = await read(`/proc/${pid}/task/${name}/schedstat`);
      times.set(name, Number(text.split(" ")[0]) / 1e6);
    }
  }
  return times;
}

/** What the threads have used in between: those that live, and new ones. */
export function usedBetween(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): number {
  if (after.size === 0) return NaN;
  let sum = 0;
  for (const [thread, time] of after) sum += time - (before.get(thread) ?? 0);
  return sum;
}

/** Memory in bytes of all of them; what they share counts once. */
export async function memory(root: number): Promise<number> {
  if (Deno.build.os !== "linux") return NaN;
  let sum = 0;
  for (const pid of await family(root)) {
    const text = await read(`/proc/${pid}/smaps_rollup`);
    sum += Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? NaN) * 1024;
  }
  return sum;
}

async function read(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch {
    // It has ended since it was listed.
    return "";
  }
}
