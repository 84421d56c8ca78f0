// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals } from "@std/assert";
import type { Broker } from "../../distributed/_broker.ts";
import { LostJobs } from "../../distributed/_lost_jobs.ts";
import type { Ticket } from "../../distributed/_ticket.ts";
import { soon } from "../_suites/_helpers.ts";

const AWAY = { state: "away", addedAt: -Infinity } as const;

/** What is looked for, in a Redis that has lost all of it. */
class Bench {
  readonly tickets = new Map<number, Ticket>();
  /** The jobs that were asked about, each time. */
  readonly asked: number[][] = [];
  readonly found: number[] = [];
  readonly jobs: LostJobs;
  /** Called when somebody asks; Redis answers when it resolves. */
  onAsk: () => Promise<void> = () => Promise.resolve();

  constructor(interval: number) {
    const missingOf = async (tickets: Ticket[]) => {
      this.asked.push(tickets.map(({ number }) => number));
      await this.onAsk();
      return tickets;
    };
    this.jobs = new LostJobs(
      { missingOf } as unknown as Broker<Ticket>,
      this.tickets,
      ({ number }) => this.found.push(number),
      interval,
    );
  }

  add(number: number, some: Partial<Ticket> = AWAY): void {
    this.tickets.set(number, { number, ...some } as Ticket);
  }
}

Deno.test("LostJobs.look() asks about those that have been in the queue for so long, and no others", async () => {
  const bench = new Bench(10_000);
  bench.add(1);
  bench.add(2, { ...AWAY, addedAt: performance.now() - 1000 });
  bench.add(3, { ...AWAY, state: "leaving" });
  bench.add(4, { ...AWAY, state: "closed" });
  await bench.jobs.look(60_000, 0);
  await bench.jobs.look(0, 0);
  bench.jobs.rest();

  assertEquals(bench.asked, [[1], [1, 2]]);
});

Deno.test("LostJobs.look() leaves alone what was answered while it asked", async () => {
  const bench = new Bench(10_000);
  for (const number of [1, 2]) bench.add(number);
  bench.onAsk = () => {
    bench.tickets.get(1)!.state = "closed";
    return Promise.resolve();
  };
  await bench.jobs.look(0, 0);
  bench.jobs.rest();

  assertEquals(bench.found, [2]);
});

Deno.test("LostJobs.look() asks once at a time, and goes on after an error", async () => {
  const bench = new Bench(10_000);
  bench.add(1);
  const answer = Promise.withResolvers<void>();
  bench.onAsk = () => answer.promise;
  const looks = [bench.jobs.look(0, 0), bench.jobs.look(0, 0)];
  answer.reject(new TypeError("no connection"));
  await Promise.all(looks);
  assertEquals([bench.asked, bench.found], [[[1]], []]);
  bench.onAsk = () => Promise.resolve();
  await bench.jobs.look(0, 0);
  bench.jobs.rest();

  assertEquals(bench.found, [1]);
});

Deno.test("LostJobs.watch() looks again and again, until there is nothing to look for", async () => {
  const bench = new Bench(1);
  bench.add(1);
  const third = Promise.withResolvers<void>();
  bench.onAsk = () => {
    if (bench.asked.length === 3) {
      bench.tickets.clear();
      third.resolve();
    }
    return Promise.resolve();
  };
  // However often it is told.
  bench.jobs.watch();
  bench.jobs.watch();
  await soon("three looks", third.promise);
  await new Promise((resolve) => setTimeout(resolve, 10));

  assertEquals(bench.asked, [[1], [1], [1]]);
});
