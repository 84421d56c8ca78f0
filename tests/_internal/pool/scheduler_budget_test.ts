// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Schedulers that share a budget of cores, with workers that do what they are told.

import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { CoreBudget, TURN } from "../../../_internal/pool/core_budget.ts";
import type { Meter, RemoteWork } from "../../../_internal/pool/job.ts";
import type {
  PoolWorker,
  WorkerEvents,
} from "../../../_internal/pool/pool_worker.ts";
import { Scheduler } from "../../../_internal/pool/scheduler.ts";
import type { SchedulerOptions } from "../../../_internal/pool/scheduler_options.ts";
import { random } from "../memory/_fixtures/records.ts";
import { CallMode, Lent } from "../../../_internal/wire/messages.ts";

/** A worker that holds what it is sent until it is told to answer. */
class FakeWorker {
  readonly kind = "thread";
  readonly id = 1;
  readonly name = "fake";
  readonly pid = undefined;
  readonly agent = 0;
  readonly slots = 8;
  readonly revocable = true;
  stuck = false;
  isGone = false;
  isUp = false;
  /** The call that waits. */
  lent: number | undefined;
  /** In the order in which they were sent; the first one runs. */
  readonly sent: number[] = [];
  readonly #events: WorkerEvents;

  constructor(events: WorkerEvents) {
    this.#events = events;
  }

  ready(): void {
    if (this.isUp || this.isGone) return;
    this.isUp = true;
    this.#events.ready();
    this.#events.delivered();
  }

  /** What runs returns. */
  answer(): void {
    const slot = this.sent.shift();
    if (slot === undefined) return;
    this.lent = undefined;
    this.#events.done(slot, undefined, 0.1);
    this.#events.delivered();
  }

  /** What runs waits, or goes on. */
  lend(to: Lent): void {
    const slot = this.sent[0];
    if (slot === undefined) return;
    this.lent = to === Lent.no ? undefined : slot;
    this.#events.lends(slot, to);
    this.#events.delivered();
  }

  /** It ends, with all that it holds. */
  crash(): void {
    this.isGone = true;
    this.#events.exited({ exitCode: 1 });
    this.sent.length = 0;
  }

  send(slot: number): void {
    this.sent.push(slot);
  }

  isAt(slot: number): boolean {
    return slot === this.sent[0];
  }

  revoke(slot: number): boolean {
    const at = this.sent.indexOf(slot);
    if (at <= 0) return false;
    this.sent.splice(at, 1);
    if (!this.isGone) queueMicrotask(() => this.#events.skipped(slot));
    return true;
  }

  stop(): void {
    this.#events.exited({ exitCode: 0 });
  }

  terminate(): void {
    this.#events.exited({ exitCode: 0 });
  }

  wake(): void {}
  release(): void {}
  giveUp(): void {}
  abort(): void {}
  probe(): void {}
}

/** Time passes as the test says: a machine may take the core away between any two lines. */
class Clock implements Disposable {
  readonly #now = performance.now;
  time = performance.now();

  constructor() {
    performance.now = () => this.time;
  }

  [Symbol.dispose](): void {
    performance.now = this.#now;
  }
}

/** A scheduler and its workers, in the order of their start. */
class Fake {
  readonly scheduler: Scheduler;
  readonly workers: FakeWorker[] = [];
  ended = 0;

  constructor(budget: CoreBudget, more: Partial<SchedulerOptions> = {}) {
    this.scheduler = new Scheduler({
      kind: "thread",
      name: "fake",
      maxWorkers: 2,
      minWorkers: 0,
      concurrency: 1,
      queueLimit: Infinity,
      maxTasksPerWorker: Infinity,
      idleTimeout: Infinity,
      cancelGrace: 0,
      initializer: undefined,
      ...more,
      budget,
      startWorker: (_, events) => {
        const worker = new FakeWorker(events);
        this.workers.push(worker);
        return worker as unknown as PoolWorker;
      },
    });
  }

  submit({ share, retries = 0 }: { share?: number; retries?: number } = {}) {
    const end = () => this.ended++;
    const meter = share === undefined ? undefined : {
      share,
      ran() {},
      lost() {},
      ended() {},
    } as unknown as Meter;
    const work = {
      kind: "remote",
      mode: CallMode.single,
      definition: { meanTime: 0.1 },
      payload: { transfer: [], segment: undefined },
      calls: 1,
      meter,
    } as unknown as RemoteWork;
    return this.scheduler.submit(
      work,
      {
        name: "fake",
        priority: 0,
        timeout: undefined,
        retries,
        maySendAhead: true,
      },
      {
        started() {},
        progressed() {},
        succeeded: end,
        failed: end,
        cancelled: end,
      },
    );
  }

