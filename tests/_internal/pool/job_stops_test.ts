// Copyright 2026 the @concurrent/parallel authors. MIT license.

// How calls are brought to an end, with workers that do what they are told.

import { assert, assertEquals } from "@std/assert";
import { Fake, FakeWorker } from "./_fake_scheduler.ts";

/** Longer than the test: a timer that is left is one that leaks. */
const LONG = 3_600_000;

/** One that has begun whatever it was sent. */
class HastyWorker extends FakeWorker {
  override revoke(): boolean {
    return false;
  }
}

Deno.test("JobStops leaves no timer of a call that had begun, and was cancelled before that was known", async () => {
  const fake = new Fake(
    undefined,
    { maxWorkers: 1, cancelGrace: LONG },
    (events) => new HastyWorker(events),
  );
  fake.submit({ name: "first" });
  const [worker] = fake.workers;
  assert(worker !== undefined);
  worker.ready();
  const second = fake.submit({ name: "second", timeout: LONG });
  assertEquals(worker.sent.length, 2);
  assertEquals(fake.scheduler.cancel(second, "not wanted"), false);
  worker.answer();
  assertEquals([second.state, fake.ends], ["running", ["first succeeded"]]);
  worker.answer();
  assertEquals(fake.ends, ["first succeeded", "second succeeded"]);
  await fake.end();
});
