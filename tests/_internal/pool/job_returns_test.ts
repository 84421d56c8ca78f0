// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What becomes of the jobs of workers that end, with workers that do what they
// are told.

import { assert, assertEquals } from "@std/assert";
import { Fake, FakeWorker } from "./_fake_scheduler.ts";

/** One that starts nothing: what it is at it makes ready. */
class SlowWorker extends FakeWorker {
  /** The slots whose turn has come. */
  readonly taken = new Set<number>();

  override isAt(slot: number): boolean {
    return this.taken.has(slot);
  }

  override revoke(): boolean {
    return true;
  }
}

function create(): Fake<SlowWorker> {
  return new Fake(
    undefined,
    { maxWorkers: 1, sendsEarly: "all" },
    (events) => new SlowWorker(events),
  );
}

Deno.test("JobReturns does not blame what is next for what was taken back while it was made ready", async () => {
  const fake = create();
  let culprit = fake.submit({ name: "culprit", priority: 1 });
  fake.submit({ name: "innocent" });
  for (let round = 1; round <= 5; round++) {
    const worker = fake.workers.at(-1)!;
    assertEquals([fake.workers.length, worker.sent.length], [round, 2]);
    // It is imported there already; nobody here knows yet that it is up.
    worker.taken.add(worker.sent[0]!);
    assert(fake.scheduler.cancel(culprit, "not any more"));
    worker.ready();
    culprit = fake.submit({ name: "culprit", priority: 1 });
    worker.crash();
    assertEquals(fake.ends, new Array(round).fill("culprit cancelled"));
  }
  await fake.end();
});

Deno.test("JobReturns blames a job whose workers end while they make it ready, after some", async () => {
  const fake = create();
  fake.submit({ name: "culprit" });
  fake.submit({ name: "innocent" });
  for (let round = 1; round <= 3; round++) {
    const worker = fake.workers.at(-1)!;
    assertEquals([fake.ends.length, worker.sent.length], [0, 2]);
    worker.taken.add(worker.sent[0]!);
    worker.ready();
    worker.crash();
  }
  assertEquals(fake.ends, ["culprit failed"]);
  await fake.end();
});

Deno.test("JobReturns blames the first in line where nobody knows what a worker was at", async () => {
  const fake = create();
  fake.submit({ name: "culprit" });
  fake.submit({ name: "innocent" });
  for (let round = 1; round <= 3; round++) {
    assertEquals(fake.ends, []);
    fake.workers.at(-1)!.ready();
    fake.workers.at(-1)!.crash();
  }
  assertEquals(fake.ends, ["culprit failed"]);
  await fake.end();
});