  /** How many calls each worker holds. */
  get held(): number[] {
    return this.workers.map((worker) => worker.sent.length);
  }

  async end(): Promise<void> {
    await this.scheduler.terminate("the test is over");
  }
}

async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await undefined;
}

Deno.test("Scheduler starts workers while there are cores for them, and no more", async () => {
  const budget = new CoreBudget(2);
  const [a, b] = [new Fake(budget), new Fake(budget)];
  a.submit();
  a.workers[0]!.ready();
  assertEquals([a.held, budget.inUse], [[1], 1]);
  for (let i = 0; i < 3; i++) b.submit();
  // The second one would have no core, but the first one has: nobody waits yet.
  assertEquals([b.workers.length, budget.waiting], [1, 0]);
  b.workers[0]!.ready();
  // Two are sent ahead; another worker would take one over.
  assertEquals([b.held, budget.inUse, budget.waiting], [[3], 2, 1]);
  a.workers[0]!.answer();
  await settled();
  // There is a core for it now.
  assertEquals([b.held, budget.waiting], [[3, 0], 0]);
  b.workers[1]!.ready();
  assertEquals([b.held, budget.inUse], [[2, 1], 2]);
  await a.end();
  await b.end();
  assertEquals([budget.inUse, budget.waiting], [0, 0]);
});

Deno.test("Scheduler sends calls ahead where there is no core for another worker", async () => {
  const budget = new CoreBudget(1);
  const a = new Fake(budget);
  a.submit();
  a.workers[0]!.ready();
  for (let i = 0; i < 3; i++) a.submit();
  assertEquals([a.held, budget.inUse], [[4], 1]);
  await a.end();
  assertEquals(budget.inUse, 0);
});

Deno.test("Scheduler sends nothing ahead to a worker that has had its turn while others wait", async () => {
  using clock = new Clock();
  const budget = new CoreBudget(1);
  const [a, b] = [
    new Fake(budget, { maxWorkers: 1 }),
    new Fake(budget, { maxWorkers: 1 }),
  ];
  b.submit();
  b.workers[0]!.ready();
  b.workers[0]!.answer();
  a.submit();
  a.workers[0]!.ready();
  a.submit();
  a.submit();
  b.submit();
  assertEquals([a.held, b.held, budget.waiting], [[3], [0], 1]);
  a.submit();
  assertEquals(a.held, [4]);
  clock.time += TURN;
  for (let i = 0; i < 10; i++) a.submit();
  assertEquals([a.held, budget.waiting], [[4], 2]);
  while (a.workers[0]!.sent.length > 0) {
    assertEquals(b.held, [0]);
    a.workers[0]!.answer();
  }
  await settled();
  assertEquals([a.held, b.held], [[0], [1]]);
  b.workers[0]!.answer();
  await settled();
  assert(a.workers[0]!.sent.length > 0);
  await a.end();
  await b.end();
  assertEquals([budget.inUse, budget.waiting], [0, 0]);
});

Deno.test("Scheduler takes over what waits behind a call when there is a core for it", async () => {
  const budget = new CoreBudget(2);
  const [a, b] = [new Fake(budget), new Fake(budget)];
  a.submit();
  a.submit();
  for (const worker of a.workers) worker.ready();
  a.workers[1]!.answer();
  b.submit();
  b.workers[0]!.ready();
  // Behind the first one, since the core of the second one is in use.
  a.submit();
  assertEquals([a.held, budget.inUse, budget.waiting], [[2, 0], 2, 1]);
  b.workers[0]!.answer();
  await settled();
  assertEquals([a.held, budget.inUse, budget.waiting], [[1, 1], 2, 0]);
  await a.end();
  await b.end();
  assertEquals(budget.inUse, 0);
});

