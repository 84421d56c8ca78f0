// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertFalse } from "@std/assert";
import { CORE, CoreBudget } from "../../../_internal/pool/core_budget.ts";
import { Job, type Meter } from "../../../_internal/pool/job.ts";
import type { PoolWorker } from "../../../_internal/pool/pool_worker.ts";
import { WorkerRecord } from "../../../_internal/pool/worker_record.ts";
import { CallMode, Lent } from "../../../_internal/wire/messages.ts";

function job(depth = 0, share?: number): Job {
  return new Job(
    {
      kind: "inline",
      mode: CallMode.single,
      fn: () => {},
      args: [],
      calls: 1,
      copies: false,
      enter: undefined,
      meter: share === undefined ? undefined : { share } as Meter,
    },
    {
      name: "job",
      priority: 0,
      timeout: undefined,
      retries: 0,
      maySendAhead: true,
      origin: { depth, parent: undefined },
    },
    {
      started() {},
      progressed() {},
      succeeded() {},
      failed() {},
      cancelled() {},
    },
  );
}

/** A record of a worker that takes whatever it is sent. */
function recordOf(
  slots: number,
  concurrency: number,
  budget?: CoreBudget,
): WorkerRecord {
  const worker = {
    kind: "thread",
    name: "worker",
    slots,
    send() {},
    isAt: () => false,
    revoke: () => true,
    release() {},
  } as unknown as PoolWorker;
  const record = new WorkerRecord(worker, {
    concurrency,
    sendsEarly: undefined,
    budget,
  });
  record.ready();
  return record;
}

function send(record: WorkerRecord, one: Job): number {
  record.send(one);
  one.state = "running";
  return record.slotOf(one);
}

Deno.test("WorkerRecord lends the place of a call that waits to nested jobs only", () => {
  const record = recordOf(1, 1);
  const slot = send(record, job());
  assertFalse(record.hasRoom);
  assertEquals(record.load, 1);
  record.lend(slot, Lent.nested);
  assert(record.isSuspended);
  assert(record.hasRoom);
  assertEquals([record.size, record.load], [1, 0]);
  assertEquals(record.loadFor(job()), 1);
  assertEquals(record.loadFor(job(1)), 0);
  record.lend(slot, Lent.no);
  assertFalse(record.isSuspended);
  assertFalse(record.hasRoom);
  assertEquals(record.loadFor(job(1)), 1);
});

Deno.test("WorkerRecord lends the place of a generator that waits to every job", () => {
  const record = recordOf(2, 2);
  const slot = send(record, job());
  send(record, job());
  record.lend(slot, Lent.all);
  assertEquals([record.size, record.load], [2, 1]);
  assertEquals(record.loadFor(job()), 1);
  assertEquals(record.loadFor(job(5)), 1);
  assertFalse(record.isSuspended);
});

Deno.test("WorkerRecord forgets what was lent with the answer, also for the next call in the slot", () => {
  const record = recordOf(1, 1);
  const slot = send(record, job());
  record.lend(slot, Lent.nested);
  const nested = job(1);
  const other = send(record, nested);
  assertEquals([record.size, record.load], [2, 1]);
  record.release(slot);
  assertEquals([record.size, record.load], [1, 1]);
  assert(record.has(nested));
  // A late word of a call that was answered.
  record.lend(slot, Lent.all);
  assertEquals(record.load, 1);
  record.release(other);
  const next = job();
  send(record, next);
  assertEquals([record.size, record.load], [1, 1]);
});

Deno.test("WorkerRecord.nextToRun() passes over calls that wait", () => {
  const record = recordOf(4, 1);
  const waiting = job();
  const slot = send(record, waiting);
  const second = job(1);
  record.send(second);
  second.state = "sent";
  assertEquals(record.nextToRun(), undefined);
  record.lend(slot, Lent.nested);
  assertEquals(record.nextToRun(), second);
  second.state = "running";
  assertEquals(record.nextToRun(), undefined);
  record.revoke(waiting);
  assertEquals(record.load, 1);
  assertFalse(record.isSuspended);
});

Deno.test("WorkerRecord takes of the cores what its calls do that do not wait, and one core at most", () => {
  const budget = new CoreBudget(4);
  const record = recordOf(4, 4, budget);
  const light = job(0, 0.25);
  assertEquals(record.added(light), CORE / 4);
  const slot = send(record, light);
  assertEquals(budget.inUse, 0.25);
  const heavy = job();
  assertEquals(record.added(heavy), CORE * 3 / 4);
  const other = send(record, heavy);
  assertEquals(budget.inUse, 1);
  assertEquals(record.added(job()), 0);
  record.lend(other, Lent.nested);
  record.lend(other, Lent.all);
  assertEquals(budget.inUse, 0.25);
  record.lend(other, Lent.no);
  record.lend(other, Lent.no);
  assertEquals(budget.inUse, 1);
  record.release(slot);
  assertEquals(budget.inUse, 1);
  record.release(other);
  assertEquals(budget.inUse, 0);
});

Deno.test("WorkerRecord gives back once what a call took, whatever becomes of it and of its share", () => {
  const budget = new CoreBudget(4);
  const record = recordOf(4, 4, budget);
  const meter = { share: 0.5 };
  const one = job();
  one.work.meter = meter as Meter;
  const slot = send(record, one);
  meter.share = 0.125;
  record.release(slot);
  record.release(slot);
  assertEquals(budget.inUse, 0);
  // Taken back; the slot is free only when the worker has noticed.
  const revoked = send(record, one);
  assertEquals(budget.inUse, 0.125);
  assert(record.revoke(one));
  assertEquals(budget.inUse, 0);
  record.lend(revoked, Lent.all);
  record.release(revoked);
  assertEquals(budget.inUse, 0);
  // One that waits when its worker ends.
  const waiting = send(record, one);
  record.lend(waiting, Lent.all);
  record.release(waiting);
  assertEquals(budget.inUse, 0);
});

Deno.test("WorkerRecord starts for nothing: its initializer takes no core", () => {
  const budget = new CoreBudget(1);
  const worker = {
    kind: "thread",
    name: "worker",
    slots: 1,
    send() {},
    release() {},
  } as unknown as PoolWorker;
  const record = new WorkerRecord(worker, {
    concurrency: 1,
    sendsEarly: undefined,
    budget,
  });
  const slot = send(record, job());
  assertEquals(budget.inUse, 0);
  record.release(slot);
  record.ready();
  assertEquals(budget.inUse, 0);
  send(record, job());
  assertEquals(budget.inUse, 1);
});
