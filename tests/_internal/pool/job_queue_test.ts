// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { CallMode } from "../../../_internal/wire/messages.ts";
import { assert, assertEquals } from "@std/assert";
import { Job } from "../../../_internal/pool/job.ts";
import { JobQueue } from "../../../_internal/pool/job_queue.ts";
import { threadTime } from "../../_support/processes.ts";
import { random } from "../memory/_fixtures/records.ts";

const observer = {
  started() {},
  progressed() {},
  succeeded() {},
  failed() {},
  cancelled() {},
};

function job(name: string, priority = 0, depth = 0): Job {
  return new Job(
    {
      kind: "inline",
      mode: CallMode.single,
      fn: () => {},
      args: [],
      calls: 1,
      copies: false,
      enter: undefined,
    },
    {
      name,
      priority,
      timeout: undefined,
      retries: 0,
      maySendAhead: true,
      origin: { depth, parent: undefined },
    },
    observer,
  );
}

function names(queue: JobQueue): string[] {
  return queue.drain().map(({ options }) => options.name);
}

Deno.test("JobQueue gives higher priorities first, and first in first out within one", () => {
  const queue = new JobQueue();
  for (const [i, p] of [0, 2, -1, 2, 0, 0.5].entries()) {
    queue.push(job(`${p} ${i}`, p));
  }
  assertEquals(queue.size, 6);
  assertEquals(names(queue), ["2 1", "2 3", "0.5 5", "0 0", "0 4", "-1 2"]);
  assertEquals(queue.size, 0);
  assertEquals(queue.peek(), undefined);
  assertEquals(queue.shift(), undefined);
});

Deno.test("JobQueue gives the deepest first within a priority", () => {
  const queue = new JobQueue();
  for (const [i, depth] of [0, 2, 1, 2, 0, 3].entries()) {
    queue.push(job(`depth ${depth}, ${i}`, 0, depth));
  }
  queue.push(job("urgent", 1, 0));
  queue.push(job("lazy", -1, 9));
  assertEquals(queue.peekNested()?.options.name, "depth 3, 5");
  assertEquals(names(queue), [
    "urgent",
    "depth 3, 5",
    "depth 2, 1",
    "depth 2, 3",
    "depth 1, 2",
    "depth 0, 0",
    "depth 0, 4",
    "lazy",
  ]);
});

Deno.test("JobQueue.peekNested() passes over what no task has submitted", () => {
  const queue = new JobQueue();
  queue.push(job("outer", 5));
  assertEquals(queue.peekNested(), undefined);
  queue.push(job("nested", 0, 1));
  const nested = queue.peekNested()!;
  assertEquals(nested.options.name, "nested");
  queue.take(nested);
  assertEquals(queue.size, 1);
  assertEquals(queue.peekNested(), undefined);
  assertEquals(names(queue), ["outer"]);
});

Deno.test("JobQueue.unshift() puts a job before the others of its priority", () => {
  const queue = new JobQueue();
  queue.push(job("a"));
  queue.push(job("b"));
  queue.push(job("urgent", 1));
  queue.shift();
  const a = queue.shift()!;
  queue.unshift(a);
  queue.unshift(job("before"));
  assertEquals(names(queue), ["before", "a", "b"]);
});

Deno.test("JobQueue skips jobs that were settled while they waited", () => {
  const queue = new JobQueue();
  const jobs = ["a", "b", "c", "d"].map((name) => job(name));
  for (const one of jobs) queue.push(one);
  for (const i of [0, 2]) {
    jobs[i]!.state = "settled";
    queue.dropped();
  }
  assertEquals(queue.size, 2);
  assertEquals(queue.peek(), jobs[1]);
  assertEquals(names(queue), ["b", "d"]);
});

Deno.test("JobQueue takes as long with many priorities as with one", () => {
  const queue = new JobQueue();
  const start = threadTime();
  // As deadlines: each one less urgent than all before.
  for (let i = 0; i < 100_000; i++) {
    queue.push(job("a", -i));
    const cancelled = job("b", -i - 0.5);
    queue.push(cancelled);
    queue.shift();
    cancelled.state = "settled";
    queue.dropped();
    assertEquals(queue.peek(), undefined);
  }
  assertEquals(queue.size, 0);
  // Each one took longer than the one before: minutes.
  assert(threadTime() - start < 10_000);
});

Deno.test("JobQueue holds to a plain array, whatever is done", () => {
  const next = random(7);
  const queue = new JobQueue();
  let model: Job[] = [];
  for (let i = 0; i < 20_000; i++) {
    const priority = next() % 3;
    switch (next() % 5) {
      case 0:
      case 1: {
        const one = job(`${i}`, priority);
        queue.push(one);
        model.push(one);
        break;
      }
      case 2: {
        const one = job(`${i}`, priority);
        queue.unshift(one);
        model.unshift(one);
        break;
      }
      case 3: {
        const best = Math.max(...model.map(({ options }) => options.priority));
        const first = model.find(({ options }) => options.priority === best);
        assertEquals(queue.shift()?.options.name, first?.options.name);
        model = model.filter((one) => one !== first);
        break;
      }
      default: {
        const one = model[next() % (model.length + 1)];
        if (one === undefined) break;
        one.state = "settled";
        queue.dropped();
        model = model.filter((other) => other !== one);
      }
    }
    assertEquals(queue.size, model.length);
  }
});

Deno.test("JobQueue gives the deepest first within a priority", () => {
  const queue = new JobQueue();
  const order = [[0, 0], [0, 2], [0, 1], [1, 0], [0, 2], [1, 3], [-1, 9]];
  for (const [i, [priority, depth]] of order.entries()) {
    queue.push(job(`${priority} ${depth} ${i}`, priority, depth));
  }
  assertEquals(names(queue), [
    "1 3 5",
    "1 0 3",
    "0 2 1",
    "0 2 4",
    "0 1 2",
    "0 0 0",
    "-1 9 6",
  ]);
});

Deno.test("JobQueue.peekNested() passes over what no task has submitted", () => {
  const queue = new JobQueue();
  const urgent = job("urgent", 5);
  const nested = job("nested", 0, 3);
  queue.push(urgent);
  assertEquals(queue.peekNested(), undefined);
  queue.push(nested);
  assertEquals(queue.peek(), urgent);
  assertEquals(queue.peekNested(), nested);
  queue.take(nested);
  assertEquals(queue.size, 1);
  assertEquals(queue.peekNested(), undefined);
  assertEquals(queue.shift(), urgent);
});
