// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals, assertRejects } from "@std/assert";
import {
  actAs,
  createAgent,
  createDelegator,
  freeAgent,
  selfTag,
} from "../../../_internal/memory/domain.ts";
import {
  DONE,
  NOT_YET,
  QueueCore,
} from "../../../_internal/memory/queue_core.ts";
import {
  GETTERS,
  Getters,
  GETTERS_PROMISED,
  GUARD,
  PUTTERS,
  Putters,
  PUTTERS_PROMISED,
} from "../../../_internal/memory/queue_lines.ts";
import { RingStore } from "../../../_internal/memory/queue_ring.ts";
import { QueueItem } from "../../../_internal/memory/queue_segment.ts";
import { takeNode, WAIT_KINDS } from "../../../_internal/memory/wait_queue.ts";
import { endAgent } from "../../../_internal/memory/waiting.ts";
import { WordMutex } from "../../../_internal/memory/word_mutex.ts";
import { CancelledError } from "../../../threading/mod.ts";

const KIND = WAIT_KINDS.indexOf("Queue");
const isAny = () => true;

function itemOf(value: number): QueueItem {
  const item = new QueueItem();
  item.setSmall(value);
  return item;
}

function linesOf({ words, serial }: QueueCore): {
  getters: Getters;
  putters: Putters;
} {
  const guard = new WordMutex(words, GUARD);
  return {
    getters: new Getters(words, guard, GETTERS, GETTERS_PROMISED, serial),
    putters: new Putters(words, guard, PUTTERS, PUTTERS_PROMISED, serial),
  };
}

/** Each dies in the moment in which it is granted something, seen alive right before. */
class DyingGetters extends Getters {
  override grant(op: number, tag: number): number {
    endAgent(tag, "killed");
    return super.grant(op, tag);
  }
}

Deno.test("QueueCore promises nothing to a getter that dies while it is granted an item", () => {
  const core = new QueueCore(RingStore);
  const { words, serial } = core;
  core.tryPut(itemOf(1));
  const { getters } = linesOf(core);
  // That there is no other item has the deaths looked at once more.
  assertEquals(getters.guarded(() => getters.grant(0, selfTag())), 1);
  const agent = createAgent("dying", false);
  const node = takeNode(0, KIND, serial, false, agent);
  getters.guarded(() => getters.queue.push(node));
  new DyingGetters(
    words,
    new WordMutex(words, GUARD),
    GETTERS,
    GETTERS_PROMISED,
    serial,
  ).settleGuarded();
  assertEquals(getters.promised, 0);
  assertEquals(core.tryGet(new QueueItem(), isAny), DONE);
  freeAgent(agent);
});

Deno.test("QueueCore promises nothing to a getter that was terminated on its way to the guard", () => {
  const core = new QueueCore(RingStore);
  core.tryPut(itemOf(1));
  const { getters } = linesOf(core);
  const agent = createAgent("terminated", false);
  endAgent(agent, "killed");
  getters.guarded(() => getters.grant(0, agent));
  assertEquals(getters.promised, 0);
  assertEquals(core.tryGet(new QueueItem(), isAny), DONE);
  freeAgent(agent);
});

Deno.test("QueueCore promises no place to a putter that was terminated on its way to the guard", () => {
  const core = new QueueCore(RingStore);
  core.maxSize = 1;
  const { putters } = linesOf(core);
  const agent = createAgent("terminated", false);
  endAgent(agent, "killed");
  putters.guarded(() => putters.grant(0, agent));
  assertEquals(putters.promised, 0);
  assertEquals(core.tryPut(itemOf(1)), DONE);
  freeAgent(agent);
});

Deno.test("QueueCore has nobody wait behind one in line who is gone", () => {
  const core = new QueueCore(RingStore);
  core.maxSize = 2;
  const { getters, putters } = linesOf(core);
  const agent = createAgent("gone", false);
  const push = (line: Getters | Putters) => {
    const node = takeNode(0, KIND, core.serial, false, agent);
    line.guarded(() => line.queue.push(node));
  };
  push(getters);
  push(putters);
  assertEquals(core.tryPut(itemOf(1)), NOT_YET);
  endAgent(agent, "killed");
  assertEquals(core.tryPut(itemOf(1)), DONE);
  assertEquals(core.tryPut(itemOf(2)), DONE);
  const late = createAgent("late", false);
  const node = takeNode(0, KIND, core.serial, false, late);
  getters.guarded(() => getters.queue.push(node));
  assertEquals(core.tryGet(new QueueItem(), isAny), NOT_YET);
  endAgent(late, "killed");
  assertEquals(core.tryGet(new QueueItem(), isAny), DONE);
  const taken: number[] = [];
  core.takeMany((item) => taken.push(item.int) > 0);
  assertEquals(taken, [2]);
  freeAgent(agent);
  freeAgent(late);
});

Deno.test("QueueCore.takeMany() takes what was promised to the dead, all that is there", async () => {
  const core = new QueueCore(RingStore);
  const agent = createDelegator("dying");
  const view = actAs(agent, () => new QueueCore(RingStore, core));
  const got = view.get(new QueueItem(), isAny, {});
  core.putAccepted(2, (index, item) => item.setSmall(index));
  const taken: number[] = [];
  const take = () => core.takeMany((item) => taken.push(item.int) > 0, true);
  take();
  assertEquals(taken, []);
  endAgent(agent, "killed");
  take();
  assertEquals(taken, [0, 1]);
  await assertRejects(() => got, CancelledError);
  freeAgent(agent);
});
