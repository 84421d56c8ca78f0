// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Processes that were started with this among their environment variables, and run.
 * Of one that was killed the system does not tell them any more, although it may have
 * threads that have not ended: see `isAlive()`.
 */
export function runningPids(mark: string): number[] {
  const pids: number[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === Deno.pid) continue;
    // Of one that has ended, and was not yet asked for, there is no text.
    if (read(pid, "environ").split("\0").includes(mark)) pids.push(pid);
  }
  return pids;
}

/** Kills a process, where it has not ended. */
export function killed(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** What a process is waiting for, as far as the system tells. */
export function named(pid: number): string {
  const state = /^State:\s+(\S+)/m.exec(read(pid, "status"))?.[1];
  return `${state} ${read(pid, "wchan")}`;
}

function read(pid: number, file: string): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/${file}`);
  } catch {
    // It has ended, or belongs to somebody else.
    return "";
  }
}
