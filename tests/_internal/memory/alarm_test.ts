// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertFalse } from "@std/assert";
import { until } from "../../_suites/_helpers.ts";
import { startAlarm } from "../../../_internal/memory/alarm.ts";

Deno.test("startAlarm() calls once, not before the time", async () => {
  const start = performance.now();
  let calls = 0;
  startAlarm(20, () => calls++);
  await until("it is called", () => calls > 0);
  assert(performance.now() - start >= 19);
  let isLater = false;
  startAlarm(30, () => isLater = true);
  await until("time passes", () => isLater);
  assertEquals(calls, 1);
});

Deno.test("startAlarm() does not call when it was taken back", async () => {
  let isCalled = false;
  const stop = startAlarm(10, () => isCalled = true);
  stop();
  let isLater = false;
  startAlarm(30, () => isLater = true);
  await until("time passes", () => isLater);
  assertFalse(isCalled);
});

Deno.test("startAlarm() does not keep the program alive", async () => {
  const url = import.meta.resolve("../../../_internal/memory/alarm.ts");
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      `import { startAlarm } from ${JSON.stringify(url)};
      startAlarm(600_000, () => {});
      console.log("begun");`,
    ],
    signal: AbortSignal.timeout(60_000),
  }).output();
  assertEquals(code, 0);
  assertEquals(new TextDecoder().decode(stdout), "begun\n");
});
