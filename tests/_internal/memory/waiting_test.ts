// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  assert,
  assertEquals,
  assertFalse,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  createAgent,
  freeAgent,
  selfTag,
} from "../../../_internal/memory/domain.ts";
import {
  dropNode,
  freeNode,
  isGranted,
  nodeOp,
  QUEUE_WORDS,
  takeNode,
  WaitQueue,
} from "../../../_internal/memory/wait_queue.ts";
import { setInterruption } from "../../../_internal/memory/parking.ts";
import {
  endAgent,
  newWords,
  ThreadEnd,
  Waitable,
} from "../../../_internal/memory/waiting.ts";
import { DeadlockError } from "../../../threading/mod.ts";
import { turn, untilWaiting } from "../../_suites/_crew.ts";
import { errorOf, soon } from "../../_suites/_helpers.ts";

/** Gives `op` of what it has, to whoever asks for that much. */
class Stock extends Waitable {
  stock = 0;
  calls: string[] = [];

  constructor() {
    const { words, serial } = newWords(QUEUE_WORDS);
    super("Semaphore", words, new WaitQueue(words, 0), serial);
  }

  add(count: number): void {
    this.stock += count;
    this.settleGuarded();
  }

  override grant(op: number): number {
    if (op > this.stock) return 0;
    this.stock -= op;
    return op;
  }

  override calm(): void {
    this.calls.push("calm");
  }

  override review(): void {
    this.calls.push("review");
  }
}

Deno.test("Waitable.tryNow() grants what is there, and never waits", () => {
  const stock = new Stock();
  assertEquals(stock.tryNow(1), 0);
  stock.add(3);
  assertEquals(stock.tryNow(2), 2);
  assertEquals(stock.tryNow(2), 0);
  assertEquals(stock.tryNow(1), 1);
  assert(stock.queue.isEmpty);
});

Deno.test("Waitable.waitAsync() serves the first one before the others, however little they want", async () => {
  const stock = new Stock();
  const granted: number[] = [];
  const wait = (op: number) =>
    stock.waitAsync(op, {}).then((value) => granted.push(value));
  const waits = [wait(5), wait(1), wait(2)];
  stock.add(3);
  await turn();
  assertEquals(granted, []);
  assertEquals(stock.tryNow(1), 0);
  stock.add(3);
  await turn();
  assertEquals(granted, [5, 1]);
  stock.add(2);
  await soon("all", Promise.all(waits));
  assertEquals(granted, [5, 1, 2]);
  assert(stock.queue.isEmpty);
});

Deno.test("Waitable.waitAsync() goes before the others where it returns", async () => {
  const stock = new Stock();
  const order: string[] = [];
  const waits = [
    stock.waitAsync(1, {}).then(() => order.push("first")),
    stock.waitAsync(1, {}, true).then(() => order.push("returning")),
  ];
  stock.add(1);
  await turn();
  stock.add(1);
  await soon("both", Promise.all(waits));
  assertEquals(order, ["returning", "first"]);
});

Deno.test("Waitable.giveUp() lets those in who were behind it", async () => {
  const stock = new Stock();
  const controller = new AbortController();
  const big = errorOf(stock.waitAsync(9, { signal: controller.signal }));
  const late = stock.waitAsync(8, { timeout: 10 });
  const small = stock.waitAsync(1, {});
  stock.add(1);
  await turn();
  assertEquals(stock.stock, 1);
  controller.abort("no");
  assertEquals(await big, "no");
  assertEquals(await late, 0);
  assertEquals(await soon("the small one", small), 1);
  assert(stock.queue.isEmpty);
});

Deno.test("Waitable.giveUp() of a node that others have dropped leaves the queue alone", async () => {
  const stock = new Stock();
  const { queue } = stock;
  const node = takeNode(1, 0, stock.serial, false);
  queue.push(node);
  const second = stock.waitAsync(1, {});
  // As `settle()` does for a thread that was terminated.
  queue.unlink(node);
  dropNode(node);
  stock.add(1);
  assertEquals(await second, 1);
  assert(queue.isEmpty);
  // The node of the second one goes to something else.
  const spare = takeNode(1, 0, stock.serial, false);
  const third = stock.waitAsync(2, {});
  // It wakes at last, and its neighbours are others now.
  assert(stock.giveUp(node));
  assertEquals(queue.count(), 1);
  assertEquals(nodeOp(queue.head), 2);
  stock.add(2);
  assertEquals(await soon("the third", third), 2);
  assert(queue.isEmpty);
  freeNode(spare);
});

