// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Fails every test that leaves something of ours behind: a worker, a child
 * process, a socket file, a temporary folder or a shared-memory file. Deno's
 * own sanitizers see none of these but the child processes.
 *
 * `deno task test` preloads this file, so that no test can forget it. A file
 * that is run by hand with `deno test -A` imports it for its effect:
 *
 * ```ts ignore
 * import "../_support/leaks.ts";
 * ```
 *
 * A test whose subject is a leak says so with {@linkcode expectLeaks}.
 *
 * @module
 */

import { liveWorkers } from "../../_internal/base/registry.ts";

/** What every file that the library creates outside the repository starts with. */
export const PREFIX = "concurrent-parallel-";

/**
 * Milliseconds that what a test left may take to go away. Ends are
 * asynchronous by nature (a process has been told, its exit is not yet seen),
 * and a busy machine takes its time; a leak is what stays. A program that
 * expects one need not wait for so long.
 */
const GRACE = Number(Deno.env.get("PARALLEL_LEAK_GRACE") ?? 20_000);
const POLL = 10;

/** What a test can leave behind, by name. */
export interface Snapshot {
  /** Live workers of the library. */
  workers: number;
  /** Child processes: pid and command. */
  children: Map<number, string>;
  /** Paths of our files in the temporary folder and in shared memory. */
  files: Set<string>;
}

let before: Snapshot | undefined;
let isLeakExpected = false;

/** Says that the running test leaves something behind on purpose. */
export function expectLeaks(): void {
  isLeakExpected = true;
}

function read(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    // The process ended between the listing and the reading.
    return undefined;
  }
}

function names(path: string): string[] {
  try {
    return Array.from(Deno.readDirSync(path), (entry) => entry.name);
  } catch {
    // No such folder on this system: nothing can be left there.
    return [];
  }
}

/** Parent's pid and state, from `/proc/<pid>/stat`. */
function status(pid: number): { parent: number; state: string } | undefined {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The command is in parentheses and may hold spaces and parentheses.
  const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { state: state!, parent: Number(parent) };
}

function children(): Map<number, string> {
  const found = new Map<number, string>();
  for (const name of names("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const { parent, state } = status(pid) ?? {};
    // A zombie has ended: it waits for Deno's own reaper.
    if (parent !== Deno.pid || state === "Z" || state === "X") continue;
    found.set(pid, read(`/proc/${pid}/cmdline`)?.replaceAll("\0", " ") ?? "");
  }
  return found;
}

/**
 * Whether a file belongs to another program that is running now, such as the
 * tests of another checkout: its name goes on with the pid of its maker.
 */
function isForeign(name: string): boolean {
  const pid = Number(/^\d+/.exec(name.slice(PREFIX.length))?.[0]);
  if (!Number.isInteger(pid) || pid === Deno.pid) return false;
  const found = status(pid);
  return found !== undefined && found.parent !== Deno.pid;
}

function files(): Set<string> {
  // One of its own is what the tests that run beside have not.
  const temp = Deno.env.get("TMPDIR") ?? Deno.env.get("TEMP") ?? "/tmp";
  const found = new Set<string>();
  for (const folder of [temp.replace(/\/$/, ""), "/dev/shm"]) {
    for (const name of names(folder)) {
      if (name.startsWith(PREFIX) && !isForeign(name)) {
        found.add(`${folder}/${name}`);
      }
    }
  }
  return found;
}

/** Takes stock of what is there now. */
export function takeSnapshot(): Snapshot {
  return { workers: liveWorkers(), children: children(), files: files() };
}

/** Says what is there in `after` and was not in `before`, one line each. */
export function findLeaks(before: Snapshot, after: Snapshot): string[] {
  const leaks: string[] = [];
  if (after.workers > before.workers) {
    leaks.push(`${after.workers - before.workers} live worker(s)`);
  }
  for (const [pid, command] of after.children) {
    if (!before.children.has(pid)) {
      leaks.push(`child process ${pid}: ${command}`);
    }
  }
  for (const path of after.files) {
    if (!before.files.has(path)) leaks.push(`file ${path}`);
  }
  return leaks;
}

/**
 * Waits until nothing is there that was not in `before`, and returns what is
 * left when the grace period is over.
 */
export async function waitForLeaks(
  before: Snapshot,
  grace: number = GRACE,
): Promise<string[]> {
  const end = performance.now() + grace;
  while (true) {
    const leaks = findLeaks(before, takeSnapshot());
    if (leaks.length === 0 || performance.now() >= end) return leaks;
    await new Promise((resolve) => setTimeout(resolve, POLL));
  }
}

/** A test left something behind. */
export class LeakError extends Error {
  /** What was left, one line each. */
  readonly leaks: string[];

  constructor(leaks: string[]) {
    super(`Cannot pass the test: it left behind\n  ${leaks.join("\n  ")}`);
    this.name = "LeakError";
    this.leaks = leaks;
  }
}

function install(): void {
  Deno.test.beforeEach(() => {
    isLeakExpected = false;
    before = takeSnapshot();
  });
  Deno.test.afterEach(async () => {
    if (before === undefined || isLeakExpected) return;
    const leaks = await waitForLeaks(before);
    if (leaks.length > 0) throw new LeakError(leaks);
  });
}

install();
