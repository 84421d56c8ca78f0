// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import {
  agentIndex,
  agentInfo,
  createAgent,
  DEATH,
  ensureDomain,
  freeAgent,
  hasFlags,
  isDeadlock,
  isGone,
  isMainAgent,
  liveAgents,
  MAIL,
  mainTag,
  markEnd,
  nextSerial,
  raise,
  selfTag,
  takeFlags,
  wasKilled,
} from "../../../_internal/memory/domain.ts";
import { Crew } from "../../_suites/_crew.ts";

ensureDomain();

/** A thread that is none. */
class FakeAgent implements Disposable {
  readonly tag: number;

  constructor(name = "fake") {
    this.tag = createAgent(name, false);
  }

  [Symbol.dispose](): void {
    markEnd(this.tag, "ended");
    freeAgent(this.tag);
  }
}

Deno.test("domain: this thread is the main one, and alive", () => {
  assert(isMainAgent());
  assertEquals(selfTag(), mainTag());
  assertFalse(isGone(selfTag()));
  assertFalse(wasKilled(selfTag()));
  assertEquals(liveAgents()[0]!.name, "MainThread");
});

Deno.test("createAgent() gives each thread another tag and a name", () => {
  using a = new FakeAgent("Ada");
  using b = new FakeAgent("Grüße ".repeat(100));
  assert(a.tag > 0 && b.tag > 0);
  assert(agentIndex(a.tag) !== agentIndex(b.tag));
  assertEquals(agentInfo(a.tag).name, "Ada");
  // It is cut, not broken.
  assert(agentInfo(b.tag).name.startsWith("Grüße Grüße"));
  assertFalse(agentInfo(b.tag).name.includes("\ufffd"));
  const tags = liveAgents().map(({ tag }) => tag);
  assert(tags.includes(a.tag) && tags.includes(b.tag));
});

Deno.test("markEnd() counts once, and says how it has ended", () => {
  for (
    const [first, second] of [["ended", "killed"], ["killed", "ended"]] as const
  ) {
    using agent = new FakeAgent();
    const { tag } = agent;
    assertFalse(isGone(tag));
    assert(markEnd(tag, first));
    assertFalse(markEnd(tag, second));
    assert(isGone(tag));
    assertEquals(wasKilled(tag), first === "killed");
    assertFalse(liveAgents().some((other) => other.tag === tag));
    freeAgent(tag);
    assert(isGone(tag));
    // How it has ended is known until the place is taken.
    assertEquals(wasKilled(tag), first === "killed");
  }
});

Deno.test("createAgent() uses the place of the dead under another tag", () => {
  const old = createAgent("old", false);
  markEnd(old, "killed");
  // It may be stuck: the place is not free before freeAgent().
  using other = new FakeAgent();
  assert(agentIndex(other.tag) !== agentIndex(old));
  freeAgent(old);
  using next = new FakeAgent("next");
  assertEquals(agentIndex(next.tag), agentIndex(old));
  assert(next.tag !== old);
  assert(isGone(old));
  assertFalse(wasKilled(old));
  assertFalse(isGone(next.tag));
  assertFalse(markEnd(old, "killed"));
  freeAgent(old);
  assertFalse(isGone(next.tag));
});

Deno.test("createAgent() refuses more threads than there are places, and recovers", () => {
  const agents: FakeAgent[] = [];
  try {
    assertThrows(
      () => {
        for (;;) agents.push(new FakeAgent());
      },
      RangeError,
      "1024 threads",
    );
    assert(agents.length > 1_000);
  } finally {
    for (const agent of agents) agent[Symbol.dispose]();
  }
  using one = new FakeAgent();
  assertFalse(isGone(one.tag));
});

Deno.test("nextSerial() gives each object another number, on all threads", async () => {
  await using crew = new Crew(
    2,
    () => Array.from({ length: 1_000 }, () => nextSerial()),
  );
  const mine = Array.from({ length: 1_000 }, () => nextSerial());
  const all = [...mine, ...(await crew.results()).flat()];
  assertEquals(new Set(all).size, 3_000);
});

Deno.test("raise() collects flags until they are taken", () => {
  takeFlags();
  assertFalse(hasFlags());
  raise(selfTag(), DEATH);
  raise(selfTag(), MAIL);
  assert(hasFlags());
  assertEquals(takeFlags(), DEATH | MAIL);
  assertFalse(hasFlags());
  assertEquals(takeFlags(), 0);
});

Deno.test("isDeadlock() is false while this thread is awake", () => {
  assertFalse(isDeadlock());
});
