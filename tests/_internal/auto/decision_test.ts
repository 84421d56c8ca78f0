// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { explain, traceLine } from "../../../_internal/auto/decision.ts";
import type { WorkerKind } from "../../../_internal/worker/host.ts";
import { Subject } from "./_subject.ts";

Deno.test("explain() knows nothing of what was not measured, and has a runner-up all the same", () => {
  const { route } = new Subject({ isBounded: true });
  const { backend, cost, measured, runnerUp } = explain(route);
  assertEquals([backend, cost, measured], ["inline", undefined, undefined]);
  assertEquals(runnerUp, {
    backend: "thread",
    cost: undefined,
    reason: "nothing was measured yet",
  });
});

Deno.test("explain() counts, and says nothing of a processor before that is known", () => {
  const subject = new Subject();
  subject.run(1, { time: 2.5, cpu: undefined });
  assertMatch(explain(subject.route).reason, / \(1 call: 2\.5 ms each\)$/);
  subject.run(99, { time: 2.5 });
  subject.profile.bytes.add(1);
  subject.profile.encoding.add(0.004);
  subject.profile.lost();
  assertMatch(
    explain(subject.route).reason,
    / \(100 calls: 2\.5 ms each, 100 % of it on a processor, 1 byte sent in 4 µs, 1 worker lost\)$/,
  );
});

Deno.test("explain() tells of lost workers where no call has answered", () => {
  const subject = new Subject();
  subject.profile.lost();
  subject.profile.lost();
  const { reason, measured } = explain(subject.route);
  assertEquals(measured, undefined);
  assertMatch(reason, / \(2 workers lost\)$/);
});

Deno.test("explain() compares with the runner-up as the numbers do", () => {
  const reasonOf = (time: number, calls: number, encoding?: number) => {
    const subject = new Subject();
    if (encoding !== undefined) subject.profile.encoding.add(encoding);
    subject.run(calls, { time });
    const { cost, runnerUp } = explain(subject.route);
    return { dearer: runnerUp!.cost! / cost!, reason: runnerUp!.reason };
  };
  // What is dear to send and was just seen to be short has not moved yet.
  const moving = reasonOf(0.02, 5, 0.04);
  assert(moving.dearer < 0.8, `${moving.dearer}`);
  assertMatch(moving.reason, /: calls go there when /);
  const same = reasonOf(2, 40);
  assert(same.dearer > 1 && same.dearer < 1.1, `${same.dearer}`);
  assertMatch(same.reason, /^would cost about the same: /);
  const short = reasonOf(0.001, 1000);
  assert(short.dearer > 2, `${short.dearer}`);
  assertMatch(short.reason, /^would cost \d+\.?\d* µs a call and not [^:]*$/);
});

Deno.test("explain() names a thread before a process, and calls nothing equal that would be cheaper", () => {
  const explained = (backends: WorkerKind[]) => {
    const subject = new Subject({ isBounded: true }, {}, {
      backends: new Set(backends),
    });
    subject.run(2, { time: 0.001 });
    // Seen to be slow where it runs, with many under way.
    subject.profile.backlog = 10;
    subject.profile.throughput.begin(0);
    subject.profile.throughput.crowd();
    subject.profile.throughput.ran("inline", 20, 0, 2, 400);
    return explain(subject.route);
  };
  const { backend, reason, cost, runnerUp } = explained([
    "inline",
    "thread",
    "process",
  ]);
  assertEquals([backend, runnerUp!.backend], ["inline", "thread"]);
  assert(runnerUp!.cost! < cost!);
  assertMatch(runnerUp!.reason, /: calls go there when /);
  assertMatch(reason, /^to run it has cost less than to send it /);
  const other = explained(["inline", "process"]).runnerUp!;
  assertEquals(other.backend, "process");
  assertMatch(
    other.reason,
    /^would cost .*: calls go there for what only a process can give$/,
  );
});

Deno.test("explain() calls no generator function asynchronous that is none", () => {
  const subject = new Subject({ isGenerator: true });
  // A stream of it is asynchronous wherever it runs.
  subject.run(5, { time: 2, sync: 0.1 });
  const { reason, runnerUp } = explain(subject.route);
  assertMatch(reason, /^a generator, and may compute: /);
  assertMatch(runnerUp!.reason, / between its values$/);
});

Deno.test("explain() takes what was never sent to be as dear to encode as it is to copy", () => {
  const subject = new Subject({ isBounded: true });
  subject.profile.isCopied = true;
  subject.profile.copying.add(0.2);
  subject.run(2, { time: 0.001 });
  const { backend, runnerUp } = explain(subject.route);
  assertEquals([backend, runnerUp!.backend], ["inline", "thread"]);
  // Encoded here, decoded there: without that it would be 0.02.
  assert(runnerUp!.cost! >= 0.1, `${runnerUp!.cost}`);
});

Deno.test("explain() names what keeps a function off the event loop, not that processes are dear", () => {
  const subject = new Subject({ blocks: "Deno.readFileSync" });
  subject.run(20, { time: 0.1 });
  assertEquals(explain(subject.route).runnerUp, {
    backend: "inline",
    cost: undefined,
    reason: "it blocks (Deno.readFileSync)",
  });
});

Deno.test("traceLine() is one line: from where, where to, the cost, why, and what comes next", () => {
  const subject = new Subject();
  subject.run(2000, { time: 0.001 });
  assertMatch(
    traceLine(subject.route, "compute"),
    /^subject: thread -> inline \[inline, \d[\d.]* µs a call\]: to run it costs less than to send it \(2000 calls: 1 µs each.*\); not thread: would cost .*$/,
  );
});
