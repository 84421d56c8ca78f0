// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals } from "@std/assert";
import { dump, Event, Lock, Thread } from "../../threading/mod.ts";
import { errorOf, until } from "../_suites/_helpers.ts";

Deno.test("dump() tells what two threads that block each other wait for, and who holds it", async () => {
  const [first, second] = [new Lock(), new Lock()];
  const [here, there] = [new Event(), new Event()];
  const left = new Thread({
    name: "left",
    target: () => {
      first.acquireSync();
      here.set();
      there.waitSync();
      second.acquireSync();
    },
  }).start();
  const right = new Thread({
    name: "right",
    target: () => {
      second.acquireSync();
      there.set();
      here.waitSync();
      first.acquireSync();
    },
  }).start();
  const end = errorOf(right.result());
  const waits = () =>
    dump().filter(({ name }) => name === "left" || name === "right")
      .flatMap(({ name, waitsFor }) =>
        waitsFor.map(({ kind, holder, isAsync }) => [
          name,
          kind,
          holder?.name,
          isAsync,
        ])
      ).sort();
  const expected = [
    ["left", "Lock", "right", false],
    ["right", "Lock", "left", false],
  ];
  await until(
    "both are blocked",
    () => JSON.stringify(waits()) === JSON.stringify(expected),
  );
  const text = String(dump());
  assert(text.includes("MainThread"), text);
  assert(/left .*is blocked, for Lock #\d+, held by right/.test(text), text);
  await left.terminate();
  assertEquals((await end as Error).name, "AbandonedLockError");
  await right.join();
});

Deno.test("dump() tells of waits that do not block, behind whoever is first too", async () => {
  const lock = new Lock();
  await lock.acquire();
  const waits = [lock.acquire(), lock.acquire(), lock.acquire()];
  const [main] = dump();
  assertEquals(main!.name, "MainThread");
  assertEquals(
    main!.waitsFor.map(({ kind, isAsync, holder }) => [
      kind,
      isAsync,
      holder?.name,
    ]),
    [1, 2, 3].map(() => ["Lock", true, "MainThread"]),
  );
  for (const wait of waits) {
    lock.release();
    await wait;
  }
  lock.release();
  assertEquals(dump()[0]!.waitsFor, []);
});
