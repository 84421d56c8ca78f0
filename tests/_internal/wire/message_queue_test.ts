// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals, assertRejects } from "@std/assert";
import {
  ConnectionClosedError,
  TimeoutError,
} from "../../../_internal/base/errors.ts";
import {
  type Message,
  MessageQueue,
  QUEUE_LIMIT,
} from "../../../_internal/wire/message_queue.ts";

function message(n: number, size = 1): Message {
  return { isRaw: true, bytes: new Uint8Array(size).fill(n) };
}

const number = ({ bytes }: Message) => bytes[0];
const ended = () => new ConnectionClosedError("Cannot receive: ended");

Deno.test("MessageQueue gives messages in order, to those who waited first", async () => {
  const queue = new MessageQueue();
  const taken = [queue.take("take", {}), queue.take("take", {})];
  for (const n of [1, 2, 3]) queue.put(message(n));
  assertEquals((await Promise.all(taken)).map(number), [1, 2]);
  assertEquals(number(queue.tryTake()!), 3);
  assertEquals(queue.tryTake(), undefined);
});

Deno.test("MessageQueue keeps its order over many messages", () => {
  const queue = new MessageQueue();
  let next = 0;
  for (let n = 0; n < 5000; n++) {
    queue.put(message(n % 256));
    queue.put(message((n + 1) % 256));
    if (n % 3 === 0) queue.tryTake();
  }
  while (queue.tryTake() !== undefined) next++;
  assertEquals(next, 10_000 - 1667);
  assertEquals(queue.size, 0);
});

Deno.test("MessageQueue.take() loses no message whose receiver was aborted as it came", async () => {
  const queue = new MessageQueue();
  const controller = new AbortController();
  const { signal } = controller;
  // Before the queue's own listener: the message comes while the signal fires.
  signal.addEventListener("abort", () => queue.put(message(1)));
  const taken = queue.take("take", { signal });
  controller.abort("enough");
  assertEquals(await taken.catch((reason) => reason), "enough");
  assertEquals(number(await queue.take("take", {})), 1);
});

Deno.test("MessageQueue.end() lets the rest be taken, then tells everybody, until reopen()", async () => {
  const queue = new MessageQueue();
  queue.put(message(1));
  queue.end(ended);
  queue.put(message(2));
  assertEquals(number(await queue.take("take", {})), 1);
  await assertRejects(() => queue.take("take", {}), ConnectionClosedError);
  await queue.arrived("look", {});
  queue.reopen();
  await assertRejects(() => queue.take("take", { timeout: 0 }), TimeoutError);
  queue.put(message(3));
  assertEquals(number(queue.tryTake()!), 3);
});

Deno.test("MessageQueue.abandon() ends the waits of one owner only", async () => {
  const queue = new MessageQueue();
  const [one, other] = [{}, {}];
  const mine = [
    queue.take("take", {}, one),
    queue.arrived("look", {}, one),
  ];
  const theirs = queue.take("take", {}, other);
  queue.abandon(one, ended);
  for (const wait of mine) {
    await assertRejects(() => wait as Promise<unknown>, ConnectionClosedError);
  }
  queue.put(message(1));
  assertEquals(number(await theirs), 1);
});

Deno.test("MessageQueue tells when there is room again, and who waits", async () => {
  const queue = new MessageQueue();
  const waits: [number, number][] = [];
  let rooms = 0;
  queue.onWaiting = (takers, watchers) => waits.push([takers, watchers]);
  queue.onRoom = () => rooms++;
  const taken = queue.take("take", {});
  const looked = queue.arrived("look", {});
  assertEquals(waits.splice(0), [[1, 0], [1, 1]]);
  queue.put(message(1));
  await taken;
  // The taker had it: who looks waits on.
  assertEquals(waits.splice(0), [[0, 1]]);
  queue.put(message(2, QUEUE_LIMIT));
  await looked;
  assertEquals(waits, [[0, 0]]);
  assertEquals([queue.isFull, rooms], [true, 0]);
  queue.tryTake();
  assertEquals([queue.isFull, rooms], [false, 1]);
});
