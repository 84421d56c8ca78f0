// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  assert,
  assertEquals,
  assertGreater,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  BrokenExecutorError,
  NotSupportedError,
  SerializationError,
  TaskTimeoutError,
  WorkerCrashedError,
} from "../../_internal/base/errors.ts";
import { current } from "../../_internal/worker/current.ts";
import { CallMode } from "../../_internal/wire/messages.ts";
import { Relay } from "../../_internal/wire/relay_messages.ts";
import { Keys } from "../../distributed/_protocol.ts";
import { DistributedExecutor } from "../../distributed/distributed_executor.ts";
import { serve, type ServeOptions } from "../../distributed/serve.ts";
import { CommandLine } from "./_command_line.ts";
import { HandClient } from "./_hand_made.ts";
import { Folder, soon, until } from "../_suites/_helpers.ts";
import { throughGate } from "../_suites/_tasks.ts";
import { redisServerTest, redisTest } from "./_redis.ts";

const KEY = "a key";
/** For what does not need a process. */
const THREAD = { authKey: KEY, backend: "threads", maxWorkers: 1 } as const;

Deno.test("serve() checks its options before anything else", async () => {
  const wrong: [options: unknown, error: ErrorConstructor, message: string][] =
    [
      [null, TypeError, "'options' must be an object"],
      [{ url: "http://x" }, RangeError, "'url' must begin with redis://"],
      [{ url: "redis://h/a" }, RangeError, "'url' must end with the number"],
      [{ url: "redis://:5%@h" }, RangeError, "'url' must have '%25' for a '%'"],
      [{ queue: "a:b" }, RangeError, "'queue' must be a name without colons"],
      [{ authKey: "" }, RangeError, "'authKey' must not be empty"],
      [{ backend: "inline" }, TypeError, `'backend' must be "threads"`],
      [{ maxWorkers: 0 }, RangeError, "'maxWorkers' must be an integer"],
      [{ modules: "a" }, TypeError, "'modules' must be an array"],
      [{ modules: ["./a.ts"] }, TypeError, "'modules[0]' must be a URL"],
      [{ name: "" }, RangeError, "'name' must not be empty"],
      [{ lockDuration: 99 }, RangeError, "'lockDuration' must be an integer"],
      [{ lockDuration: 2 ** 31 }, RangeError, "'lockDuration' must not be"],
      [{ cancelGrace: -1 }, RangeError, "'cancelGrace' must not be negative"],
      [{ onRefusal: 1 }, TypeError, "'onRefusal' must be a function"],
      [
        { maxTasksPerWorker: 0 },
        RangeError,
        "'maxTasksPerWorker' must be an integer",
      ],
      [{ concurrency: 1e9 }, RangeError, "'concurrency' must not be greater"],
    ];
  for (const [options, error, message] of wrong) {
    await assertRejects(
      () => serve(options as ServeOptions),
      error,
      `Cannot serve a queue as ${message}`,
    );
  }
  await assertRejects(
    () => serve({ ...THREAD, permissions: { net: false } }),
    NotSupportedError,
    "'permissions'",
  );
});

Deno.test("serve() rejects where there is no server", async () => {
  await assertRejects(
    () => serve({ url: "redis://127.0.0.1:1", connectTimeout: 50 }),
    BrokenExecutorError,
    "redis://127.0.0.1:1 has not answered for 50 ms",
  );
});

redisServerTest("serve() rejects where the password is wrong", {
  password: "right",
}, async ({ server }) => {
  const url = server.url.replace("right", "wrong");
  const error = await assertRejects(() => serve({ url }), BrokenExecutorError);
  assertStringIncludes(error.message, "refuses it");
  assert(!error.message.includes("wrong"));
});

redisTest(
  "serve() runs what is signed, and leaves nothing in the queue",
  async ({ url, queue }) => {
    await using client = await HandClient.open(url, queue, KEY);
    await using node = await serve({ url, queue, authKey: KEY, maxWorkers: 1 });
    const by = 3;
    const number = await client.put((x: number) => x * by, [5]);

    assertEquals(await client.result(number), 15);
    const last = client.of(number).at(-1)!;
    assertEquals([last.node, last.run, last.isSigned], [node.id, 1, true]);
    await client.finished();
    assertEquals(node.stats().completed, 1);
    assertEquals(node.stats().running, 0);
  },
);

