// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  ConnectionClosedError,
  Pool,
  Process,
  Queue,
  Value,
} from "../../multiprocessing/mod.ts";
import { Thread } from "../../threading/mod.ts";
import { soon, until } from "../_suites/_helpers.ts";
import { ChildProgram, memoryFiles } from "./_child_program.ts";

const only = { ignore: Deno.build.os !== "linux" };
const NO_FFI: Deno.PermissionOptionsObject = {
  read: true,
  write: true,
  env: true,
  net: true,
  run: true,
  sys: true,
};

async function addMany(value: Value, change: number | bigint, times: number) {
  for (let i = 0; i < times; i++) await value.add(change as never);
}

async function run<R>(
  target: (...args: never[]) => R,
  args: unknown[] = [],
  permissions?: Deno.PermissionOptionsObject,
): Promise<Awaited<R>> {
  const process = new Process<R>({
    target: target as (...args: unknown[]) => R,
    args,
    ...(permissions === undefined ? {} : { permissions }),
  }).start();
  try {
    return await process.result() as Awaited<R>;
  } finally {
    await process.join();
  }
}

Deno.test("Value checks its type and its numbers", async () => {
  const make = Value as unknown as new (...args: unknown[]) => Value;
  assertThrows(() => new make(), TypeError, "'type' must be one of");
  assertThrows(() => new make("float"), TypeError, "'type' must be one of");
  assertThrows(() => new make("int32", 1n), TypeError, "'initial'");
  assertThrows(() => new make("bigint64", 1), TypeError, "'initial'");
  const value = new Value("int32", 5);
  await assertRejects(() => value.set("6" as never), TypeError, "'value'");
  await assertRejects(() => value.add(1n as never), TypeError, "'change'");
  await assertRejects(
    () => value.compareExchange(5, undefined as never),
    TypeError,
    "'replacement'",
  );
  assertEquals([value.type, await value.get()], ["int32", 5]);
});

Deno.test("Value wraps and rounds as a typed array, of every type", async () => {
  const cases = [
    ["int8", 127, 1, -128],
    ["uint8", 255, 1, 0],
    ["uint8clamped", 255, 1, 255],
    ["int16", 32767, 1, -32768],
    ["uint16", 0, -1, 65535],
    ["int32", 2 ** 31 - 1, 1, -(2 ** 31)],
    ["uint32", 0, -1, 2 ** 32 - 1],
    ["float32", 0.5, 0.1, Math.fround(Math.fround(0.6))],
    ["float64", 0.1, 0.2, 0.1 + 0.2],
  ] as const;
  for (const [type, initial, change, sum] of cases) {
    const value = new Value(type, initial);
    assertEquals(await value.add(change), sum, type);
    assertEquals(await value.compareExchange(sum, 1), sum, type);
    assertEquals(await value.get(), 1, type);
  }
  const big = new Value("biguint64");
  assertEquals(await big.add(-1n), 2n ** 64n - 1n);
});

Deno.test(
  "Value.add() of processes and threads at a time loses nothing",
  only,
  async () => {
    for (
      const [type, change] of [["float64", 0.5], ["bigint64", 1n]] as const
    ) {
      const value = new Value(type);
      const thread = new Thread({
        target: addMany,
        args: [value, change, 2000],
      })
        .start();
      await Promise.all([
        run(addMany, [value, change, 2000]),
        run(addMany, [value, change, 2000]),
        thread.result(),
      ]);
      await thread.join();
      const sum = Number(change) * 6000;
      assertEquals(Number(await value.get()), sum);
      assertEquals(Number(value.value), sum);
    }
  },
);

Deno.test(
  "Value is one object in each thread, and the same one when it comes home",
  only,
  async () => {
    const value = new Value("int32", 1);
    const same = await run(
      (sent: Value) => {
        value.value = 7;
        return [sent === value, sent] as const;
      },
      [value],
    );
    assertEquals(same[0], true);
    assert(same[1] === value);
    assertEquals(value.value, 7);
  },
);

