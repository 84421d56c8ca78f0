// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { TaskOptions } from "../../../_internal/wire/functions/task.ts";
import type { Sight } from "../../../_internal/wire/functions/sight.ts";
import type { WorkerKind } from "../../../_internal/worker/host.ts";
import { Subject, workOf } from "./_subject.ts";

Deno.test("Route obeys what is declared", () => {
  const async = { isAsync: true };
  assertEquals(new Subject(async, { kind: "io" }).route.place(), "inline");
  assertEquals(new Subject({}, { kind: "io" }).route.place(), "block");
  assertEquals(new Subject({}, { kind: "cpu" }).route.place(), "compute");
  assertEquals(
    new Subject({}, { kind: "cpu", timeout: 1 }).route.place(),
    "process",
  );
  const subject = new Subject({ isBounded: true }, { kind: "cpu" });
  assertEquals(subject.run(100, { time: 0.0001 }), "compute");
});

Deno.test("Route goes by the source before the first call", () => {
  const of = (sight: Partial<Sight>, options?: TaskOptions) =>
    new Subject(sight, options).route.place();
  assertEquals(of({}), "compute");
  assertEquals(of({ isBounded: true }), "inline");
  assertEquals(of({ isAsync: true, isBounded: true, waits: true }), "inline");
  assertEquals(of({ isAsync: true }), "wait");
  assertEquals(of({ isAsync: true, isLinear: true }), "inline");
  assertEquals(
    of({ isAsync: true, isLinear: true }, { timeout: 9 }),
    "process",
  );
  assertEquals(of({ blocks: "Deno.readFileSync" }), "block");
  assertEquals(of({}, { timeout: 10 }), "process");
  assertEquals(of({ isBounded: true }, { timeout: 10 }), "inline");
});

Deno.test("Route keeps off the event loop what must not be there", () => {
  const bounded = { isBounded: true };
  for (
    const [subject, reason] of [
      [new Subject({ ...bounded, ends: "Deno.exit" }), "Deno.exit"],
      [new Subject({ ...bounded, needsWorker: "current" }), "current"],
      [new Subject(bounded, { transfer: [] }), "moves"],
      [new Subject(bounded, {}, { hasInitializer: true }), "initializer"],
      [new Subject(bounded, {}, {}, "captured"), "captured"],
      [
        new Subject(bounded, {}, { backends: new Set(["thread"]) }),
        "backends",
      ],
    ] as const
  ) {
    assertEquals(subject.run(100, { time: 0.0001 }), "compute");
    assertStringIncludes(subject.route.inlineExclusion!, reason);
  }
});

Deno.test("Route leaves where it can be stopped what may have to be, however short it was", () => {
  for (
    const options of [{ timeout: 10 }, { signal: AbortSignal.abort() }]
  ) {
    const subject = new Subject({}, options);
    assertEquals(subject.run(1000, { time: 0.001 }), "process");
    assertStringIncludes(subject.route.keptOff!, "stopped");
    const bounded = new Subject({ isBounded: true }, options);
    assertEquals(bounded.run(1000, { time: 0.001 }), "inline");
  }
});

Deno.test("Route.ruling() says what is known by now, also before the next call moves", () => {
  const subject = new Subject();
  subject.run(40, { time: 20 });
  const reason = () => subject.route.ruling().reason;
  assertStringIncludes(reason(), "computes");
  const { profile } = subject;
  for (let i = 0; i < 40; i++) {
    profile.measured("thread", workOf([0, 1]), {
      time: 20,
      sync: 20,
      cpu: 0.1,
    });
    profile.ran("thread", workOf([0, 1]), 20);
  }
  assertStringIncludes(reason(), "blocks its thread");
  const only = new Subject({}, {}, { backends: new Set(["process"]) });
  only.run(40, { time: 20 });
  assertStringIncludes(only.route.ruling().reason, "leaves thread out");
});

Deno.test("Route brings what is short to the event loop once it is known", () => {
  const subject = new Subject();
  assertEquals(subject.route.place(), "compute");
  assertEquals(subject.run(2000, { time: 0.001 }), "inline");
  assert(subject.profile.callsAt.inline > 1000);
  assertEquals(subject.moves.length, 2);
});

Deno.test("Route leaves what computes where the cores are", () => {
  const subject = new Subject();
  assertEquals(subject.run(200, { time: 25 }), "compute");
  assertEquals(subject.moves, [undefined]);
});

Deno.test("Route finds out what blocks", () => {
  const subject = new Subject();
  assertEquals(subject.run(20, { time: 20, cpu: 0.1 }), "block");
});

Deno.test("Route sends what waits and computes to threads with many calls", () => {
  const subject = new Subject({ isAsync: true });
  subject.profile.backlog = 50;
  assertEquals(subject.run(200, { time: 20, sync: 1, cpu: 6 }), "wait");
});

