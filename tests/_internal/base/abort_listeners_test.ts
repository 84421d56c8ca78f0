// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals } from "@std/assert";
import { threadTime } from "../../_support/processes.ts";
import { onAbort } from "../../../_internal/base/abort_listeners.ts";

/** A signal that counts its listeners. */
function counted() {
  const controller = new AbortController();
  const { signal } = controller;
  const count = { listeners: 0 };
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: unknown[]) => {
    count.listeners++;
    Reflect.apply(addEventListener, signal, args);
  };
  signal.removeEventListener = (...args: unknown[]) => {
    count.listeners--;
    Reflect.apply(removeEventListener, signal, args);
  };
  return { controller, signal, count };
}

Deno.test("onAbort() calls each function once, in order, but those that were taken back", () => {
  const { controller, signal } = counted();
  const log: number[] = [];
  const fn = () => log.push(0);
  const stops = [
    onAbort(signal, fn),
    onAbort(signal, fn),
    onAbort(signal, () => {
      log.push(2);
      stops[4]!();
    }),
    onAbort(signal, () => log.push(3)),
    onAbort(signal, () => log.push(4)),
    onAbort(signal, () => log.push(5)),
  ];
  stops[1]!();
  stops[1]!();
  stops[3]!();
  controller.abort();
  assertEquals(log, [0, 2, 5]);
  for (const stop of stops) stop();
});

Deno.test("onAbort() listens once for all, and not at all where nobody listens", () => {
  const { controller, signal, count } = counted();
  for (let round = 0; round < 3; round++) {
    let calls = 0;
    const stops = Array.from(
      { length: 1000 },
      () => onAbort(signal, () => calls++),
    );
    assertEquals(count.listeners, 1);
    if (round === 2) controller.abort();
    assertEquals(calls, round === 2 ? 1000 : 0);
    for (const stop of stops) stop();
    assertEquals(count.listeners, 0);
  }
});

Deno.test("onAbort() takes as long for many tasks as for few", () => {
  const { signal } = new AbortController();
  const start = threadTime();
  const stops = Array.from(
    { length: 100_000 },
    () => onAbort(signal, () => {}),
  );
  for (const stop of stops) stop();
  // With a listener each: half a minute and more.
  assert(threadTime() - start < 5000);
});
