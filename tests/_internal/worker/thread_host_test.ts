// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { delay } from "@std/async/delay";
import { WorkerCrashedError } from "../../../_internal/base/errors.ts";
import { NO_TRANSFER, threadBackend } from "../../../_internal/pool/backend.ts";
import { RemoteWorker } from "../../../_internal/pool/remote_worker.ts";
import { Scheduler } from "../../../_internal/pool/scheduler.ts";
import type { AnyFunction } from "../../../_internal/wire/functions/task.ts";
import { CallMode, Tag } from "../../../_internal/wire/messages.ts";
import type { ThreadTransport } from "../../../_internal/wire/thread_link.ts";
import { ThreadHost } from "../../../_internal/worker/thread_host.ts";
import { soon, until } from "../../_suites/_helpers.ts";

/** A thread behind a scheduler of its own, over the transport that is asked for. */
class Subject implements AsyncDisposable {
  readonly #backend = threadBackend({ concurrency: 1 });
  readonly scheduler: Scheduler;

  constructor(transport: ThreadTransport) {
    this.scheduler = new Scheduler({
      kind: "thread",
      name: `test-${transport}`,
      maxWorkers: 1,
      minWorkers: 0,
      concurrency: 1,
      queueLimit: Infinity,
      maxTasksPerWorker: Infinity,
      idleTimeout: Infinity,
      cancelGrace: 100,
      initializer: undefined,
      startWorker: (identity, events) =>
        new RemoteWorker(
          new ThreadHost({ ...identity, concurrency: 1, transport }),
          events,
        ),
    });
  }

  run(fn: AnyFunction, ...args: unknown[]): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const work = this.#backend.prepare(fn, args, CallMode.single, NO_TRANSFER);
    const options = {
      name: "",
      priority: 0,
      timeout: undefined,
      retries: 0,
      maySendAhead: true,
    };
    this.scheduler.submit(work, options, {
      started() {},
      progressed() {},
      succeeded: resolve,
      failed: reject,
      cancelled: reject,
    });
    return soon("the answer", promise);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.scheduler.shutdown(false);
  }
}

for (const transport of ["ring", "port"] as const) {
  Deno.test(`ThreadHost over the ${transport} takes calls and brings answers`, async () => {
    await using subject = new Subject(transport);
    assertEquals(await subject.run((a: number, b: number) => a + b, 1, 2), 3);
    await assertRejects(
      () =>
        subject.run(() => {
          throw new RangeError("over there");
        }),
      RangeError,
      "over there",
    );
    const large = new Uint8Array(300_000).fill(7);
    const back = await subject.run((bytes: Uint8Array) => bytes, large);
    assertEquals(back, large);
  });

  Deno.test(`ThreadHost over the ${transport} carries what only the platform can`, async () => {
    await using subject = new Subject(transport);
    const shared = new SharedArrayBuffer(4);
    await subject.run(
      (memory: SharedArrayBuffer) => new Uint8Array(memory).fill(9),
      shared,
    );
    assertEquals([...new Uint8Array(shared)], [9, 9, 9, 9]);
  });

  Deno.test(`ThreadHost over the ${transport} keeps the order of many calls`, async () => {
    await using subject = new Subject(transport);
    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, i) =>
        subject.run(
          (n: number, bytes: Uint8Array) => n + bytes.length,
          i,
          new Uint8Array(i % 50 === 0 ? 100_000 : 0),
        )),
    );
    assertEquals(
      answers,
      Array.from({ length: 300 }, (_, i) => i + (i % 50 === 0 ? 100_000 : 0)),
    );
  });

  Deno.test(`ThreadHost over the ${transport} notices that the thread has ended itself`, async () => {
    await using subject = new Subject(transport);
    const error = await assertRejects(
      () => subject.run(() => Deno.exit(3)),
      WorkerCrashedError,
    );
    assertEquals(error.exitCode, 3);
    assertEquals(await subject.run(() => 1), 1);
    assert(subject.scheduler.stats().crashes === 1);
  });
}

// The sanitizer of timers sees what a second watch for the end leaves behind:
// the end comes while the first sleeps for 128 ms, and the second finds it.
Deno.test("ThreadHost that is told to end twice is watched once", async () => {
  await using subject = new Subject("ring");
  const words = new Int32Array(new SharedArrayBuffer(8));
  // Never before it was told to end, however late that is.
  const job = subject.run((words: Int32Array<SharedArrayBuffer>) => {
    Atomics.store(words, 0, 1);
    while (Atomics.load(words, 1) === 0);
  }, words);
  const isStopped = assertRejects(() => job);
  try {
    await until("the task runs", () => Atomics.load(words, 0) === 1);
    const first = subject.scheduler.terminate("the test");
    await delay(80);
    const second = subject.scheduler.terminate("the test");
    await delay(90);
    Atomics.store(words, 1, 1);
    await Promise.all([first, second]);
    await isStopped;
  } finally {
    Atomics.store(words, 1, 1);
  }
});

// The sanitizer of timers sees the one that would end it without a reason.
Deno.test("ThreadHost that was told why its thread is gone waits for no word any more", async () => {
  const { locks } = navigator as unknown as {
    locks: { query(): Promise<unknown> };
  };
  const host = new ThreadHost({
    id: 1_000_000,
    name: "limited",
    concurrency: 1,
    resourceLimits: { maxOldGenerationSizeMb: 64 },
  });
  const up = Promise.withResolvers<void>();
  host.channel.onMessage = ([tag]) => {
    if (tag === Tag.ready) up.resolve();
  };
  host.open();
  await soon("it is up", up.promise);
  host.started();
  locks.query = () => Promise.resolve({ held: [] });
  try {
    // It looks as if it were gone; what it is told next is that it is.
    host.probe();
    await delay(1);
    host.terminate();
    assertEquals(await soon("its end", host.exited), { exitCode: undefined });
  } finally {
    Reflect.deleteProperty(locks, "query");
  }
});