redisTest(
  "serve() speaks TLS only where the URL says so",
  async ({ url, queue }) => {
    const options = { url, queue, caCerts: ["of a rediss: server"] };
    await using node = await serve({ ...options, ...THREAD });
    await using executor = new DistributedExecutor({
      ...options,
      authKey: KEY,
    });
    await executor.ready();
    assertEquals(executor.stats().nodes[0]?.id, node.id);
  },
);

redisTest(
  "serve() makes nodes that are told apart, also where they are called the same",
  async ({ url, queue }) => {
    await using executor = new DistributedExecutor({
      url,
      queue,
      authKey: KEY,
    });
    const shown = () => executor.stats().nodes;
    const named = { url, queue, ...THREAD, name: "same" };
    await using first = await serve(named);
    const second = await serve(named);
    await executor.ready();
    await until("both are there", () => shown().length === 2);
    assertEquals(
      new Set(shown().map(({ id }) => id)),
      new Set([first.id, second.id]),
    );
    assertEquals(shown().map(({ name }) => name), ["same", "same"]);
    assertEquals(await executor.submit(() => current.worker.name), "same");

    await second.drain();
    await until("one has gone", () => shown().length === 1);
    assertEquals(shown()[0]!.id, first.id);
  },
);

redisServerTest(
  "serve() leaves no sign of life for ever",
  {},
  async ({ server, url, queue }) => {
    await (await serve({ url, queue, ...THREAD })).drain();
    const left = await server.command("PTTL", new Keys(queue).beats);
    assertGreater(left as number, 0);
  },
);

redisTest(
  "serve() answers with the error, its cause and its worker",
  async ({ url, queue }) => {
    await using client = await HandClient.open(url, queue, KEY);
    await using _ = await serve({ url, queue, ...THREAD, name: "n" });
    const number = await client.put(() => {
      throw new RangeError("no", { cause: new TypeError("why") });
    });

    const error = await assertRejects(() => client.result(number), RangeError);
    assertInstanceOf(error.cause, TypeError);
    const { answer } = await client.end(number);
    assert(answer?.tag === Relay.failed);
    assertEquals(answer.worker, {
      id: answer.worker!.id,
      name: "n",
      kind: "thread",
    });
  },
);

redisTest(
  "serve() retries what fails, and tells the last failure only",
  async ({ url, queue }) => {
    await using client = await HandClient.open(url, queue, KEY);
    await using node = await serve({ url, queue, ...THREAD });
    const fail = (message: string) => {
      throw new RangeError(message);
    };
    const number = await client.put(fail, ["always"], { retries: 2 });

    await assertRejects(() => client.result(number), RangeError, "always");
    const ends = client.of(number).filter(({ answer }) =>
      answer!.tag === Relay.failed
    );
    assertEquals(ends.map(({ run }) => run), [3]);
    await client.finished();
    assertEquals(node.stats().failed, 3);
  },
);

redisTest(
  "serve() takes as much for each item of a chunk as for one task",
  async ({ url, queue }) => {
    await using executor = new DistributedExecutor({
      url,
      queue,
      authKey: "key",
      maxPayload: 10_000,
    });
    await using _node = await serve({
      url,
      queue,
      authKey: "key",
      maxWorkers: 1,
    });
    const sizes = executor.map(
      (size: number) => "x".repeat(size),
      new Array(20).fill(9000),
      { chunkSize: 10 },
    );
    for await (const text of sizes) assertEquals(text.length, 9000);
  },
);

redisTest("serve() ends a task at its timeout", async ({ url, queue }) => {
  await using client = await HandClient.open(url, queue, KEY);
  await using node = await serve({
    url,
    queue,
    authKey: KEY,
    maxWorkers: 1,
    cancelGrace: 10,
  });
  const stuck = await client.put(
    () => {
      while (true);
    },
    [],
    { timeout: 20 },
  );

  await assertRejects(() => client.result(stuck), TaskTimeoutError);
  assertEquals(await client.result(await client.put(() => 1)), 1);
  assertEquals(node.stats().stuck, 0);
});

redisTest(
  "serve() cancels what runs, and what it has not got yet",
  async ({ url, queue }) => {
    await using client = await HandClient.open(url, queue, KEY);
    await using node = await serve({ url, queue, ...THREAD });
    const running = await client.put(
      () =>
        new Promise((_, reject) =>
          current.signal.addEventListener(
            "abort",
            () => reject(current.signal.reason),
          )
        ),
      [],
      { retries: 5 },
    );
    await client.until(() => client.of(running)[0]);
    await client.say(running, "cancel", "enough");
    // The next one's number: what is said of it comes before it does.
    await client.say(running + 1, "cancel", "early");
    // It would never end by itself.
    const next = await client.put(() => new Promise(() => {}));
    assertEquals(next, running + 1);

    for (const number of [running, next]) {
      const { answer, run } = await soon("its end", client.end(number));
      assertEquals([answer!.tag, run], [Relay.cancelled, 1]);
    }
    assertEquals(await client.result(running).catch((it) => it), "enough");
    assertEquals(await client.result(next).catch((it) => it), "early");
    await client.finished();
    assertEquals(node.stats().cancelled, 2);
  },
);

