// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertFalse } from "@std/assert";
import {
  ensureDomain,
  selfTag,
  SLAB_NODES,
} from "../../../_internal/memory/domain.ts";
import {
  dropNode,
  freeNode,
  grantNode,
  isDropped,
  isGranted,
  nodeNext,
  nodeOp,
  nodeTag,
  nodeValue,
  QUEUE_WORDS,
  takeNode,
  WaitQueue,
  waitsOf,
} from "../../../_internal/memory/wait_queue.ts";

ensureDomain();

function newQueue(): WaitQueue {
  const words = new Int32Array(new SharedArrayBuffer(4 * (QUEUE_WORDS + 5)));
  return new WaitQueue(words, 5);
}

/** Nodes of waits that block, in no queue. */
function takeNodes(count: number): number[] {
  return Array.from({ length: count }, (_, i) => takeNode(i, 1, 9_000, false));
}

function listOf(queue: WaitQueue): number[] {
  const nodes: number[] = [];
  for (let node = queue.head; node !== 0; node = nodeNext(node)) {
    nodes.push(node);
  }
  return nodes;
}

function discard(queue: WaitQueue, nodes: number[]): void {
  for (const node of nodes) {
    queue.unlink(node);
    dropNode(node);
    freeNode(node);
  }
}

Deno.test("WaitQueue.push() keeps the order of arrival, pushFirst() goes before it", () => {
  const queue = newQueue();
  assert(queue.isEmpty);
  assertEquals(queue.count(), 0);
  const [a, b, c, d] = takeNodes(4) as [number, number, number, number];
  queue.push(b);
  assertFalse(queue.isEmpty);
  queue.push(c);
  queue.pushFirst(a);
  queue.push(d);
  assertEquals(listOf(queue), [a, b, c, d]);
  assertEquals(queue.count(), 4);
  discard(queue, [a, b, c, d]);
  const first = takeNode(0, 1, 9_000, false);
  queue.pushFirst(first);
  assertEquals(listOf(queue), [first]);
  discard(queue, [first]);
});

Deno.test("WaitQueue.unlink() takes any node out, in any order", () => {
  for (
    const order of [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1]]
  ) {
    const queue = newQueue();
    const nodes = takeNodes(4);
    for (const node of nodes) queue.push(node);
    const left = new Set(nodes);
    for (const i of order) {
      discard(queue, [nodes[i]!]);
      left.delete(nodes[i]!);
      assertEquals(listOf(queue), [...left]);
    }
    assert(queue.isEmpty);
    // The tail is right, too.
    const [last] = takeNodes(1) as [number];
    queue.push(last);
    assertEquals(listOf(queue), [last]);
    discard(queue, [last]);
  }
});

Deno.test("grantNode() says what was granted", () => {
  const queue = newQueue();
  const node = takeNode(7, 1, 9_000, false);
  queue.push(node);
  assertEquals(nodeOp(node), 7);
  assertEquals(nodeTag(node), selfTag());
  assertFalse(isGranted(node));
  queue.unlink(node);
  assert(grantNode(node, 42));
  assert(isGranted(node));
  assertFalse(isDropped(node));
  assertEquals(nodeValue(node), 42);
  freeNode(node);
  assertFalse(isGranted(node));
});

Deno.test("grantNode() leaves an asynchronous wait of this thread to the caller", () => {
  const queue = newQueue();
  const node = takeNode(0, 1, 9_000, true);
  queue.push(node);
  queue.unlink(node);
  assertFalse(grantNode(node, 3));
  assertEquals(nodeValue(node), 3);
  freeNode(node);
});

Deno.test("dropNode() marks the node until its own thread gives it back", () => {
  const queue = newQueue();
  const [node] = takeNodes(1) as [number];
  queue.push(node);
  assertFalse(isDropped(node));
  queue.unlink(node);
  dropNode(node);
  assert(isDropped(node));
  assertFalse(isGranted(node));
  freeNode(node);
  assertFalse(isDropped(node));
});

Deno.test("takeNode() has as many nodes as are needed, and uses them again", () => {
  const nodes = takeNodes(5 * SLAB_NODES);
  assertEquals(new Set(nodes).size, nodes.length);
  for (const node of nodes) freeNode(node);
  const again = takeNodes(5 * SLAB_NODES);
  assertEquals(again.toSorted(), nodes.toSorted());
  for (const node of again) freeNode(node);
});

Deno.test("waitsOf() lists the waits of a thread, with the holder that the first one knows", () => {
  const queue = newQueue();
  const nodes = takeNodes(3);
  for (const node of nodes) queue.push(node);
  queue.tellHolder(selfTag());
  const waits = waitsOf(selfTag()).filter(({ serial }) => serial === 9_000);
  assertEquals(waits.length, 3);
  for (const wait of waits) {
    assertEquals(wait.holder, selfTag());
    assertEquals(wait.kind, 1);
    assertFalse(wait.isAsync);
  }
  discard(queue, nodes);
  assertEquals(
    waitsOf(selfTag()).filter(({ serial }) => serial === 9_000),
    [],
  );
});