Deno.test("Value goes through queues and to grandchildren", only, async () => {
  const queue = new Queue<Value>();
  const value = new Value("int32");
  await queue.put(value);
  await run(async () => {
    const received = await queue.get();
    const child = new Process({
      target: (own: Value) => own.add(3),
      args: [received],
    }).start();
    await child.result();
    await child.join();
  });
  assertEquals(await value.get(), 3);
});

Deno.test(
  "Value without --allow-ffi in a holder is asked for; .value names the permission",
  only,
  async () => {
    const value = new Value("float64", 1.5);
    const outcome = await run(
      async (sent: Value) => {
        const sum = await sent.add(1);
        const old = await sent.compareExchange(2.5, 4);
        await sent.set(await sent.get() * 2);
        // Through one that cannot have the memory, to one that can.
        const child = new Process({
          target: (own: Value) => own.value,
          args: [sent],
        }).start();
        const error = await child.result().catch((error) => error);
        await child.join();
        let message = "";
        try {
          sent.value = 1;
        } catch (thrown) {
          message = String(thrown);
        }
        return { sum, old, message, grandchild: String(error) };
      },
      [value],
      NO_FFI,
    );
    assertEquals([outcome.sum, outcome.old], [2.5, 2.5]);
    assert(outcome.message.startsWith("NotSupportedError"), outcome.message);
    assert(outcome.message.includes("--allow-ffi"), outcome.message);
    // A child has no more permissions than its parent.
    assert(outcome.grandchild.includes("--allow-ffi"), outcome.grandchild);
    assertEquals(value.value, 8);
  },
);

Deno.test("Value.lock is the same lock everywhere", async () => {
  const value = new Value("int32");
  const add = async (value: Value, times: number) => {
    for (let i = 0; i < times; i++) {
      using _ = await value.lock.guard();
      await value.set(await value.get() + 1);
    }
  };
  await Promise.all([run(add, [value, 50]), run(add, [value, 50])]);
  await add(value, 1);
  assertEquals(await value.get(), 101);
});

Deno.test(
  "Value in a program without --allow-ffi is shared by its threads and its processes",
  only,
  async () => {
    await using program = await ChildProgram.start("value", "", [
      "--allow-read",
      "--allow-write",
      "--allow-env",
      "--allow-net",
      "--allow-run",
      "--allow-sys",
    ]);
    assertEquals(JSON.parse(await soon("an answer", program.line())), {
      sum: 40,
      array: [0, 7, 8, 9],
      read: [7, 8],
      sync: true,
    });
    await until("it has ended by itself", () => program.hasEnded);
  },
);

Deno.test(
  "Value goes on in who has the memory when its owner is gone; who has to ask is told",
  only,
  async () => {
    // In a process, with which everything that it has ends.
    const outOfReach = async () => {
      const owner = new Process({ target: () => new Value("int32", 5) })
        .start();
      const value = await owner.result();
      await owner.join();
      const tell = (error: Error) => error.name;
      return {
        sum: await value.add(1).catch(tell),
        lock: await value.lock.acquire().catch(tell),
      };
    };
    assertEquals(await soon("the end", run(outOfReach)), {
      sum: 6,
      lock: ConnectionClosedError.name,
    });
    assertEquals(await soon("the end", run(outOfReach, [], NO_FFI)), {
      sum: ConnectionClosedError.name,
      lock: ConnectionClosedError.name,
    });
  },
);

Deno.test("Values cost no descriptor each", only, async () => {
  const before = memoryFiles(Deno.pid).length;
  const values = Array.from(
    { length: 1000 },
    (_, i) => new Value("int32", i),
  );
  assert(memoryFiles(Deno.pid).length <= before + 1);
  await using pool = new Pool({ processes: 1 });
  const doubled = await pool.map(
    async (value: Value) => {
      await value.add(await value.get());
    },
    values.slice(-3),
  );
  assertEquals(doubled.length, 3);
  assertEquals(values.slice(-3).map((value) => value.value), [
    2 * 997,
    2 * 998,
    2 * 999,
  ]);
  assertEquals(values[0]!.value, 0);
});