Deno.test("Route learns anew when waiting becomes computing, and back", () => {
  const sight = { isAsync: true, isBounded: true, waits: true };
  const subject = new Subject(sight);
  subject.profile.backlog = 20;
  assertEquals(subject.run(300, { time: 10, sync: 0.01, cpu: 0.02 }), "inline");
  assertEquals(subject.run(100, { time: 8, sync: 0.01, cpu: 8 }), "compute");
  assertEquals(subject.run(600, { time: 10, sync: 0.01, cpu: 0.02 }), "inline");
});

Deno.test("Route sends away what works in proportion to much, and has it back when it is little", () => {
  const subject = new Subject({ isAsync: true, isLinear: true });
  const small = { time: 5, sync: 0.1, cpu: 0.3 };
  subject.profile.backlog = 4;
  assertEquals(subject.run(50, small), "inline");
  assertEquals(subject.profile.callsAt.thread, 0);
  // All of it after an await.
  assertEquals(subject.run(100, { time: 300, sync: 0.1, cpu: 280 }), "compute");
  assertEquals(subject.profile.callsAt.inline, 51);
  assertStringIncludes(subject.route.keptOff!, "busy for");
  assertEquals(subject.run(3000, small), "inline");
});

Deno.test("Route holds what was busy after an await against it the second time", () => {
  const subject = new Subject({ isAsync: true, isLinear: true });
  const small = { time: 20, sync: 0.1, cpu: 0.3 };
  const large = { time: 20, sync: 0.1, cpu: 18 };
  subject.profile.backlog = 4;
  subject.run(100, small);
  // It may have been somebody else.
  assertEquals(subject.run(1, large), "inline");
  assertEquals(subject.run(50, small), "inline");
  assertEquals(subject.run(1, large), "wait");
  assertStringIncludes(subject.route.keptOff!, "held up");
});

Deno.test("Route stays between two places that cost nearly the same", () => {
  const subject = new Subject();
  for (let i = 0; i < 500; i++) {
    subject.profile.backlog = 100;
    subject.run(1, { time: i % 2 === 0 ? 0.0042 : 0.0048 });
  }
  assert(subject.moves.length <= 3, `${subject.moves.length} moves`);
});

Deno.test("Route keeps off the event loop for a while what has held it up, longer each time", () => {
  const subject = new Subject();
  const away: number[] = [];
  for (let i = 0; i < 3; i++) {
    subject.run(1000, { time: 0.001 });
    assertEquals(subject.route.place(), "inline");
    subject.run(1, { time: 50 });
    const before = subject.profile.callsAt.thread;
    while (subject.run(1, { time: 0.001 }) !== "inline") {
      // Runs elsewhere.
    }
    away.push(subject.profile.callsAt.thread - before);
  }
  assert(away[1]! > away[0]! && away[2]! > away[1]!, `${away}`);
});

Deno.test("Route has nothing run on the event loop that has lost a worker", () => {
  const subject = new Subject();
  subject.profile.lost();
  assertEquals(subject.run(1000, { time: 0.001 }), "compute");
});

Deno.test("Route uses the backends only that it may", () => {
  const only = (backend: WorkerKind, sight?: Partial<Sight>, o?: TaskOptions) =>
    new Subject(sight, o, { backends: new Set([backend]) }).route.place();
  assertEquals(only("inline"), "inline");
  assertEquals(only("inline", {}, { kind: "cpu" }), "inline");
  assertEquals(only("process"), "process");
  assertEquals(only("thread", {}, { timeout: 5 }), "compute");
  assertEquals(only("thread", { isAsync: true }, { kind: "io" }), "wait");
});

Deno.test("Route sends chunks of calls that go in place one by one", () => {
  const subject = new Subject();
  assertEquals(subject.run(2000, { time: 0.003 }), "inline");
  subject.profile.backlog = 2000;
  assertEquals(subject.route.place(true), "compute");
  assertEquals(subject.route.place(false), "inline");
});

Deno.test("Route paces maps: chunks of what is short, one by one of what waits", () => {
  const short = new Subject({ isBounded: true });
  short.run(50, { time: 0.0001 });
  assertEquals(short.route.pace().places, 1);
  assert(short.route.pace().meanTime! < 0.01);
  const waits = new Subject({ isAsync: true, isBounded: true, waits: true });
  waits.run(50, { time: 10, sync: 0, cpu: 0 });
  assertEquals(waits.route.pace(), { meanTime: undefined, places: Infinity });
  const computes = new Subject();
  computes.run(50, { time: 10 });
  assertEquals(computes.route.pace().places, 4);
});
