// Copyright 2026 the @concurrent/parallel authors. MIT license.

// One round: a program with children and grandchildren that hold and wait for
// everything there is, of which some are killed at a random moment. Those that
// are left have to be told, to end, and to leave nothing behind.

import { readLines } from "../../../bench/_support/lines.ts";
import { isAlive } from "../../_support/processes.ts";
import { random } from "../_threading/scenario.ts";
import { killed, named, runningPids } from "./processes.ts";
import type { Member, Report, Role } from "./roles.ts";

/** Milliseconds within which everybody must have heard of a death; longer on a busy machine. */
const NOTICE = 1_000;
/** The same for the end of the program, once it was told to. */
const END = 5_000;
/** The same for its start. */
const START = 30_000;
const POLL = 10;

const ROLES: readonly Role[] = [
  ...["hold", "acquire", "acquireSync", "get", "getSync", "putSync"] as const,
  ...["barrier", "barrierSync", "condition", "dict", "memory"] as const,
  ...["getOwned", "getOwnedSync"] as const,
];

/** What happens in a round. */
export interface Plan {
  readonly members: readonly Member[];
  /** Kill after so many milliseconds; undefined: when everybody does what it is to do. */
  readonly early: number | undefined;
  readonly isParent: boolean;
  readonly victims: number;
  readonly hasFfi: boolean;
}

/** The plan of a seed. */
export function planOf(seed: number): Plan {
  const next = random(seed);
  const count = 2 + next(3);
  const roles: Role[] = Array.from(
    { length: 2 * count },
    () => ROLES[next(ROLES.length)]!,
  );
  // What goes together.
  if (next(3) === 0) roles.splice(0, 2, "talk", "receive");
  // One can have it.
  for (let i = 1; i < roles.length; i++) {
    if (roles[i] === "hold") roles[i] = "get";
  }
  const isWaited = roles.some((role) => role.startsWith("acquire"));
  if (isWaited) roles[roles[0] === "talk" ? 2 : 0] = "hold";
  if (roles.some((role) => role.startsWith("getOwned"))) {
    roles.unshift("own");
  }
  const members: Member[] = [];
  for (let i = 0; members.length < count; i++) {
    const name = `child ${i}`;
    const role = roles.shift()!;
    const hasChild = next(3) === 0 && role !== "own" &&
      role !== "talk" && !role.endsWith("Sync");
    const child = hasChild
      ? { name: `${name}'s child`, role: roles.pop()! }
      : undefined;
    members.push({ name, role, child });
  }
  return {
    members,
    early: next(3) === 0 ? next(600) : undefined,
    isParent: next(6) === 0,
    victims: next(4) === 0 ? 2 : 1,
    hasFfi: next(2) === 0,
  };
}

/** One process of a running round. */
interface Player extends Member {
  readonly pid: number;
}

/**
 * Runs a round; rejects where something is not as it must be. Returns who was killed.
 *
 * @param slack How many times as long as usual all may take: on a machine on which a
 * process may get no core for seconds.
 */
export async function runRound(seed: number, slack = 1): Promise<string> {
  const temp = await Deno.makeTempDir({ prefix: "parallel-faults-" });
  try {
    return await new Round(seed, temp, slack).run();
  } finally {
    await Deno.remove(temp, { recursive: true });
  }
}

class Round {
  readonly #plan: Plan;
  readonly #next: (n: number) => number;
  readonly #slack: number;
  readonly #mark: string;
  readonly #env: Record<string, string>;
  readonly #reports: Report[] = [];
  readonly #output: string[] = [];

  constructor(seed: number, temp: string, slack: number) {
    this.#plan = planOf(seed);
    this.#slack = slack;
    this.#next = random(seed + 1);
    this.#mark = `PARALLEL_FAULTS=${Deno.pid}-${seed}-${temp.slice(-8)}`;
    const [name, value] = this.#mark.split("=");
    this.#env = { [name!]: value!, TMPDIR: temp, NO_COLOR: "1" };
  }

