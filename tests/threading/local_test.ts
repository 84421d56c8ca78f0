// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { ThreadPoolExecutor } from "../../futures/mod.ts";
import { Local, SharedValue, Thread } from "../../threading/mod.ts";

Deno.test("Local.value is made when it is first asked for, once", () => {
  let made = 0;
  const local = new Local(() => ({ number: ++made }));
  assertEquals(made, 0);
  const { value } = local;
  assert(local.value === value);
  assertEquals(made, 1);
});

Deno.test("Local.value can be set, before it was made too", () => {
  let made = 0;
  const local = new Local(() => ++made);
  local.value = 7;
  assertEquals([local.value, made], [7, 0]);
});

Deno.test("Local.value keeps undefined as a value", () => {
  let made = 0;
  const local = new Local(() => {
    made++;
    return undefined;
  });
  assertEquals([local.value, local.value, made], [undefined, undefined, 1]);
});

Deno.test("Local.value throws what the function throws, and tries again", () => {
  let made = 0;
  const local = new Local(() => {
    if (++made === 1) throw new RangeError("not yet");
    return made;
  });
  assertThrows(() => local.value, RangeError, "not yet");
  assertEquals(local.value, 2);
});

Deno.test("Local() refuses what is no function", () => {
  // deno-lint-ignore no-explicit-any -- wrong on purpose
  assertThrows(() => new Local(1 as any), TypeError, "'init'");
});

for (const threads of [2, 4, 8]) {
  Deno.test(`Local.value is another one in each of ${threads} threads`, async () => {
    const made = new SharedValue("int32");
    const local = new Local(() => [made.add(1)]);
    const own = local.value;
    const running = Array.from(
      { length: threads },
      (_, i) =>
        new Thread({
          target: () => {
            local.value.push(i);
            return local.value;
          },
        }).start(),
    );
    const values = await Promise.all(running.map((thread) => thread.result()));
    for (const thread of running) await thread.join();
    assertEquals(made.value, threads + 1);
    assertEquals(new Set(values.map(([number]) => number)).size, threads);
    assertEquals(values.map(([, i]) => i), [...running.keys()]);
    assert(local.value === own);
    assertEquals(own, [1]);
  });
}

Deno.test("Local is the same one however it arrives in a thread", async () => {
  const local = new Local(() => ({ made: true }));
  const thread = new Thread({
    target: (argument: typeof local, list: (typeof local)[]) => {
      argument.value.made = false;
      return local === argument && list[0] === local && !local.value.made;
    },
    args: [local, [local]],
  });
  assert(await thread.start().result());
  await thread.join();
  assert(local.value.made);
});

Deno.test("Local.value stays in a thread that holds nothing else of it", async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  const local = new Local(() => 0);
  const next = (it: Local<number>) => ++it.value;
  for (let i = 1; i <= 5; i++) {
    assertEquals(await pool.submit(next, local), i);
    // Leaves the thread the time and the reason to collect what is not held.
    await pool.submit(() => {
      let size = 0;
      for (let j = 0; j < 100; j++) size += new Array(100_000).fill(j).length;
      return size;
    });
  }
  assertEquals(local.value, 0);
});

Deno.test("Local brings along what its function captured", async () => {
  const base = new Map([["a", 1]]);
  const local = new Local(() => new Map(base));
  const thread = new Thread({
    target: () => local.value.set("b", 2).size,
  });
  assertEquals(await thread.start().result(), 2);
  await thread.join();
  assertEquals(base.size, 1);
});