Deno.test("Scheduler puts several calls that mostly wait on one core", async () => {
  const budget = new CoreBudget(1);
  const [a, b] = [new Fake(budget, { concurrency: 4 }), new Fake(budget)];
  a.submit({ share: 0.25 });
  a.workers[0]!.ready();
  a.submit({ share: 0.25 });
  assertEquals([a.held, budget.inUse], [[2], 0.5]);
  b.submit();
  assertEquals([b.workers.length, budget.waiting], [0, 1]);
  // Not before the one that needs all of it.
  a.submit({ share: 0.25 });
  assertEquals([a.held, budget.inUse], [[2], 0.5]);
  await b.end();
  await settled();
  assertEquals([a.held, budget.inUse, budget.waiting], [[3], 0.75, 0]);
  await a.end();
  assertEquals(budget.inUse, 0);
});

Deno.test("Scheduler gives back what a worker held that crashed, and what is put back is sent again", async () => {
  const budget = new CoreBudget(1);
  const [a, b] = [new Fake(budget, { maxWorkers: 1 }), new Fake(budget)];
  a.submit({ retries: 1 });
  a.workers[0]!.ready();
  a.submit();
  b.submit();
  assertEquals([a.held, budget.inUse, budget.waiting], [[2], 1, 1]);
  a.workers[0]!.crash();
  await settled();
  // The one that waited is next.
  b.workers[0]?.ready();
  assertEquals([b.held, budget.inUse, a.ended], [[1], 1, 0]);
  b.workers[0]!.answer();
  await settled();
  a.workers[1]!.ready();
  while (a.ended < 2) a.workers[1]!.answer();
  assertEquals([budget.inUse, budget.waiting, b.ended], [0, 0, 1]);
  await a.end();
  await b.end();
});

Deno.test("Scheduler loses no wake-up and no core, whatever happens in whatever order", async () => {
  const seed = Number(Deno.env.get("STRESS_SEED") ?? Date.now() % 1_000_000);
  const rounds = 20 * Number(Deno.env.get("STRESS_SCALE") ?? 1);
  const next = random(seed);
  const below = (n: number) => next() % n;
  try {
    for (let round = 0; round < rounds; round++) {
      const cores = 1 + below(3);
      const budget = new CoreBudget(cores);
      const all = [1, 4, 1].map((concurrency) =>
        new Fake(budget, {
          concurrency,
          maxWorkers: 1 + below(3),
          sendsEarly: below(2) === 0 ? "repeatable" : undefined,
        })
      );
      let submitted = 0;
      let hasResumed = false;
      const jobs: [Fake, ReturnType<Fake["submit"]>][] = [];
      for (let step = 0; step < 200; step++) {
        const fake = all[below(all.length)]!;
        const worker = fake.workers[below(Math.max(fake.workers.length, 1))];
        switch (below(9)) {
          case 0:
          case 1:
          case 2: {
            const share = [undefined, 0.1, 0.5, 1][below(4)];
            submitted++;
            jobs.push([
              fake,
              fake.submit(share === undefined ? {} : { share }),
            ]);
            break;
          }
          case 3:
          case 4:
            worker?.answer();
            break;
          case 5:
            worker?.ready();
            break;
          case 6: {
            const [owner, job] = jobs[below(Math.max(jobs.length, 1))] ?? [];
            if (job?.state === "queued") {
              owner?.scheduler.cancel(job, "why not");
            }
            break;
          }
          case 7:
            if (worker?.isUp) {
              worker.lend(below(2) === 0 ? Lent.all : Lent.nested);
            }
            break;
          case 8:
            if (worker?.isUp && below(4) === 0) worker.crash();
            else if (worker?.lent === worker?.sent[0] && worker?.isUp) {
              hasResumed = true;
              worker?.lend(Lent.no);
            }
            break;
        }
        if (!hasResumed) assertLessOrEqual(budget.inUse, cores);
        if (below(3) === 0) await settled();
      }
      // Whatever runs ends: so does all that waits.
      for (let idle = 0; idle < 3; idle++) {
        await settled();
        for (const worker of all.flatMap(({ workers }) => workers)) {
          worker.ready();
          if (worker.sent.length > 0 && worker.isUp) idle = 0;
          worker.answer();
        }
      }
      const ended = all.reduce((sum, fake) => sum + fake.ended, 0);
      assertEquals([ended, budget.inUse, budget.waiting], [submitted, 0, 0]);
      await Promise.all(all.map((fake) => fake.end()));
    }
  } catch (cause) {
    throw new RangeError(`Cannot pass with STRESS_SEED=${seed}`, { cause });
  }
});