  async run(): Promise<string> {
    const { members, early, isParent } = this.#plan;
    const child = this.#command("program.ts", JSON.stringify(members)).spawn();
    const reading = Promise.all([
      this.#read(child.stdout.getReader()),
      this.#readErrors(child.stderr),
    ]);
    const writer = child.stdin.getWriter();
    let status: Deno.CommandStatus | undefined;
    child.status.then((it) => status = it);
    try {
      const expected = 1 + everybody(members).length +
        (everybody(members).some(({ role }) => role === "dict") ? 1 : 0);
      if (early === undefined) {
        await this.#until(
          "everybody does what it is to do",
          START,
          () => this.#count("ready") === expected,
        );
        // What was announced is under way now, most of the time.
        await sleep(this.#next(60));
      } else {
        await this.#until(
          "it starts a process",
          START,
          () => runningPids(this.#mark).length > 1,
        );
        await sleep(early);
      }
      const victims = isParent
        ? [{ name: "parent", pid: child.pid }]
        : this.#choose(child.pid);
      const since = Date.now();
      const family = new Set(runningPids(this.#mark));
      for (const { pid } of victims) killed(pid);
      const what = `${victims.map(({ name }) => name).join(" and ")} killed`;
      if (isParent) {
        await this.#until(
          "the family of a parent that was killed is gone",
          NOTICE,
          () => {
            const running = runningPids(this.#mark);
            for (const pid of running) family.add(pid);
            return running.length === 0 && !family.values().some(isAlive);
          },
        );
        await this.#startAnother();
        // A socket that somebody answers at is left alone: seen once, on a machine
        // with no core to spare, where nobody was left who could have answered.
        const left = await this.#files();
        if (left.length > 0) {
          console.error(`${this.#mark}: left by the next program: ${left}`);
          await this.#startAnother();
        }
      } else {
        if (early === undefined) await this.#notice(victims, since);
        await writer.write(new TextEncoder().encode("end\n"));
        await this.#until("the program ends", END, () => status !== undefined);
        if (status!.code !== 0) {
          throw new RangeError(`the parent ended with ${status!.code}`);
        }
        await this.#until(
          "nobody is left",
          NOTICE,
          () => runningPids(this.#mark).length === 0,
        );
      }
      await this.#checkFiles();
      return what;
    } catch (error) {
      throw new RangeError(
        `${(error as Error).message}\n${
          JSON.stringify(this.#plan)
        }\nleft: ${this.#left()}\n${this.#output.join("\n")}`,
      );
    } finally {
      for (const pid of runningPids(this.#mark)) killed(pid);
      await writer.abort().catch(() => {});
      await child.status;
      await reading;
    }
  }

  /** A program of the round. It takes a line on standard input where it has an argument. */
  #command(file: string, ...args: string[]): Deno.Command {
    const flags = this.#plan.hasFfi ? [] : ["--deny-ffi"];
    return new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--no-check", ...flags],
        new URL(file, import.meta.url).pathname,
        ...args,
      ],
      env: this.#env,
      stdin: args.length > 0 ? "piped" : "null",
      stdout: "piped",
      stderr: "piped",
    });
  }

