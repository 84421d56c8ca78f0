// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What becomes of the jobs of workers that end, with workers that do what they
// are told.

import { assert, assertEquals } from "@std/assert";
import type { Job, RemoteWork } from "../../../_internal/pool/job.ts";
import type {
  PoolWorker,
  WorkerEvents,
} from "../../../_internal/pool/pool_worker.ts";
import { Scheduler } from "../../../_internal/pool/scheduler.ts";
import { CallMode } from "../../../_internal/wire/messages.ts";

/** A worker with calls that it holds, gets ready, or neither. */
class FakeWorker {
  readonly kind = "thread";
  readonly id = 1;
  readonly name = "fake";
  readonly pid = undefined;
  readonly agent = 0;
  readonly slots = 8;
  readonly revocable = true;
  readonly stuck = false;
  readonly sent: number[] = [];
  /** The slots whose turn has come. */
  readonly taken = new Set<number>();
  readonly events: WorkerEvents;
  #isGone = false;

  constructor(events: WorkerEvents) {
    this.events = events;
  }

  ready(): void {
    this.events.ready();
    this.events.delivered();
  }

  crash(): void {
    this.#isGone = true;
    this.events.exited({ exitCode: 1 });
  }

  send(slot: number): void {
    this.sent.push(slot);
  }

  isAt(slot: number): boolean {
    return this.taken.has(slot);
  }

  /** Nothing starts here. */
  revoke(): boolean {
    return true;
  }

  terminate(): void {
    if (!this.#isGone) this.crash();
  }

  stop(): void {
    this.terminate();
  }

  wake(): void {}
  release(): void {}
  abort(): void {}
  probe(): void {}
}

class Fake {
  readonly workers: FakeWorker[] = [];
  readonly ends: string[] = [];
  readonly scheduler = new Scheduler({
    kind: "thread",
    name: "fake",
    maxWorkers: 1,
    minWorkers: 0,
    concurrency: 1,
    queueLimit: Infinity,
    maxTasksPerWorker: Infinity,
    idleTimeout: Infinity,
    cancelGrace: 0,
    initializer: undefined,
    sendsEarly: "all",
    startWorker: (_, events) => {
      const worker = new FakeWorker(events);
      this.workers.push(worker);
      return worker as unknown as PoolWorker;
    },
  });

  submit(name: string, priority = 0): Job {
    const end = (what: string) => () => this.ends.push(`${name} ${what}`);
    const work = {
      kind: "remote",
      mode: CallMode.single,
      definition: { meanTime: 0.1 },
      payload: { transfer: [], segment: undefined },
      calls: 1,
    } as unknown as RemoteWork;
    return this.scheduler.submit(
      work,
      { name, priority, timeout: undefined, retries: 0, maySendAhead: true },
      {
        started() {},
        progressed() {},
        succeeded: end("succeeded"),
        failed: end("failed"),
        cancelled: end("cancelled"),
      },
    );
  }

  get worker(): FakeWorker {
    return this.workers.at(-1)!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.scheduler.terminate("the test is over");
  }
}

Deno.test("JobReturns does not blame what is next for what was taken back while it was made ready", async () => {
  await using fake = new Fake();
  let culprit = fake.submit("culprit", 1);
  fake.submit("innocent");
  for (let round = 1; round <= 5; round++) {
    const { worker } = fake;
    assertEquals([fake.workers.length, worker.sent.length], [round, 2]);
    // It is imported there already; nobody here knows yet that it is up.
    worker.taken.add(worker.sent[0]!);
    assert(fake.scheduler.cancel(culprit, "not any more"));
    worker.ready();
    culprit = fake.submit("culprit", 1);
    worker.crash();
    assertEquals(fake.ends, new Array(round).fill("culprit cancelled"));
  }
});

Deno.test("JobReturns blames a job whose workers end while they make it ready, after some", async () => {
  await using fake = new Fake();
  fake.submit("culprit");
  fake.submit("innocent");
  for (let round = 1; round <= 3; round++) {
    const { worker } = fake;
    assertEquals([fake.ends.length, worker.sent.length], [0, 2]);
    worker.taken.add(worker.sent[0]!);
    worker.ready();
    worker.crash();
  }
  assertEquals(fake.ends, ["culprit failed"]);
});

Deno.test("JobReturns blames the first in line where nobody knows what a worker was at", async () => {
  await using fake = new Fake();
  fake.submit("culprit");
  fake.submit("innocent");
  for (let round = 1; round <= 3; round++) {
    assertEquals(fake.ends, []);
    fake.worker.ready();
    fake.worker.crash();
  }
  assertEquals(fake.ends, ["culprit failed"]);
});