redisTest(
  "serve() takes the end of a worker for a failed attempt",
  async ({ url, queue }) => {
    await using client = await HandClient.open(url, queue, KEY);
    await using node = await serve({ url, queue, authKey: KEY, maxWorkers: 1 });
    const number = await client.put(() => Deno.exit(3), [], { retries: 1 });

    const error = await assertRejects(
      () => client.result(number),
      WorkerCrashedError,
    );
    assertEquals(error.exitCode, 3);
    assertEquals((await client.end(number)).run, 2);
    assertEquals(node.stats().crashes, 2);
  },
);

redisTest(
  "serve() yields what a generator yields, while somebody wants it",
  async ({ url, queue }) => {
    await using client = await HandClient.open(url, queue, KEY);
    await using _ = await serve({ url, queue, ...THREAD });
    const number = await client.put(
      function* () {
        for (let i = 0; true; i++) yield i;
      },
      [],
      { mode: CallMode.stream, retries: 3 },
    );

    await client.until(() => client.items(number).length === 16 || undefined);
    await client.say(number, { credit: 2 });
    await client.until(() => client.items(number).length === 18 || undefined);
    await client.say(number, "finish");
    await client.end(number);
    assertEquals(client.items(number), [...Array(18).keys()]);
    const places = client.of(number).map(({ place }) => place);
    assertEquals(places, places.map((_, at) => at + 1));
  },
);

redisTest(
  "serve() fails a generator that was lost while it ran",
  async ({ url, queue }) => {
    await using client = await HandClient.open(url, queue, KEY);
    const first = await serve({ url, queue, ...THREAD });
    const number = await client.put(
      function* () {
        for (let i = 0; true; i++) yield i;
      },
      [],
      { mode: CallMode.stream },
    );
    await client.until(() => client.items(number)[0] as undefined);
    await client.until(() => client.items(number).length > 0 || undefined);
    await first.terminate();

    await assertRejects(
      () => client.result(number),
      WorkerCrashedError,
      "values were taken already",
    );
  },
);

redisTest(
  "serve() fails what has lost its nodes too often",
  async ({ url, queue }) => {
    await using client = await HandClient.open(url, queue, KEY);
    const numbers = [
      await client.put(() => 1),
      await client.put(() => 2),
      await client.put(() => 3, [], { retries: 4 }),
    ];
    // As BullMQ counts them.
    for (const [at, losses] of [3, 4, 4].entries()) {
      const key = client.queue.toKey(`${client.id}-${numbers[at]}`);
      await client.redis.hset(key, "stc", losses);
    }
    await using node = await serve({ url, queue, ...THREAD });

    assertEquals(await client.result(numbers[0]!), 1);
    await assertRejects(
      () => client.result(numbers[1]!),
      WorkerCrashedError,
      "its node was lost 4 times while it ran",
    );
    assertEquals(await client.result(numbers[2]!), 3);
    await client.finished();
    assertEquals(node.stats().takenOver, 3);
  },
);

redisTest(
  "serve() ends where workers cannot start any more, and puts back its tasks",
  async ({ url, queue }) => {
    await using client = await HandClient.open(url, queue, KEY);
    const program = new URL("./_fixtures/breaking_node.ts", import.meta.url);
    await using node = new CommandLine([url, queue, KEY], {}, program);
    await node.line(/serving/);
    assertEquals(await client.result(await client.put(() => 1)), 1);
    const next = await client.put(() => 2);
    await node.line(/BrokenProcessPoolError/);
    await node.status;
    await using _ = await serve({ url, queue, ...THREAD });

    assertEquals(await client.result(next), 2);
    await client.finished();
  },
);

