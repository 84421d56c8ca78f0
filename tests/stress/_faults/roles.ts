// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What the processes of a fault round do until somebody is killed, or the parent
// tells them to end. Everything that happens is a line on standard output.

import {
  type Barrier,
  type Condition,
  type Connection,
  type DictProxy,
  type Event,
  type Lock,
  Process,
  Queue,
  SharedMemory,
} from "@concurrent/parallel/multiprocessing";

/** What a process does. */
export type Role =
  /** Holds the lock. */
  | "hold"
  /** Waits for it. */
  | "acquire"
  | "acquireSync"
  | "get"
  | "getSync"
  | "putSync"
  | "barrier"
  | "barrierSync"
  | "condition"
  /** Waits for what the other end of a pipe sends. */
  | "receive"
  /** Has that end. */
  | "talk"
  /** Uses a manager's dict all the time. */
  | "dict"
  /** Serves a queue. */
  | "own"
  /** Waits for an item of that. */
  | "getOwned"
  | "getOwnedSync"
  /** Has shared memory of its own, and of the parent. */
  | "memory";

/** A process of a round, and the one that it starts. */
export interface Member {
  readonly name: string;
  readonly role: Role;
  readonly child?: Member | undefined;
}

/** What the parent gives to everybody. */
export interface Kit {
  readonly lock: Lock;
  readonly condition: Condition;
  /** Nobody ever puts anything into it. */
  readonly empty: Queue<number>;
  /** Nobody ever gets anything out of it. */
  readonly full: Queue<number>;
  /** More parties than there are processes. */
  readonly barrier: Barrier;
  /** Set when all have to end. */
  readonly end: Event;
  readonly gifts: Queue<Queue<number>>;
  readonly owned: Queue<number> | undefined;
  readonly dict: DictProxy<string, number> | undefined;
  readonly memory: SharedMemory | undefined;
  readonly pipe: Connection | undefined;
}

/** One thing that happened. */
export interface Report {
  readonly name: string;
  readonly pid: number;
  readonly at: number;
  readonly kind:
    /** It is about to do what it does. */
    | "ready"
    /** It has ended doing it, as `how` says: "ok" or the name of an error. */
    | "end"
    /** Whoever started it has heard of its end. */
    | "heard";
  readonly how?: string;
}

/** Tells the observer. */
export function report(
  kind: Report["kind"],
  name: string,
  how?: string,
): void {
  const line: Report = { name, pid: Deno.pid, at: Date.now(), kind, how: how! };
  console.log(JSON.stringify(line));
}

/** The name of what was thrown. */
export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : String(error);
}

/** Runs a process of the round. */
export async function work({ name, role, child }: Member, kit: Kit) {
  const family = child === undefined ? undefined : start(child, kit);
  let how = "ok";
  try {
    await ROLES[role](kit, () => report("ready", name));
  } catch (error) {
    how = nameOf(error);
  }
  report("end", name, how);
  await family;
}

/** Starts a process of the round, and reports what is heard of its end. */
export async function start(member: Member, kit: Kit): Promise<void> {
  let process: Process | undefined;
  let how = "ok";
  try {
    // It cannot be given what belongs to somebody who was killed before.
    process = new Process({ target: work, args: [member, kit] }).start();
    await process.result();
  } catch (error) {
    how = nameOf(error);
  }
  report("heard", member.name, how);
  await process?.join();
}

type Run = (kit: Kit, ready: () => void) => Promise<unknown> | void;

const ROLES: Record<Role, Run> = {
  async hold({ lock, end }, ready) {
    await lock.acquire();
    ready();
    await end.wait();
    lock.release();
  },
  async acquire({ lock }, ready) {
    ready();
    await held(lock, () => lock.acquire());
  },
  async acquireSync({ lock }, ready) {
    ready();
    // deno-lint-ignore require-await -- it blocks
    await held(lock, async () => lock.acquireSync());
  },
  async get({ empty }, ready) {
    ready();
    await empty.get();
  },
  getSync({ empty }, ready) {
    ready();
    empty.getSync();
  },
  putSync({ full }, ready) {
    ready();
    full.putSync(1);
  },
  async barrier({ barrier }, ready) {
    ready();
    await barrier.wait();
  },
  barrierSync({ barrier }, ready) {
    ready();
    barrier.waitSync();
  },
  async condition({ condition, end }, ready) {
    await condition.acquire();
    ready();
    // Whoever comes late is not notified any more.
    if (!end.isSet()) await condition.wait();
    condition.release();
  },
  async receive({ pipe }, ready) {
    ready();
    await pipe!.recv();
  },
  async talk({ pipe, end }, ready) {
    ready();
    await end.wait();
    await pipe!.send("the end");
  },
  async dict({ dict, end }, ready) {
    ready();
    for (let i = 0; !await end.wait({ timeout: 5 }); i++) {
      await dict!.set("count", i);
      await dict!.get("count");
    }
  },
  async own({ gifts, end }, ready) {
    const queue = new Queue<number>();
    await gifts.put(queue);
    ready();
    await end.wait();
    queue.shutdown();
  },
  async getOwned({ owned }, ready) {
    ready();
    await owned!.get();
  },
  getOwnedSync({ owned }, ready) {
    ready();
    owned!.getSync();
  },
  async memory({ memory, end }, ready) {
    using own = memory && SharedMemory.create({ size: 1 << 16 });
    for (const each of [memory, own]) {
      if (each !== undefined) new Uint8Array(each.buffer).fill(1);
    }
    ready();
    await end.wait();
    memory?.close();
  },
};

/** Acquires the lock and releases it, also where its holder had died. */
async function held(lock: Lock, acquire: () => Promise<unknown>) {
  try {
    await acquire();
  } catch (error) {
    if (nameOf(error) === "AbandonedLockError") lock.release();
    throw error;
  }
  lock.release();
}
