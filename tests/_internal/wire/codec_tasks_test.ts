// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  assert,
  assertEquals,
  assertNotStrictEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { SerializationError } from "../../../_internal/base/errors.ts";
import {
  defineFunction,
  describer,
} from "../../../_internal/pool/definitions.ts";
import type { EncodeContext } from "../../../_internal/wire/codec.ts";
import { homeOf } from "../../../_internal/wire/functions/origins.ts";
import {
  loadModules,
  prepare,
} from "../../../_internal/wire/functions/revive.ts";
import { task, unwrapTask } from "../../../_internal/wire/functions/task.ts";
import { decode, encode } from "./_codec_helpers.ts";

const TASK_MODULE = import.meta.resolve(
  "../../../_internal/wire/functions/task.ts",
);

/** Through the codec, as a caller sends it and a worker receives it. */
async function send<T>(
  value: T,
  context: Partial<EncodeContext> = {},
): Promise<T> {
  const modules = new Set<string>();
  const bytes = encode(value, { describe: describer(), modules, ...context });
  return decode(bytes, {
    modules: await loadModules(modules),
    revive: prepare,
  }) as T;
}

Deno.test("encodeValue() sends a task with its options", async () => {
  const offset = 1;
  const options = { kind: "cpu", name: "t", timeout: 5, retries: 2 } as const;
  const sent = task((x: number) => x + offset, options);
  const [a, b] = await send([sent, sent]);
  assertStrictEquals(a, b);
  assertNotStrictEquals(a, sent);
  assertEquals(a!(1), 2);
  assertEquals(a!.options, options);
  assert(Object.isFrozen(a!.options));
  assertEquals(unwrapTask(a!).options, options);
});

Deno.test("encodeValue() sends the module of tasks with tasks only", () => {
  const modulesOf = (value: unknown) => {
    const modules = new Set<string>();
    encode(value, { describe: describer(), modules });
    return [...modules];
  };
  assertEquals(modulesOf(() => 1), []);
  assertEquals(modulesOf(task(() => 1)), [TASK_MODULE]);
});

Deno.test("encodeValue() sends a task on that has arrived", async () => {
  const offset = 1;
  const sent = task((x: number) => x + offset, { priority: 3 });
  const on = await send(await send(sent));
  assertEquals([on(1), on.options], [2, { priority: 3 }]);
});

Deno.test("encodeValue() gives a task a token of its own", async () => {
  const fn = () => 1;
  const arrived = await send(task(fn), {
    token: (it) => it === fn ? "function" : "task",
  });
  assertEquals(homeOf(arrived), { kind: "token", token: "task" });
  assertEquals(homeOf(unwrapTask(arrived).fn), {
    kind: "token",
    token: "function",
  });
});

Deno.test("encodeValue() takes a refused task back", () => {
  const modules = new Set<string>();
  const listed = task(() => 1, { transfer: [new ArrayBuffer(1)] });
  const error = assertThrows(
    () => encode([listed], { describe: describer(), modules }),
    SerializationError,
  );
  assertEquals(error.path, "value[0].options.transfer");
  assertEquals(modules.size, 0);
  const { signal } = new AbortController();
  assertEquals(
    assertThrows(
      () => encode(task(() => 1, { signal }), { describe: describer() }),
      SerializationError,
    ).path,
    "value.options.signal",
  );
});

Deno.test("decodeValue() refuses a task where none is expected", () => {
  const bytes = encode(task(() => 1), { describe: describer() });
  assertThrows(
    () => decode(bytes, { revive: prepare }),
    SerializationError,
    "it holds a task",
  );
});

Deno.test("defineFunction() keeps the definition of a function that captures a task", () => {
  const offset = 1;
  const captured = task((x: number) => x + offset, { retries: 1 });
  const fn = () => captured(1);
  const first = defineFunction(fn, "thread");
  assertStrictEquals(defineFunction(fn, "thread"), first);
  assertEquals(first.payload.mutable, false);
  const labelled = Object.assign(captured, { label: 1 });
  const second = defineFunction(fn, "thread");
  assertNotStrictEquals(second, first);
  labelled.label = 2;
  assertNotStrictEquals(defineFunction(fn, "thread"), second);
});