redisTest(
  "serve() stops a run whose job somebody else has, and tells nobody",
  async ({ url, queue }) => {
    await using client = await HandClient.open(url, queue, KEY);
    const first = await serve({
      url,
      queue,
      ...THREAD,
      name: "first",
      // It has the job until it is taken away.
      lockDuration: 4_000,
    });
    const number = await client.put(
      (first: string) =>
        current.worker.name === first
          ? new Promise<string>((_, reject) =>
            current.signal.addEventListener("abort", () => reject("stopped"))
          )
          : "done",
      ["first"],
    );
    await client.until(() => client.of(number)[0]);
    // It takes nothing new, and waits for this one.
    const drained = first.drain();
    // As where the program has not run for so long.
    const lock = client.queue.toKey(`${client.id}-${number}:lock`);
    await client.redis.set(lock, "another node's", "PX", 50);
    await drained;
    assertEquals(client.of(number).map(({ answer }) => answer!.tag), [
      Relay.begun,
    ]);
    await using second = await serve({
      url,
      queue,
      ...THREAD,
      lockDuration: 2_000,
    });

    assertEquals(await client.result(number), "done");
    const { node, run } = await client.end(number);
    assertEquals([node, run], [second.id, 2]);
    await client.finished();
  },
);

redisTest("serve() tells the progress of a task", async ({ url, queue }) => {
  await using client = await HandClient.open(url, queue, KEY);
  await using _ = await serve({ url, queue, ...THREAD });
  const number = await client.put(() => current.progress(3, 4));
  await client.end(number);

  const { answer } = client.of(number).find(({ answer }) =>
    answer!.tag === Relay.progress
  )!;
  assert(answer?.tag === Relay.progress);
  assertEquals([answer.done, answer.total], [3, 4]);
});

redisTest(
  "serve() refuses a result, or a value, that is too large",
  async ({ url, queue }) => {
    await using client = await HandClient.open(url, queue, KEY);
    await using _ = await serve({ url, queue, ...THREAD });
    const options = { maxPayload: 100, retries: 2 };
    const result = await client.put(() => "x".repeat(200), [], options);
    const value = await client.put(
      function* () {
        yield "x";
        yield "x".repeat(200);
      },
      [],
      { ...options, mode: CallMode.stream },
    );

    for (const number of [result, value]) {
      await assertRejects(
        () => client.result(number),
        SerializationError,
        "'maxPayload' is 100",
      );
      assertEquals((await client.end(number)).run, 1);
    }
    assertEquals(client.items(value), ["x"]);
  },
);

redisTest(
  "serve() heeds what was said before it was there",
  async ({ url, queue }) => {
    await using client = await HandClient.open(url, queue, KEY);
    // It would never end by itself.
    const number = await client.put(() => new Promise(() => {}));
    await client.say(number, "cancel", "early");
    await using _ = await serve({ url, queue, ...THREAD });

    const error = await soon(
      "its end",
      client.result(number).catch((it) => it),
    );
    assertEquals(error, "early");
  },
);

redisTest(
  "serve() has each of its workers run so many tasks at a time",
  async ({ url, queue }) => {
    await using client = await HandClient.open(url, queue, KEY);
    const node = await serve({ url, queue, ...THREAD, concurrency: 3 });
    const numbers: number[] = [];
    for (let i = 0; i < 3; i++) {
      numbers.push(await client.put(() => new Promise(() => {})));
    }
    for (const number of numbers) {
      await soon("it begins", client.until(() => client.of(number)[0]));
    }
    assertEquals([node.stats().slots, node.stats().running], [3, 3]);
    await node.terminate();
  },
);

redisTest(
  "serve() gives a task the time to end that it is set up with",
  async ({ url, queue }) => {
    await using client = await HandClient.open(url, queue, KEY);
    await using _ = await serve({ url, queue, ...THREAD, cancelGrace: 60_000 });
    const number = await client.put(() =>
      new Promise((resolve) => {
        current.signal.addEventListener("abort", () => {
          setTimeout(() => resolve(current.progress(2)), 150);
        });
        current.progress(1);
      })
    );
    const steps = () =>
      client.of(number).flatMap(({ answer }) =>
        answer?.tag === Relay.progress ? [answer.done] : []
      );
    // It listens.
    await client.until(() => steps()[0]);
    await client.say(number, "cancel");
    await soon("its end", client.end(number));

    assertEquals(steps(), [1, 2]);
  },
);

redisTest(
  "serve() goes on with what it has when its workers are interrupted with it",
  async ({ url, queue }) => {
    await using client = await HandClient.open(url, queue, KEY);
    await using node = await serve({ url, queue, authKey: KEY, maxWorkers: 1 });
    const pid = await client.result(await client.put(() => Deno.pid));
    const number = await client.put(() =>
      new Promise((resolve) => setTimeout(resolve, 100, Deno.pid))
    );
    await client.until(() => client.of(number)[0]);
    // As a terminal does at Ctrl-C.
    Deno.kill(pid as number, "SIGINT");

    assertEquals(await client.result(number), pid);
    assertEquals(node.stats().failed, 0);
  },
);

