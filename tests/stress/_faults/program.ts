// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The parent of a fault round: makes everything, starts the processes that its
// argument names, and ends them all when the observer says so or where it cannot
// even begin.

import {
  Barrier,
  Condition,
  type DictProxy,
  Event,
  Lock,
  Manager,
  pipe,
  Queue,
  SharedMemory,
} from "@concurrent/parallel/multiprocessing";
import { type Kit, type Member, nameOf, report, start } from "./roles.ts";

const members = JSON.parse(Deno.args[0]!) as Member[];
const roles = members.flatMap((member) => [member.role, member.child?.role]);

/** What the observer says, or that it is gone. */
let isTold = false;
const told = Deno.stdin.read(new Uint8Array(64)).then(() => isTold = true);

const full = new Queue<number>(1);
full.putSync(0);
const basis = {
  lock: new Lock(),
  condition: new Condition(),
  empty: new Queue<number>(),
  full,
  barrier: new Barrier(100),
  end: new Event(),
  gifts: new Queue<Queue<number>>(),
};
const heard: Promise<void>[] = [];
const [one, other] = pipe();
let manager: Manager | undefined;
let memory: SharedMemory | undefined;
let owned: Queue<number> | undefined;

function begin(member: Member, dict: DictProxy<string, number> | undefined) {
  const doing = [member.role, member.child?.role];
  const end = doing.includes("receive")
    ? one
    : doing.includes("talk")
    ? other
    : undefined;
  const kit: Kit = { ...basis, owned, dict, memory, pipe: end };
  heard.push(start(member, kit));
}

try {
  let dict: DictProxy<string, number> | undefined;
  if (roles.includes("dict")) {
    manager = await new Manager().start();
    dict = await manager.dict<string, number>();
    report("ready", "manager");
  }
  const { state } = await Deno.permissions.query({ name: "ffi" });
  if (roles.includes("memory") && state === "granted") {
    memory = SharedMemory.create({ size: 1 << 16 });
  }
  for (const member of members) {
    begin(member, dict);
    if (member.role === "own") {
      // Where it was killed before, nobody gets one.
      owned = await Promise.race([
        basis.gifts.get().catch(() => new Queue<number>()),
        heard.at(-1)!.then(() => new Queue<number>()),
      ]);
    }
  }
  // Only who has come to the barrier breaks it.
  const parties = roles.filter((role) => role?.startsWith("barrier")).length;
  while (basis.barrier.nWaiting < parties && !isTold) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  report("ready", "parent");
} catch (error) {
  report("end", "parent", nameOf(error));
}
await told;
const { end, empty, gifts, barrier, condition } = basis;
end.set();
empty.shutdown();
full.shutdown({ immediate: true });
gifts.shutdown();
barrier.abort();
try {
  owned?.shutdown();
} catch {
  // Its owner was killed.
}
try {
  await condition.acquire();
} catch {
  // Its holder was killed: now it is ours.
}
condition.notifyAll();
condition.release();
await Promise.all(heard);
await manager?.shutdown();
memory?.close();
report("end", "parent", "ok");
