// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertFalse } from "@std/assert";
import {
  DrainGroup,
  type DrainMember,
} from "../../../_internal/pool/drain_group.ts";

/** Closes as a scheduler does. */
class Member implements DrainMember {
  readonly #group: DrainGroup;
  jobs = 0;
  state: "running" | "draining" | "closed" = "running";

  constructor(group: DrainGroup) {
    this.#group = group;
    group.join(this);
  }

  get hasJobs(): boolean {
    return this.jobs > 0;
  }

  drain(): void {
    this.state = "draining";
    this.settle();
  }

  settle(): void {
    if (this.state !== "draining" || this.hasJobs) return;
    if (this.#group.isBusyBeside(this)) return;
    this.state = "closed";
    this.#group.settled();
  }
}

Deno.test("DrainGroup has nobody close while another one runs something, and then all", () => {
  const group = new DrainGroup();
  const members = [1, 2, 3].map(() => new Member(group));
  const [a, b, c] = members as [Member, Member, Member];
  a.jobs = 1;
  assert(group.isBusyBeside(b));
  assertFalse(group.isBusyBeside(a));
  for (const member of members) member.drain();
  assertEquals(members.map(({ state }) => state), Array(3).fill("draining"));
  // What runs submits to another one, also to one that has come since.
  const late = new Member(group);
  late.drain();
  late.jobs = 1;
  c.jobs = 1;
  a.jobs = 0;
  a.settle();
  c.jobs = 0;
  c.settle();
  assertEquals([a, b, c, late].map(({ state }) => state), [
    ...Array(4).fill("draining"),
  ]);
  late.jobs = 0;
  late.settle();
  assertEquals([a, b, c, late].map(({ state }) => state), [
    ...Array(4).fill("closed"),
  ]);
});