redisTest(
  "serve() says that it drains, and that it is gone, and finishes first when it is disposed of",
  async ({ url, queue }) => {
    using folder = new Folder();
    await using client = await HandClient.open(url, queue, KEY);
    const statesOf = async () => {
      const beats = await client.redis.xrange(new Keys(queue).beats, "-", "+");
      return beats.map(([, [, beat]]) => JSON.parse(beat!).state);
    };
    const node = await serve({ url, queue, ...THREAD });
    const gate = folder.file("gate");
    const number = await client.put(throughGate, [gate, "finished"]);
    await client.until(() => client.of(number)[0]);
    const disposed = node[Symbol.asyncDispose]();
    await until(
      "it says that it drains",
      async () => (await statesOf()).includes("draining"),
    );
    folder.open("gate");
    await disposed;
    assertEquals(await soon("its end", client.result(number)), "finished");
    const states = await statesOf();
    assertEquals(new Set(states), new Set(["serving", "draining", "gone"]));
    assertEquals(states.at(-1), "gone");
  },
);

redisTest(
  "serve() refuses a task also where whoever is told of that throws",
  async ({ url, queue }) => {
    const errors: unknown[] = [];
    const onError = (event: ErrorEvent) => {
      event.preventDefault();
      errors.push(event.error);
    };
    globalThis.addEventListener("error", onError);
    try {
      await using client = await HandClient.open(url, queue, "another key");
      await using _ = await serve({
        url,
        queue,
        ...THREAD,
        onRefusal: () => {
          throw "mine";
        },
      });
      const number = await client.put(() => 1, [], { retries: 1 });
      const { reason } = await soon("the refusal", client.end(number));
      assertStringIncludes(reason, "its signature does not match");
      await client.finished();
    } finally {
      globalThis.removeEventListener("error", onError);
    }
    assertEquals(errors, ["mine"]);
  },
);

redisTest(
  "serve() finishes what it has when it drains, and leaves the rest to others",
  async ({ url, queue }) => {
    using folder = new Folder();
    await using client = await HandClient.open(url, queue, KEY);
    const first = await serve({ url, queue, ...THREAD });
    const running = await client.put(throughGate, [folder.file("gate"), 1]);
    await client.until(() => client.of(running)[0]);
    const drained = first.drain();
    const next = await client.put(() => 2);
    folder.open("gate");
    await drained;

    await client.result(running);
    assertEquals(client.of(next), []);
    assertEquals(first.stats().state, "gone");
    await using _ = await serve({ url, queue, ...THREAD });
    assertEquals(await client.result(next), 2);
    await client.finished();
  },
);

redisTest(
  "serve() puts back what has not ended in time, without a failed attempt",
  async ({ url, queue }) => {
    await using client = await HandClient.open(url, queue, KEY);
    const first = await serve({ url, queue, ...THREAD });
    // Ends at the second node only.
    const number = await client.put(
      (first: string) =>
        current.worker.name.startsWith(first)
          ? new Promise<string>((_, reject) => {
            current.signal.addEventListener("abort", () => reject(1));
          })
          : "done",
      [first.id],
    );
    await client.until(() => client.of(number)[0]);
    await first.drain({ timeout: 0 });
    await using second = await serve({ url, queue, ...THREAD });

    assertEquals(await client.result(number), "done");
    const { run, node } = await client.end(number);
    assertEquals([run, node], [2, second.id]);
    await client.finished();
  },
);

redisTest("serve() drains until its signal aborts", async ({ url, queue }) => {
  await using client = await HandClient.open(url, queue, KEY);
  const node = await serve({ url, queue, ...THREAD });
  const number = await client.put(() => new Promise(() => {}));
  await client.until(() => client.of(number)[0]);
  const controller = new AbortController();
  const drained = node.drain({ signal: controller.signal });
  controller.abort("no time");

  assertEquals(await drained.catch((it) => it), "no time");
  assertEquals(node.stats().state, "gone");
  // Also one that had aborted before.
  await using other = await serve({ url, queue, ...THREAD });
  await until("it runs there", () => other.stats().running === 1);
  const { signal } = controller;
  const error = await soon(
    "its end",
    other.drain({ signal }).catch((it) => it),
  );
  assertEquals(error, "no time");
  assertEquals(await client.queue.getJobCountByTypes("prioritized"), 1);
});

