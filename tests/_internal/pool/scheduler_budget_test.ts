// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Schedulers that share a budget of cores, with workers that do what they are told.

import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { CoreBudget, TURN } from "../../../_internal/pool/core_budget.ts";
import { Lent } from "../../../_internal/wire/messages.ts";
import { random } from "../memory/_fixtures/records.ts";
import { Fake } from "./_fake_scheduler.ts";

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
  assertEquals([b.held, budget.inUse, a.ends.length], [[1], 1, 0]);
  b.workers[0]!.answer();
  await settled();
  a.workers[1]!.ready();
  while (a.ends.length < 2) a.workers[1]!.answer();
  assertEquals([budget.inUse, budget.waiting, b.ends.length], [0, 0, 1]);
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
      const ended = all.reduce((sum, fake) => sum + fake.ends.length, 0);
      assertEquals([ended, budget.inUse, budget.waiting], [submitted, 0, 0]);
      await Promise.all(all.map((fake) => fake.end()));
    }
  } catch (cause) {
    throw new RangeError(`Cannot pass with STRESS_SEED=${seed}`, { cause });
  }
});