Deno.test("Waitable.giveUp() comes too late for what was granted", () => {
  const stock = new Stock();
  const node = takeNode(1, 0, stock.serial, false);
  stock.queue.push(node);
  stock.add(1);
  assert(isGranted(node));
  assertFalse(stock.giveUp(node));
});

Deno.test("Waitable.calm() is called when the queue is empty, review() before anybody is granted anything", async () => {
  const stock = new Stock();
  const wait = stock.waitAsync(1, {});
  stock.calls = [];
  stock.add(0);
  assertEquals(stock.calls, ["review"]);
  stock.add(1);
  assertEquals(stock.calls, ["review", "review", "calm"]);
  await wait;
});

Deno.test("Waitable.waitAsync() calls onQueued() once it is queued, and not where it is granted at once", async () => {
  const stock = new Stock();
  let calls = 0;
  const extras = {
    onQueued: () => {
      calls++;
      assertEquals(stock.queue.count(), 1);
      // Whatever happens from here on reaches it.
      stock.add(1);
    },
  };
  assertEquals(await stock.waitAsync(1, {}, false, extras), 1);
  assertEquals(stock.waitSync(1, {}, false, extras), 1);
  assertEquals(calls, 2);
  stock.add(1);
  assertEquals(stock.waitSync(1, {}, false, extras), 1);
  assertEquals(await stock.waitAsync(1, { timeout: 0 }, false, extras), 0);
  assertEquals(calls, 2);
});

Deno.test("Waitable.waitSync() ends with its task, unless it is forced", () => {
  const stock = new Stock();
  let asked = 0;
  setInterruption(() => {
    asked++;
    return new SyntaxError("the task is over");
  });
  try {
    assertThrows(() => stock.waitSync(1, {}), SyntaxError, "is over");
    assertThrows(
      () => stock.waitSync(1, { timeout: 1_000 }),
      SyntaxError,
      "is over",
    );
    assertEquals(asked, 2);
    assertEquals(
      stock.waitSync(1, { timeout: 20 }, false, { isForced: true }),
      0,
    );
    assertEquals(asked, 2);
    assert(stock.queue.isEmpty);
  } finally {
    setInterruption(() => undefined);
  }
});

Deno.test("Waitable.waitSync() tells that nobody is left, and leaves the queue", () => {
  const stock = new Stock();
  assertThrows(() => stock.waitSync(1, {}), DeadlockError);
  assert(stock.queue.isEmpty);
});

Deno.test("ThreadEnd waits for the end of a thread, and endAgent() wakes them", async () => {
  const tag = createAgent("fake", false);
  const joiners = new ThreadEnd(tag);
  assertEquals(joiners.tryNow(tag), 0);
  assertEquals(await joiners.waitAsync(tag, { timeout: 5 }), 0);
  const wait = joiners.waitAsync(tag, {});
  const other = joiners.waitAsync(tag, {});
  await untilWaiting("Thread", 2);
  endAgent(tag, "killed");
  assertEquals(await soon("the end", Promise.all([wait, other])), [1, 1]);
  assertEquals(joiners.tryNow(tag), 1);
  assertEquals(joiners.waitSync(tag, {}), 1);
  freeAgent(tag);
  await assertRejects(
    () =>
      joiners.waitAsync(tag, { signal: AbortSignal.abort(new TypeError()) }),
    TypeError,
  );
  assertEquals(joiners.holder(), tag);
  assertFalse(joiners.holder() === selfTag());
});

Deno.test("ThreadEnd of a thread that is gone leaves those alone who wait for the next one in its place", async () => {
  const first = createAgent("first", false);
  endAgent(first, "ended");
  freeAgent(first);
  const second = createAgent("second", false);
  // The same record, another generation.
  assertEquals(second & 1023, first & 1023);
  const wait = new ThreadEnd(second).waitAsync(second, {});
  assertEquals(new ThreadEnd(first).waitSync(first, {}), 1);
  await untilWaiting("Thread", 1);
  endAgent(second, "ended");
  assertEquals(await soon("the end", wait), 1);
  freeAgent(second);
});
