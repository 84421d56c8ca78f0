// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  assert,
  assertEquals,
  assertMatch,
  assertNotStrictEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { AsyncLocalStorage } from "node:async_hooks";
import {
  NotSupportedError,
  SerializationError,
} from "../../../_internal/base/errors.ts";
import {
  networkBackend,
  NO_TRANSFER,
} from "../../../_internal/pool/backend.ts";
import { defineFunction } from "../../../_internal/pool/definitions.ts";
import type { RemoteWork } from "../../../_internal/pool/job.ts";
import { CallMode } from "../../../_internal/wire/messages.ts";
import type { AnyFunction } from "../../../_internal/wire/functions/task.ts";
import { ThreadPoolExecutor } from "../../../futures/thread_pool_executor.ts";
import * as mp from "../../../multiprocessing/mod.ts";
import * as threading from "../../../threading/mod.ts";

const { prepare, startChunk, start } = networkBackend();

function refusal(send: () => unknown): SerializationError {
  return assertThrows(send, SerializationError);
}

function call(fn: AnyFunction, ...args: unknown[]): RemoteWork {
  const work = prepare(fn, args, CallMode.single, NO_TRANSFER);
  assert(work.kind === "remote");
  return work;
}

Deno.test("networkBackend() refuses objects that this machine serves, by path and class", async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  await using manager = new mp.Manager();
  const [left, right] = mp.pipe();
  using memory = mp.SharedMemory.create({ size: 8 });
  for (
    const [object, what] of [
      [new mp.Lock(), "Lock"],
      [new mp.Queue(), "Queue"],
      [new mp.Event(), "Event"],
      [new mp.Value("int32"), "Value"],
      [left, "Connection"],
      [memory, "SharedMemory"],
      [manager, "Manager"],
      [new threading.RLock(), "RLock"],
      [new threading.Thread({ target: () => 1 }), "Thread"],
      [pool, "ThreadPoolExecutor"],
    ] as const
  ) {
    const alone = refusal(() => call(() => 1, 1, { box: [object] }));
    assertEquals(alone.path, "args[1].box[0]");
    assertEquals(
      alone.reason,
      `this ${what} is served by this machine, and the task may run on another one`,
    );
    const captured = refusal(() => call(() => object));
    assertMatch(captured.path, /object/);
    assertEquals(captured.reason, `cannot travel, since ${alone.reason}`);
  }
  left.close();
  right.close();
  memory.unlink();
});

Deno.test("networkBackend() refuses them in chunks and in what an AsyncLocalStorage holds", () => {
  const lock = new threading.Lock();
  const chunk = startChunk((it: unknown) => it)!;
  chunk.add([1]);
  assertEquals(refusal(() => chunk.add([[lock]])).path, "args[0][0]");
  chunk.add([{}]);
  assertEquals(chunk.finish().calls, 2);

  const storage = new AsyncLocalStorage<unknown>();
  const read = () => storage.getStore();
  const { reason } = refusal(() => storage.run({ lock }, () => call(read)));
  assertMatch(reason, /^this Lock is served by this machine/);
  assert(storage.run("text", () => call(read)).payload.contexts);
});

Deno.test("networkBackend() takes what a process takes, and starts no worker", () => {
  const { signal } = new AbortController();
  const { payload } = call((it: unknown) => it, signal, new Map([[1, /a/]]));
  assertEquals(payload.signals, [signal]);
  assertEquals(payload.attachments, []);
  refusal(() => call(() => 1, new SharedArrayBuffer(8)));
  refusal(() => call(() => 1, new Blob()));
  assertThrows(
    () => start({ id: 1, name: "one" }, {} as Parameters<typeof start>[1]),
    NotSupportedError,
  );
});

Deno.test("defineFunction() keeps a definition for each reach", () => {
  const lock = new threading.Lock();
  const locked = () => lock.locked();
  const near = defineFunction(locked, "thread");
  refusal(() => defineFunction(locked, "machine"));
  assertStrictEquals(defineFunction(locked, "thread"), near);

  const far = defineFunction(call, "machine");
  assertStrictEquals(defineFunction(call, "machine"), far);
  assertNotStrictEquals(defineFunction(call, "process"), far);
});
