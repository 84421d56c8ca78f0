// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { CpuShare, threadCpu } from "../../../_internal/worker/cpu_share.ts";

/** A thread whose processor time is set by hand, told in ticks. */
function createThread(tick: number) {
  const thread = { cpu: 0, looks: 0 };
  const share = new CpuShare(() => {
    thread.looks++;
    return Math.floor(thread.cpu / tick) * tick;
  });
  return { thread, share };
}

Deno.test("CpuShare gives each of the calls that overlap an equal share", () => {
  const { thread, share } = createThread(0.001);
  thread.cpu = 7;
  const long = share.enter(0);
  thread.cpu = 17;
  const other = share.enter(10);
  thread.cpu = 23;
  assertAlmostEquals(share.leave(other, 20)!.cpu, 3);
  thread.cpu = 28;
  assertAlmostEquals(share.leave(long, 40)!.cpu, 10 + 3 + 5);
  // What the thread did while no call was under way is nobody's.
  thread.cpu = 1000;
  const alone = share.enter(2000);
  thread.cpu = 1004;
  assertAlmostEquals(share.leave(alone, 2005)!.cpu, 4);
});

Deno.test("CpuShare looks for one call in a millisecond, and tells about no other that is short", () => {
  const { thread, share } = createThread(1 / 1024);
  // That the system counts finely is seen from the first step.
  const first = share.enter(100);
  thread.cpu = 0.25;
  assertEquals(share.leave(first, 101), undefined);
  const before = thread.looks;
  let told = 0;
  // 512 calls of 1/128 ms, one after the other.
  for (let i = 0; i < 512; i++) {
    const at = 128 + i / 128;
    thread.cpu = 1 + i / 128;
    const mark = share.enter(at);
    thread.cpu += 1 / 128;
    const it = share.leave(mark, at + 1 / 128);
    if (it === undefined) continue;
    told++;
    assertAlmostEquals(it.cpu, 1 / 128);
  }
  assertEquals(told >= 3 && told <= 4, true, `${told}`);
  assertEquals(thread.looks - before <= 12, true, `${thread.looks}`);
});

Deno.test("CpuShare tells the right mean where the system counts in ticks", () => {
  const { thread, share } = createThread(10);
  // Half of the time of each call is spent computing.
  let now = 0;
  let time = 0;
  let cpu = 0;
  for (let i = 0; i < 200; i++) {
    const mark = share.enter(now);
    now += 17;
    thread.cpu += 8.5;
    cpu += share.leave(mark, now)!.cpu;
    time += 17;
    now += 3;
    thread.cpu += 1.87;
  }
  assertAlmostEquals(cpu / time, 0.5, 0.05);
  // One that is shorter than a tick is not told about, whether it met one or not.
  for (let i = 0; i < 5; i++) {
    const mark = share.enter(now += 3);
    thread.cpu += 4;
    assertEquals(share.leave(mark, now += 5), undefined);
  }
});

Deno.test("CpuShare tells of short calls together", () => {
  const { thread, share } = createThread(10);
  let now = 0;
  let over = 0;
  let cpu = 0;
  for (let i = 0; i < 400; i++) {
    const mark = share.enter(now);
    now += 4;
    thread.cpu += 1;
    const told = share.leave(mark, now);
    over += told?.over ?? 0;
    cpu += told?.cpu ?? 0;
    now += 2;
  }
  assertEquals(over, 1600);
  assertAlmostEquals(cpu / over, 0.25, 0.03);
});

Deno.test("CpuShare tells nothing where the system does not", () => {
  const share = new CpuShare(() => undefined);
  const mark = share.enter(0);
  assertEquals(share.leave(mark, 1000), undefined);
});

Deno.test("CpuShare looks at its thread from the first call on that follows a long one", () => {
  const share = new CpuShare();
  assertEquals(share.leave(share.enter(0), 5), undefined);
  // As it was told: nothing was made ready.
  const long = share.enter(10);
  assertEquals(long.since, 10);
  assertEquals(share.leave(long, 30), undefined);
  const mark = share.enter(40);
  assert(mark.since !== 40);
  const isTold = share.leave(mark, mark.since + 20) !== undefined;
  assertEquals(isTold, threadCpu() !== undefined);
});
