// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  after,
  checkWait,
  heard,
  within,
} from "../../../_internal/base/deadline.ts";
import { TimeoutError } from "../../../_internal/base/errors.ts";

const never = new Promise<never>(() => {});

Deno.test("checkWait() takes no negative time, no NaN and no other signal", () => {
  for (const timeout of [-1, -0.5, NaN, -Infinity]) {
    assertThrows(() => checkWait("wait", { timeout }), RangeError, "timeout");
  }
  assertThrows(
    () => checkWait("wait", { timeout: "1" as unknown as number }),
    TypeError,
  );
  assertThrows(
    () => checkWait("wait", { signal: {} as unknown as AbortSignal }),
    TypeError,
  );
  checkWait("wait", {});
  checkWait("wait", { timeout: 0 });
  checkWait("wait", { timeout: Infinity });
});

Deno.test("within() gives what settles first", async () => {
  assertEquals(await within("wait", Promise.resolve(1), {}), 1);
  assertEquals(await within("wait", Promise.resolve(1), { timeout: 0 }), 1);
  assertEquals(
    await within("wait", Promise.resolve(1), { timeout: Infinity }),
    1,
  );
  assertEquals(
    await within("wait", Promise.resolve(1), { timeout: 2 ** 40 }),
    1,
  );
  await assertRejects(
    () => within("wait for it", never, { timeout: 0 }),
    TimeoutError,
    "Cannot wait for it",
  );
  const since = performance.now();
  await assertRejects(
    () => within("wait", never, { timeout: 30 }),
    TimeoutError,
  );
  assert(performance.now() - since >= 28);
  await assertRejects(
    () => within("wait", Promise.reject(new RangeError("own")), { timeout: 9 }),
    RangeError,
    "own",
  );
});

Deno.test("within() rejects with the reason of its signal", async () => {
  const reason = new RangeError("enough");
  const { signal } = new AbortController();
  assertEquals(await within("wait", Promise.resolve(1), { signal }), 1);
  const controller = new AbortController();
  const waiting = within("wait", never, { signal: controller.signal });
  controller.abort(reason);
  assertStrictEquals(await assertRejects(() => waiting), reason);
  // Nobody is left with an unhandled rejection.
  await assertRejects(
    () =>
      within("wait", Promise.reject(new TypeError("late")), {
        signal: controller.signal,
      }),
    RangeError,
  );
  await new Promise((resolve) => setTimeout(resolve, 0));
});

Deno.test("after() calls once, unless it is cancelled or the time is too long", async () => {
  let calls = 0;
  const done = Promise.withResolvers<void>();
  const cancel = after(1, () => calls += 100);
  cancel();
  for (const delay of [Infinity, 2 ** 31]) after(delay, () => calls += 100);
  after(5, () => {
    calls++;
    done.resolve();
  });
  await done.promise;
  assertEquals(calls, 1);
});

Deno.test("heard() waits for an event, and listens no longer than it waits", async () => {
  const listeners = new Set<() => void>();
  const listen = (fn: () => void) => {
    listeners.add(fn);
    return () => listeners.delete(fn);
  };
  const fire = () => {
    for (const fn of listeners) fn();
    listeners.clear();
  };
  const waiting = heard("wait", listen, { timeout: 60_000 });
  assertEquals(listeners.size, 1);
  fire();
  await waiting;
  await assertRejects(
    () => heard("wait for it", listen, { timeout: 0 }),
    TimeoutError,
    "Cannot wait for it",
  );
  assertEquals(listeners.size, 0);
  const reason = new RangeError("enough");
  const controller = new AbortController();
  const { signal } = controller;
  const aborted = heard("wait", listen, { signal, timeout: 60_000 });
  controller.abort(reason);
  assertStrictEquals(await assertRejects(() => aborted), reason);
  assertStrictEquals(
    await assertRejects(() => heard("wait", listen, { signal })),
    reason,
  );
  assertEquals(listeners.size, 0);
  const over = (fn: () => void) => {
    fn();
    return () => {};
  };
  await heard("wait", over, { timeout: 0 });
  await heard("wait", over, {});
  assertStrictEquals(
    await assertRejects(() => heard("wait", over, { signal })),
    reason,
  );
});

Deno.test("heard() is not over before it has returned, where it loads the timers of its thread", async () => {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", import.meta.resolve("../../_fixtures/first_timer.ts")],
    stdin: "null",
  }).output();
  const [out, error] = [stdout, stderr].map((it) =>
    new TextDecoder().decode(it)
  );
  assertEquals(out, "waits\nhappens\n", error);
});