redisTest(
  "serve() runs what waits beside what computes, with 'auto'",
  async ({ url, queue }) => {
    await using client = await HandClient.open(url, queue, KEY);
    await using _ = await serve({
      url,
      queue,
      authKey: KEY,
      backend: "auto",
      maxWorkers: 1,
    });
    using folder = new Folder();
    // A failure is no hang.
    using _gate = { [Symbol.dispose]: () => folder.open("gate") };
    const wait = async (gate: string) => {
      while (true) {
        try {
          await Deno.stat(gate);
          return current.worker.kind;
        } catch {
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      }
    };
    const numbers: number[] = [];
    for (let i = 0; i < 20; i++) {
      numbers.push(
        await client.put(wait, [folder.file("gate")], { kind: "io" }),
      );
    }
    const computes = await client.put(() => current.worker.kind);

    assertEquals(await soon("its end", client.result(computes)), "process");
    // All of them begin before one ends.
    await soon(
      "they wait",
      client.until(() =>
        numbers.every((it) => client.of(it).length > 0) || undefined
      ),
    );
    folder.open("gate");
    for (const number of numbers) {
      assertEquals(await client.result(number), "thread");
    }
  },
);

redisTest(
  "serve() gives permissions to what waits too, with 'auto'",
  async ({ url, queue }) => {
    await using client = await HandClient.open(url, queue, KEY);
    await using _ = await serve({
      url,
      queue,
      authKey: KEY,
      backend: "auto",
      maxWorkers: 1,
      permissions: { env: false },
    });
    const mayRead = () =>
      Deno.permissions.querySync({ name: "env" }).state === "granted";
    const number = await client.put(mayRead, [], { kind: "io" });

    assertEquals(await client.result(number), false);
  },
);

redisServerTest("serve() goes on after a restart of Redis, and answers then", {
  appendOnly: true,
}, async ({ server, url, queue }) => {
  using folder = new Folder();
  await using client = await HandClient.open(url, queue, KEY);
  await using _ = await serve({ url, queue, ...THREAD });
  // A failure is no hang.
  using _gate = { [Symbol.dispose]: () => folder.open("gate") };
  const gate = folder.file("gate");
  const number = await client.put(throughGate, [gate, "late"]);
  await client.until(() => client.of(number)[0]);
  await server.stop();
  // There is nobody whom it could tell.
  folder.open("gate");
  await server.restart();

  assertEquals(await client.result(number), "late");
  assertEquals(await client.result(await client.put(() => 2)), 2);
});

redisServerTest(
  "serve() ends also where Redis is gone",
  {},
  async ({ server, url, queue }) => {
    const node = await serve({ url, queue, ...THREAD });
    await server.stop();
    await node.terminate();

    assertEquals(node.stats().state, "gone");
  },
);

redisServerTest(
  "serve() puts back what it has also where Redis takes some time to hear of it",
  {},
  async ({ server, url, queue }) => {
    await using client = await HandClient.open(url, queue, KEY);
    const node = await serve({ url, queue, ...THREAD });
    const number = await client.put(() => new Promise(() => {}));
    await client.until(() => client.of(number)[0]);
    // As where it, or the node, gets no core.
    await server.command("CLIENT", "PAUSE", 2_500, "ALL");
    await node.terminate();

    assertEquals(await client.queue.getJobCountByTypes("prioritized"), 1);
  },
);

redisServerTest(
  "serve() tries again where Redis refuses an answer",
  {},
  async ({ server, url, queue }) => {
    using folder = new Folder();
    await using client = await HandClient.open(url, queue, KEY);
    const errors: unknown[] = [];
    const refused = Promise.withResolvers<void>();
    await using _ = await serve({
      url,
      queue,
      ...THREAD,
      onError: (error) => {
        errors.push(error);
        refused.resolve();
      },
    });
    // A failure is no hang.
    using _gate = { [Symbol.dispose]: () => folder.open("gate") };
    const gate = folder.file("gate");
    const number = await client.put(throughGate, [gate, "kept"]);
    await client.until(() => client.of(number)[0]);
    await server.command("CONFIG", "SET", "maxmemory", "1");
    folder.open("gate");
    await refused.promise;
    await server.command("CONFIG", "SET", "maxmemory", "0");

    assertEquals(await client.result(number), "kept");
    assertStringIncludes(`${errors[0]}`, "OOM");
  },
);
