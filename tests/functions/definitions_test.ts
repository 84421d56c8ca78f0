// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A function goes to a worker once, not with every task.

import { Session } from "node:inspector";
import { assert, assertEquals, assertGreater } from "@std/assert";
import { defineFunction, noteTime } from "../../_internal/pool/definitions.ts";
import { NO_TRANSFER, threadBackend } from "../../_internal/pool/backend.ts";
import { RemoteWorker } from "../../_internal/pool/remote_worker.ts";
import { CallMode, Tag } from "../../_internal/wire/messages.ts";
import type { HostExit, WorkerHost } from "../../_internal/worker/host.ts";
import { futures } from "../../mod.ts";

type AnyFunction = (...args: never[]) => unknown;

/** A worker that is not there: keeps the first bytes and the sizes of what it is sent. */
function recorder() {
  const messages: { tag: number; size: number }[] = [];
  const host = {
    kind: "thread",
    slots: undefined,
    exited: new Promise<HostExit>(() => {}),
    channel: {
      send: (
        bytes: Uint8Array,
        _attachments?: unknown,
        _transfer?: unknown,
        body = new Uint8Array(),
      ) => messages.push({ tag: bytes[0]!, size: bytes.length + body.length }),
    },
    open() {},
  } as unknown as WorkerHost;
  const ignore = () => {};
  const worker = new RemoteWorker(host, {
    exited: ignore,
    // deno-lint-ignore no-explicit-any -- no event ever comes
  } as any);
  const backend = threadBackend({ concurrency: 1 });
  return {
    send: (fn: AnyFunction, ...args: unknown[]) =>
      worker.send(
        0,
        backend.prepare(
          fn as (...args: unknown[]) => unknown,
          args,
          CallMode.single,
          NO_TRANSFER,
        ),
      ),
    sizes: (tag: number) =>
      messages.filter((message) => message.tag === tag).map(({ size }) => size),
  };
}

const adders = (n: number) =>
  Array.from({ length: n }, (_, i) => (x: number) => x + i);

Deno.test("a function that is sent 1000 times is defined once", () => {
  const { send, sizes } = recorder();
  const offset = 7;
  const long = "x".repeat(10_000);
  const fn = (x: number) => [x + offset, long.length];
  for (let i = 0; i < 1000; i++) send(fn, i);
  const [definition, ...more] = sizes(Tag.define);
  assertEquals(more, []);
  assert(definition! > 10_000);
  const calls = sizes(Tag.call);
  assertEquals(calls.length, 1000);
  assert(Math.max(...calls) < 20, `${Math.max(...calls)} bytes a call`);
});

Deno.test("a function whose captured object did not change is defined once", () => {
  const { send, sizes } = recorder();
  const config = { list: [1, 2, 3] };
  const fn = () => config.list;
  for (let i = 0; i < 100; i++) send(fn);
  assertEquals(sizes(Tag.define).length, 1);
  config.list.push(4);
  for (let i = 0; i < 100; i++) send(fn);
  assertEquals(sizes(Tag.define).length, 2);
});

Deno.test("the definitions that were not used for longest are forgotten", () => {
  const { send, sizes } = recorder();
  const fns = adders(300);
  for (const fn of fns) send(fn, 1);
  assertEquals(sizes(Tag.define).length, 300);
  assertEquals(sizes(Tag.forget).length, 300 - 256);
  for (const fn of fns.slice(-256)) send(fn, 1);
  assertEquals(sizes(Tag.define).length, 300);
  send(fns[0]!, 1);
  assertEquals(sizes(Tag.define).length, 301);
});

Deno.test("V8 is asked once about a function that cannot change, and never about a pure one", () => {
  const { post } = Session.prototype;
  let questions = 0;
  // deno-lint-ignore no-explicit-any -- the overloads list methods one by one
  Session.prototype.post = function (this: Session, ...args: any[]) {
    questions++;
    return Reflect.apply(post, this, args);
  };
  try {
    const { send } = recorder();
    send((x: number) => x * 2, 1);
    assertEquals(questions, 0);
    const factor = 2;
    const fn = (x: number) => x * factor;
    send(fn, 1);
    assertGreater(questions, 0);
    questions = 0;
    for (let i = 0; i < 100; i++) send(fn, i);
    assertEquals(questions, 0);
  } finally {
    Session.prototype.post = post;
  }
});

for (
  const [kind, create] of [
    ["thread", () => new futures.ThreadPoolExecutor({ maxWorkers: 1 })],
    ["process", () => new futures.ProcessPoolExecutor({ maxWorkers: 1 })],
  ] as const
) {
  Deno.test(`${kind}: 300 closures, twice over, each give their own answer`, async () => {
    await using pool = create();
    const fns = adders(300);
    for (let round = 0; round < 2; round++) {
      // All at once: definitions are forgotten while calls that use them wait.
      const answers = await Promise.all(
        fns.map((fn) => pool.submit(fn, round)),
      );
      assertEquals(answers, fns.map((_, i) => i + round));
    }
  });
}

Deno.test("a function that captured a large array is defined again when any byte of it has changed", () => {
  const { send, sizes } = recorder();
  const bytes = new Uint8Array(20_003);
  const fn = (i: number) => bytes[i];
  let expected = 0;
  for (const index of [0, 1, 7, 8, 9, 10_000, 19_995, 20_000, 20_002]) {
    bytes[index]! ^= 1;
    expected++;
    send(fn, index);
    send(fn, index);
    assertEquals(sizes(Tag.define).length, expected, `byte ${index}`);
  }
});

Deno.test("one call that was interrupted does not make a function a slow one, many do", () => {
  const definition = defineFunction(() => 1, "process");
  noteTime(definition, 1);
  assertEquals(definition.meanTime, 1);

  noteTime(definition, 1_000);
  assert(definition.meanTime! < 3, `${definition.meanTime} ms`);

  for (let i = 0; i < 12; i++) noteTime(definition, 1_000);
  assert(definition.meanTime! > 500, `${definition.meanTime} ms`);
});

Deno.test("a function that takes no time at all can become a slow one", () => {
  const definition = defineFunction(() => 1, "process");
  noteTime(definition, 0);
  for (let i = 0; i < 30; i++) noteTime(definition, 100);
  assert(definition.meanTime! > 50, `${definition.meanTime} ms`);
});