  /** Some of those that run now. */
  #choose(parent: number): { name: string; pid: number }[] {
    const names = new Map(this.#players().map(({ pid, name }) => [pid, name]));
    const pids = runningPids(this.#mark).filter((pid) => pid !== parent)
      .sort((a, b) => a - b);
    const victims: { name: string; pid: number }[] = [];
    while (victims.length < this.#plan.victims && pids.length > 0) {
      const [pid] = pids.splice(this.#next(pids.length), 1);
      victims.push({ pid: pid!, name: names.get(pid!) ?? this.#unknown() });
    }
    return victims;
  }

  /** The manager says nothing of itself, and nobody does while it comes up. */
  #unknown(): string {
    return this.#plan.early === undefined ? "manager" : "a process";
  }

  #players(): Player[] {
    const members = everybody(this.#plan.members);
    return this.#reports.filter(({ kind }) => kind === "ready")
      .flatMap(({ name, pid }) => {
        const member = members.find((member) => member.name === name);
        return member === undefined ? [] : [{ ...member, pid }];
      });
  }

  /** Waits until all have been told who have to be. */
  async #notice(
    victims: readonly { name: string; pid: number }[],
    since: number,
  ): Promise<void> {
    const dead = new Set(victims.map(({ name }) => name));
    // A process takes its family along.
    for (const { name, child } of this.#plan.members) {
      if (dead.has(name) && child !== undefined) dead.add(child.name);
    }
    const players = this.#players();
    const lost = players.filter(({ name }) => dead.has(name));
    const left = players.filter(({ name }) => !dead.has(name));
    const isLost = (...roles: Role[]) =>
      lost.some(({ role }) => roles.includes(role));
    const owed: { name: string; kind: Report["kind"]; how: string }[] = [];
    const owe = (how: string, ...roles: Role[]) => {
      for (const { name, role } of left) {
        if (roles.includes(role)) owed.push({ name, kind: "end", how });
      }
    };
    if (isLost("barrier", "barrierSync")) {
      owe("BrokenBarrierError", "barrier", "barrierSync");
    }
    if (isLost("own")) {
      owe("ConnectionClosedError", "getOwned", "getOwnedSync");
    }
    if (isLost("talk")) owe("ConnectionClosedError", "receive");
    if (dead.has("manager")) owe("ConnectionClosedError", "dict");
    for (const { name, child } of this.#plan.members) {
      // Whoever has started it is told; a grandchild's parent may block.
      const how = "WorkerCrashedError";
      const heard = dead.has(name) ? name : child?.name;
      if (heard === undefined || !dead.has(heard)) continue;
      // Some had the lock before its holder, and were about to end as it was killed.
      if (this.#endOf(heard) === "ok") continue;
      owed.push({ name: heard, kind: "heard", how });
    }
    const isIn = (debt: typeof owed[number]) =>
      this.#reports.some(({ name, kind, at, how }) =>
        name === debt.name && kind === debt.kind && how === debt.how &&
        at >= since - 1
      );
    await this.#until(
      () =>
        `everybody is told: ${
          JSON.stringify(owed.filter((debt) => !isIn(debt)))
        }`,
      NOTICE,
      () => owed.every(isIn),
    );
    // Some had the lock before its holder.
    const waiters = left.filter(({ name, role }) =>
      role.startsWith("acquire") &&
      !this.#reports.some((report) =>
        report.name === name && report.kind === "end" && report.at < since
      )
    );
    if (isLost("hold") && waiters.length > 0) {
      await this.#until("an abandoned lock is reported", NOTICE, () => {
        const ends = waiters.map(({ name }) => this.#endOf(name));
        return left.some(({ role }) => role === "hold") ||
          ends.every((end) => end !== undefined) &&
            ends.filter((how) => how === "AbandonedLockError").length >= 1;
      });
    }
    // Nobody else is told anything.
    const told = new Set(owed.map(({ name }) => name));
    for (const { name, role } of left) {
      if (told.has(name) || role.startsWith("acquire")) continue;
      const how = this.#endOf(name);
      if (how !== undefined) {
        throw new RangeError(`${name} has ended without a reason: ${how}`);
      }
    }
  }

  #endOf(name: string): string | undefined {
    return this.#reports.find((report) =>
      report.name === name && report.kind === "end"
    )?.how;
  }

  #count(kind: Report["kind"]): number {
    return this.#reports.filter((report) => report.kind === kind).length;
  }

  /** Where everybody was killed, the next program removes what they have left. */
  async #startAnother(): Promise<void> {
    const { code, stderr } = await this.#command("next_program.ts").output();
    if (code === 0) return;
    throw new RangeError(
      `the next program failed: ${new TextDecoder().decode(stderr)}`,
    );
  }

  /** What is left in the folder for temporary files, and who is there. */
  async #files(): Promise<string[]> {
    const files: string[] = [];
    for (const { name } of Deno.readDirSync(this.#env.TMPDIR!)) {
      const directory = `${this.#env.TMPDIR}/${name}`;
      const inside = Array.from(Deno.readDirSync(directory), (it) => it.name);
      const path = `${directory}/s`;
      const answer = await Deno.connect({ transport: "unix", path }).then(
        (conn) => (conn.close(), "answered"),
        (error) => `${error}`,
      );
      const pid = Number(/-(\d+)-/.exec(name)?.[1] ?? 0);
      files.push(`${name} (${inside}; ${named(pid)}; ${answer})`);
    }
    return files;
  }

  async #checkFiles(): Promise<void> {
    const left = await this.#files();
    if (left.length > 0) throw new RangeError(`files are left: ${left}`);
    const shared = [...Deno.readDirSync("/dev/shm")]
      .filter(({ name }) => name.includes("concurrent-parallel"));
    if (shared.length > 0) throw new RangeError(`in /dev/shm: ${shared}`);
  }

  #left(): string {
    const names = new Map(this.#players().map(({ pid, name }) => [pid, name]));
    return runningPids(this.#mark)
      .map((pid) => `${pid} ${names.get(pid) ?? ""} ${named(pid)}`)
      .join(", ");
  }

  async #read(
    reader: ReadableStreamDefaultReader<Uint8Array>,
  ): Promise<void> {
    for await (const line of readLines(reader)) {
      this.#output.push(line);
      if (line.startsWith("{")) {
        this.#reports.push(JSON.parse(line) as Report);
      }
    }
  }

  async #readErrors(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const line of readLines(stream.getReader())) {
      this.#output.push(line);
    }
  }

  /** Waits for so many milliseconds of a machine with a core for everybody. */
  async #until(
    what: string | (() => string),
    patience: number,
    holds: () => boolean,
  ): Promise<void> {
    let waited = 0;
    let last = performance.now();
    while (!holds()) {
      if (waited > patience * this.#slack) {
        throw new RangeError(
          `it did not happen in time that ${
            typeof what === "string" ? what : what()
          }`,
        );
      }
      await sleep(POLL);
      const now = performance.now();
      // Where this process was held up so were others, perhaps.
      waited += Math.min(now - last, 10 * POLL) / crowding();
      last = now;
    }
  }
}

function everybody(members: readonly Member[]): Member[] {
  return members.flatMap((member) =>
    member.child === undefined ? [member] : [member, member.child]
  );
}

/** How many threads want a core of this machine, for each that there is. */
function crowding(): number {
  const text = Deno.readTextFileSync("/proc/loadavg");
  const running = Number(/(\d+)\//.exec(text)![1]);
  return Math.max(1, running / navigator.hardwareConcurrency);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
