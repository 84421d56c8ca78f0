// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertFalse } from "@std/assert";
import {
  type BudgetParty,
  CORE,
  CoreBudget,
  partsOf,
} from "../../../_internal/pool/core_budget.ts";

/** Wants cores, as a distributor does: what it sends it holds until it is told. */
class Party implements BudgetParty {
  readonly #name: string;
  readonly #budget: CoreBudget;
  readonly #log: string[];
  /** What it wants, in parts. */
  readonly wants: number[] = [];

  constructor(name: string, budget: CoreBudget, log: string[]) {
    this.#name = name;
    this.#budget = budget;
    this.#log = log;
  }

  submit(...shares: number[]): void {
    this.wants.push(...shares.map(partsOf));
    this.pump();
  }

  pump(): void {
    let isRefused = false;
    while (this.wants.length > 0 && !isRefused) {
      const parts = this.wants[0]!;
      if (this.#budget.fits(this, parts)) {
        this.wants.shift();
        this.#budget.change(parts);
        this.#budget.served(this);
        this.#log.push(this.#name);
      } else {
        isRefused = true;
        this.#budget.refuse(this);
      }
    }
    if (!isRefused) this.#budget.leave(this);
    this.#budget.serve();
  }

  /** Gives back, without a pump of its own. */
  giveBack(share: number): void {
    this.#budget.change(-partsOf(share));
  }
}

function setUp(cores: number) {
  const budget = new CoreBudget(cores);
  const log: string[] = [];
  return {
    budget,
    log,
    a: new Party("a", budget, log),
    b: new Party("b", budget, log),
    c: new Party("c", budget, log),
  };
}

/** Microtasks have run. */
async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await undefined;
}

Deno.test("partsOf() takes any share for one between none and a core", () => {
  assertEquals([-1, 0, 0.5, 1, 7].map(partsOf), [0, 0, CORE / 2, CORE, CORE]);
});

Deno.test("CoreBudget.fits() up to the cores, and for anything where nothing is in use", () => {
  const { budget, a, b, log } = setUp(1);
  a.submit(0.75);
  assert(budget.fits(b, partsOf(0.25)));
  assertFalse(budget.fits(b, partsOf(0.5)));
  assert(budget.fits(b, 0));
  a.giveBack(0.75);
  assert(budget.fits(b, 5 * CORE));
  assertEquals(log, ["a"]);
});

Deno.test("CoreBudget serves those who were refused in turns, after the pump in which something was given back", async () => {
  const { budget, a, b, c, log } = setUp(1);
  a.submit(1, 1, 1);
  b.submit(1, 1);
  c.submit(1);
  assertEquals([budget.waiting, log.join("")], [3, "a"]);
  for (let i = 0; i < 5; i++) {
    a.giveBack(1);
    const before = log.length;
    // Not inside of what gives back.
    assertEquals(log.length, before);
    await settled();
    assertEquals(log.length, before + 1);
    assertEquals(budget.inUse, 1);
  }
  assertEquals(log.join(""), "aabcab");
  assertEquals(budget.waiting, 0);
});

Deno.test("CoreBudget serves at the end of a pump, for a caller that blocks its thread next", () => {
  const { a, b, log } = setUp(1);
  a.submit(1, 1);
  b.submit(1);
  a.giveBack(1);
  b.pump();
  assertEquals(log, ["a", "a"]);
});

Deno.test("CoreBudget lets nobody pass who needs less than the first of the line", async () => {
  const { budget, a, b, log } = setUp(1);
  a.submit(0.25, 0.25, 0.25);
  b.submit(1);
  a.submit(0.25);
  assertEquals(log.join(""), "aaa");
  for (let i = 0; i < 2; i++) {
    a.giveBack(0.25);
    await settled();
    assertEquals(log.join(""), "aaa");
  }
  a.giveBack(0.25);
  await settled();
  assertEquals([log.join(""), budget.inUse], ["aaab", 1]);
  b.giveBack(1);
  await settled();
  assertEquals([log.join(""), budget.waiting], ["aaaba", 0]);
});

Deno.test("CoreBudget asks the first of the line again that may have lost its interest", async () => {
  const { budget, a, b, log } = setUp(1);
  a.submit(0.5);
  b.submit(1);
  a.submit(0.5);
  assertEquals([log.join(""), budget.waiting], ["a", 2]);
  // Cancelled.
  b.wants.length = 0;
  budget.withdraw(b);
  await settled();
  assertEquals([log.join(""), budget.waiting], ["aa", 0]);
});

Deno.test("CoreBudget serves the next one when the first of the line leaves it", () => {
  const { budget, a, b, log } = setUp(1);
  a.submit(0.5);
  b.submit(1);
  a.submit(0.5);
  b.wants.length = 0;
  b.pump();
  assertEquals([log.join(""), budget.waiting], ["aa", 0]);
});

Deno.test("CoreBudget.isWanted() tells of others who wait", () => {
  const { budget, a, b } = setUp(1);
  a.submit(1, 1);
  assertFalse(budget.isWanted(a));
  assert(budget.isWanted(b));
  b.submit(1);
  assert(budget.isWanted(a));
});

Deno.test("CoreBudget leaves a party alone that is pumped already, and hears of it at its end", async () => {
  const { budget, a, b, log } = setUp(1);
  a.submit(1);
  let isPumped = false;
  let wants = true;
  const inner: BudgetParty = {
    pump(): void {
      // As in the pump of a distributor: one more round of the one at work.
      if (isPumped) return;
      isPumped = true;
      // User code, which gives back and submits.
      a.giveBack(1);
      b.submit(1);
      isPumped = false;
      if (wants && budget.fits(inner, CORE)) {
        wants = false;
        budget.change(CORE);
        budget.served(inner);
        log.push("inner");
      } else if (wants) budget.refuse(inner);
      if (!wants) budget.leave(inner);
      budget.serve();
    },
  };
  budget.refuse(inner);
  inner.pump();
  await settled();
  assertEquals(log, ["a", "inner"]);
  budget.change(-CORE);
  await settled();
  assertEquals(log, ["a", "inner", "b"]);
});

Deno.test("CoreBudget takes threads that are stuck off the cores while they run, down to one", async () => {
  const { budget, a, b, log } = setUp(2);
  const workers = [{ stuck: true }, { stuck: true }, { stuck: true }];
  budget.lose(workers[0]!);
  a.submit(1, 1);
  assertEquals([budget.inUse, budget.waiting], [1, 1]);
  for (const worker of workers) budget.lose(worker);
  a.giveBack(1);
  await settled();
  assertEquals([budget.inUse, budget.waiting], [1, 0]);
  // They end: known the next time that somebody is refused.
  for (const worker of workers) worker.stuck = false;
  b.submit(1);
  await settled();
  a.giveBack(1);
  await settled();
  b.submit(1);
  assertEquals([budget.inUse, log.join("")], [2, "aabb"]);
});
