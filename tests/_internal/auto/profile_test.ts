// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertFalse } from "@std/assert";
import { sizesOf } from "../../../_internal/auto/sizes.ts";
import { Subject, workOf } from "./_subject.ts";

Deno.test("Profile.isProven() for what is not larger than what was short, until that has held up the event loop", () => {
  const { profile } = new Subject();
  assertFalse(profile.isProven(sizesOf([1])));
  profile.ran("thread", workOf(sizesOf([10])!), 0.5);
  assert(profile.isProven(sizesOf([10])));
  assertFalse(profile.isProven(sizesOf([12])));
  // What took long proves nothing.
  profile.ran("thread", workOf(sizesOf([100])!), 30);
  assertFalse(profile.isProven(sizesOf([100])));
  assertFalse(profile.isProven(undefined));
  profile.ran("inline", workOf(sizesOf([10])!), 100);
  assert(profile.isBanned);
  assertFalse(profile.isProven(sizesOf([10])));
});

Deno.test("Profile.borrows() binary data only where the source is seen to read it", () => {
  const { profile } = new Subject({ readsOnly: [true, false] });
  const bytes = new Uint8Array(4);
  assert(profile.borrows([bytes, 1]));
  assertFalse(profile.isCopied);
  for (const args of [[1, bytes], [[1], 1], [bytes, bytes]]) {
    assertFalse(profile.borrows(args));
    assert(profile.isCopied);
  }
  assertFalse(profile.borrows([1, "two"]));
  assertFalse(profile.isCopied);
  const waits = new Subject({ isAsync: true, readsOnly: [true] });
  assertFalse(waits.profile.borrows([bytes]));
});

Deno.test("Profile.isDue for all of the first calls and all that take long, then for some", () => {
  const count = (time: number) => {
    const { profile } = new Subject();
    let due = 0;
    for (let i = 0; i < 1000; i++) {
      if (profile.isDue) due++;
      profile.ran("thread", workOf([1]), time);
    }
    return due;
  };
  assertEquals(count(5), 1000);
  const some = count(0.01);
  assert(some > 20 && some < 100, `${some}`);
});

Deno.test("Profile.share is what is measured, and before that what the source lets expect", () => {
  const share = (subject: Subject) => subject.profile.share;
  assertEquals(share(new Subject()), 1);
  assert(share(new Subject({ blocks: "Deno.readFileSync" })) < 0.5);
  const waits = new Subject({ isAsync: true });
  assert(share(waits) < 0.5);
  waits.run(50, { time: 20, sync: 0.1, cpu: 16 });
  assert(share(waits) > 0.8);
});

Deno.test("Profile.share of what was declared to compute is a whole core, however little it was seen to have", () => {
  const { profile } = new Subject({}, { kind: "cpu" });
  assertEquals(profile.share, 1);
  profile.known.measured(50, { time: 1000, sync: 1000, cpu: 200 });
  assertEquals([profile.known.share, profile.share], [0.2, 1]);
});

Deno.test("Profile.share of what was declared as I/O is small until it is known", () => {
  const { profile } = new Subject({}, { kind: "io" });
  assert(profile.share < 0.5);
  profile.known.measured(50, { time: 1000, sync: 1000, cpu: 900 });
  assert(profile.share > 0.8);
});
