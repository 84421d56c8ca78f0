// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals, assertObjectMatch, assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";
import { Queue } from "bullmq";
import {
  CancelledError,
  InvalidStateError,
  SerializationError,
  WorkerCrashedError,
} from "../../_internal/base/errors.ts";
import { networkBackend } from "../../_internal/pool/backend.ts";
import { ByteWriter } from "../../_internal/wire/bytes.ts";
import { encodeValue } from "../../_internal/wire/codec.ts";
import type { HeaderOf } from "../../_internal/wire/messages.ts";
import {
  readRelayRequest,
  Relay,
  type RelayAnswer,
  writeRelay,
} from "../../_internal/wire/relay_messages.ts";
import { BrokerScheduler } from "../../distributed/_broker_scheduler.ts";
import {
  type Answer,
  FIELD,
  Keys,
  places,
  readControl,
  writeAnswers,
} from "../../distributed/_protocol.ts";
import {
  createRedis,
  openRedis,
  parseRedis,
  type Redis,
} from "../../distributed/_redis.ts";
import { Seal } from "../../distributed/_seal.ts";
import { DistributedExecutor } from "../../distributed/distributed_executor.ts";
import { task } from "../../futures/mod.ts";
import { submitFuture } from "../../futures/_executor_core.ts";
import { soon, until } from "../_suites/_helpers.ts";
import { redisTest } from "./_redis.ts";

/** A node made by hand: it says what it likes. */
class HandNode implements AsyncDisposable {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly #queue: Queue;

  private constructor(redis: Redis, queue: string) {
    this.redis = redis;
    this.keys = new Keys(queue);
    // deno-lint-ignore no-explicit-any -- BullMQ's types are of an older ioredis
    this.#queue = new Queue(queue, { connection: redis as any });
  }

  static async open(url: string, queue: string): Promise<HandNode> {
    const settings = parseRedis("test", { url, queue });
    const redis = createRedis(settings);
    await openRedis(redis, settings, "test");
    return new HandNode(redis, queue);
  }

  /** Forgets all jobs. */
  async clear(): Promise<void> {
    await this.#queue.obliterate({ force: true });
  }

  /** Loses all jobs, and all connections but this one, as a Redis that was killed. */
  async lose(): Promise<void> {
    await this.clear();
    await this.hangUp();
  }

  /** Loses what nodes were told, and all connections but this one. */
  async loseControls(): Promise<void> {
    await this.redis.del(this.keys.control);
    await this.hangUp();
  }

  async hangUp(): Promise<void> {
    const all = ["TYPE", "normal", "SKIPME", "yes"];
    await this.redis.call("CLIENT", "KILL", ...all);
  }

  /** Has so many jobs, as BullMQ sees it; returns who has submitted them. */
  async take(count: number): Promise<string> {
    for (;;) {
      const jobs = await this.#queue.getPrioritized();
      if (jobs.length === count) {
        for (const { id } of jobs) {
          await this.redis.set(this.#queue.toKey(`${id}:lock`), "hand made");
        }
        return jobs[0]!.id!.replace(/-\d+$/, "");
      }
    }
  }

  /** How BullMQ is to run the jobs that are in the queue. */
  async options(): Promise<unknown[]> {
    return (await this.#queue.getPrioritized()).map(({ opts, name }) => ({
      ...opts,
      name,
    }));
  }

  /** Jobs in the queue, those that were taken included. */
  async waiting(): Promise<number> {
    return (await this.#queue.getPrioritized()).length;
  }

  async say(
    client: string,
    answers: readonly (Omit<Answer, "run" | "reason"> & { run?: number })[],
    seal = new Seal(undefined),
  ): Promise<void> {
    const { queue } = this.keys;
    const body = writeAnswers({
      node: "hand made",
      answers: answers.map((it) => ({ run: 1, ...it, reason: "" })),
    });
    const message = seal.close(places.answers(queue, client), body);
    await this.redis.xadd(
      this.keys.answers(client),
      "*",
      FIELD,
      Buffer.from(message),
    );
  }

  /** What executors have told the nodes. */
  async heard(): Promise<number[]> {
    const entries = await this.redis.xrangeBuffer(this.keys.control, "-", "+");
    return entries.map(([, [, message]]) => {
      const { message: request } = readControl(Seal.bodyOf(message!));
      return readRelayRequest(request).tag;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queue.close();
    await this.redis.quit();
  }
}

function answer(header: HeaderOf<RelayAnswer>, value?: unknown): Uint8Array {
  const w = new ByteWriter();
  writeRelay(w, header);
  if (value !== undefined) {
    encodeValue(w, value, { root: "value", modules: new Set() });
  }
  return w.bytes();
}

redisTest(
  "BrokerScheduler fails the task of a malformed answer, and no other",
  async ({ url, queue }) => {
    await using node = await HandNode.open(url, queue);
    await using executor = new DistributedExecutor({ url, queue });
    const [a, b] = [executor.submit(() => 1), executor.submit(() => 2)];
    const client = await node.take(2);
    const done = answer({ tag: Relay.done, ticket: 0, time: 0 }, "b");
    const failed = assertRejects(
      () => a,
      SerializationError,
      "it is malformed",
    );
    await node.say(client, [
      { number: 1, place: 1, message: new Uint8Array([Relay.done]) },
      { number: 2, place: 1, message: done },
    ]);
    await failed;
    assertEquals<unknown>(await b, "b");
  },
);

redisTest(
  "BrokerScheduler hears nothing but refusals from who does not sign, where it has a key",
  async ({ url, queue }) => {
    await using node = await HandNode.open(url, queue);
    const authKey = "the key";
    await using executor = new DistributedExecutor({ url, queue, authKey });
    const future = executor.submit(() => 1);
    const client = await node.take(1);
    const done = (value: string) => [{
      number: 1,
      place: 1,
      message: answer({ tag: Relay.done, ticket: 0, time: 0 }, value),
    }];
    const key = (text: string) => new Seal(new TextEncoder().encode(text));
    await node.say(client, done("of nobody"));
    await node.say(client, done("of another key"), key("another key"));
    // Signed for somebody else, and copied.
    await node.say("somebody", done("for somebody"), key(authKey));
    const [entry] = await node.redis.xrangeBuffer(
      node.keys.answers("somebody"),
      "-",
      "+",
    );
    await node.redis.xadd(
      node.keys.answers(client),
      "*",
      FIELD,
      entry![1][1]!,
    );
    await node.say(client, done("signed"), key(authKey));
    assertEquals<unknown>(await future, "signed");
  },
);

redisTest(
  "BrokerScheduler.ready() rejects when the executor ends before there is a node",
  async ({ url, queue }) => {
    await using node = await HandNode.open(url, queue);
    const connected = new DistributedExecutor({ url, queue });
    connected.submit(() => 1).catch(() => {});
    await node.take(1);
    const connecting = new DistributedExecutor({ url, queue });
    for (const executor of [connected, connecting]) {
      const ready = assertRejects(
        () => executor.ready(),
        InvalidStateError,
        "Cannot start an executor: the executor was shut down",
      );
      await executor.shutdown({ cancelFutures: true });
      await ready;
    }
  },
);

redisTest(
  "BrokerScheduler ends a stream of which a part was lost, and has its node stop",
  async ({ url, queue }) => {
    await using node = await HandNode.open(url, queue);
    await using executor = new DistributedExecutor({ url, queue });
    const values = executor.stream(function* () {
      yield 0;
    });
    const first = values.next();
    const client = await node.take(1);
    const item = (place: number) => ({
      number: 1,
      place,
      message: answer({ tag: Relay.item, ticket: 0 }, place),
    });
    const begun = answer({ tag: Relay.begun, ticket: 0 });
    await node.say(client, [{ number: 1, place: 1, message: begun }, item(2)]);
    assertEquals<unknown>(await first, { done: false, value: 2 });
    // The second time it is known.
    await node.say(client, [item(2), item(4)]);
    await assertRejects(
      () => values.next(),
      InvalidStateError,
      "Redis has lost a part of it",
    );
    while (!(await node.heard()).includes(Relay.cancel));
    await until(
      "nothing of it stays for ever",
      async () => await node.redis.pttl(node.keys.control) > 0,
    );
  },
);

redisTest(
  "BrokerScheduler goes on with a generator that is run again, until a value of it was taken",
  async ({ url, queue }) => {
    await using node = await HandNode.open(url, queue);
    await using executor = new DistributedExecutor({ url, queue });
    const values = executor.stream(function* () {
      yield "";
    });
    const first = values.next();
    const client = await node.take(1);
    const begun = answer({ tag: Relay.begun, ticket: 0 });
    const item = (text: string) => answer({ tag: Relay.item, ticket: 0 }, text);
    await node.say(client, [
      { number: 1, run: 1, place: 1, message: begun },
      { number: 1, run: 2, place: 1, message: begun },
      { number: 1, run: 1, place: 2, message: item("too late") },
      { number: 1, run: 2, place: 2, message: item("taken") },
    ]);
    assertEquals(await first, { done: false, value: "taken" });
    assertEquals((await node.heard()).includes(Relay.cancel), false);

    await node.say(client, [{ number: 1, run: 3, place: 1, message: begun }]);
    const error = await assertRejects(
      () => values.next(),
      WorkerCrashedError,
      "its node was lost, and values were taken already",
    );
    assertEquals(error.worker, "hand made");
    const cancels = (count: number) =>
      until(
        `${count} cancels`,
        async () =>
          (await node.heard()).filter((it) => it === Relay.cancel).length ===
            count,
      );
    await cancels(1);
    // Whoever begins with it now is told to stop.
    await node.say(client, [{ number: 1, run: 4, place: 1, message: begun }]);
    await cancels(2);
  },
);

redisTest(
  "BrokerScheduler sends again what Redis has lost, and gives up the fourth time",
  async ({ url, queue }) => {
    await using node = await HandNode.open(url, queue);
    await using executor = new DistributedExecutor({ url, queue });
    const [a, b] = [executor.submit(() => 1), executor.submit(() => 2)];
    const client = await node.take(2);
    const begun = answer({ tag: Relay.begun, ticket: 0 });
    await node.say(client, [{ number: 2, run: 3, place: 5, message: begun }]);
    while (!b.running()) await node.redis.ping();
    await node.lose();
    assertEquals(await node.take(2), client);
    // Its runs are counted anew.
    const done = answer({ tag: Relay.done, ticket: 0, time: 0 }, "b");
    await node.say(client, [{ number: 2, place: 1, message: done }]);
    assertEquals<unknown>(await b, "b");
    for (let losses = 2; losses < 4; losses++) {
      await node.lose();
      await node.take(1);
    }
    const failed = assertRejects(
      () => a,
      InvalidStateError,
      "has lost it 4 times",
    );
    await node.lose();
    await failed;
  },
);

redisTest(
  "BrokerScheduler sends nothing again whose result is gone by now, and no stream",
  async ({ url, queue }) => {
    await using node = await HandNode.open(url, queue);
    await using hasty = new DistributedExecutor({ url, queue, resultTtl: 0 });
    const future = hasty.submit(() => 1);
    await node.take(1);
    const failed = assertRejects(
      () => future,
      InvalidStateError,
      "and results are kept for 0 ms",
    );
    await node.lose();
    await failed;

    await using executor = new DistributedExecutor({ url, queue });
    const values = executor.stream(function* () {
      yield 0;
    });
    const first = values.next();
    const client = await node.take(1);
    const begun = answer({ tag: Relay.begun, ticket: 0 });
    const item = answer({ tag: Relay.item, ticket: 0 }, 7);
    await node.say(client, [
      { number: 1, place: 1, message: begun },
      { number: 1, place: 2, message: item },
    ]);
    assertEquals<unknown>(await first, { done: false, value: 7 });
    await node.lose();
    await assertRejects(
      () => values.next(),
      InvalidStateError,
      "Redis has lost it",
    );
  },
);

redisTest(
  "BrokerScheduler hears no run that is older than the last one, and keeps nothing that it has read",
  async ({ url, queue }) => {
    await using node = await HandNode.open(url, queue);
    const executor = new DistributedExecutor({ url, queue });
    const future = executor.submit(() => 1);
    const client = await node.take(1);
    const done = (value: string) =>
      answer({ tag: Relay.done, ticket: 0, time: 0 }, value);
    const begun = answer({ tag: Relay.begun, ticket: 0 });
    await node.say(client, [
      { number: 1, run: 2, place: 1, message: begun },
      { number: 1, run: 1, place: 9, message: done("old") },
      { number: 1, run: 2, place: 2, message: done("new") },
    ]);
    assertEquals<unknown>(await future, "new");
    const key = node.keys.answers(client);
    while (await node.redis.xlen(key) > 0);
    await executor.shutdown();

    assertEquals(await node.redis.exists(key), 0);
  },
);

redisTest(
  "BrokerScheduler says again what was said of a job when a node begins with it",
  async ({ url, queue }) => {
    await using node = await HandNode.open(url, queue);
    await using executor = new DistributedExecutor({ url, queue });
    const controller = new AbortController();
    const future = executor.submit(
      (signal: AbortSignal) => signal.aborted,
      controller.signal,
    );
    const client = await node.take(1);
    const begun = answer({ tag: Relay.begun, ticket: 0 });
    const heard = (...tags: number[]) =>
      until(
        `${tags} are heard`,
        async () => `${await node.heard()}` === `${tags}`,
      );
    await node.say(client, [{ number: 1, place: 1, message: begun }]);
    await until("it runs", () => future.running());
    controller.abort("over");
    await heard(Relay.signal);
    assertEquals(future.cancel("why"), false);
    await heard(Relay.signal, Relay.cancel);
    await node.say(client, [{ number: 1, run: 2, place: 1, message: begun }]);
    await heard(Relay.signal, Relay.cancel, Relay.cancel, Relay.signal);
    const end = answer({ tag: Relay.cancelled, ticket: 0 }, "a copy");
    await node.say(client, [{ number: 1, run: 2, place: 2, message: end }]);
    const error = await assertRejects(() => future.result(), CancelledError);
    assertEquals(error.cause, "why");
  },
);

redisTest(
  "BrokerScheduler says again what was said of jobs that run when there is a connection again",
  async ({ url, queue }) => {
    await using node = await HandNode.open(url, queue);
    const executor = new DistributedExecutor({ url, queue });
    const future = executor.submit(() => 1);
    const values = executor.stream(function* () {
      yield 0;
    });
    const first = values.next();
    const client = await node.take(2);
    const begun = answer({ tag: Relay.begun, ticket: 0 });
    await node.say(client, [
      { number: 1, place: 1, message: begun },
      { number: 2, place: 1, message: begun },
      {
        number: 2,
        place: 2,
        message: answer({ tag: Relay.item, ticket: 0 }, 7),
      },
    ]);
    assertEquals<unknown>(await first, { done: false, value: 7 });
    const left = values.return!();
    future.cancel("why");
    const areHeard = () =>
      until("both are heard", async () => {
        const heard = await node.heard();
        return heard.includes(Relay.finish) && heard.includes(Relay.cancel);
      });
    await areHeard();
    await node.loseControls();
    await areHeard();
    await node.say(client, [{
      number: 2,
      place: 3,
      message: answer({ tag: Relay.cancelled, ticket: 0 }, "over"),
    }]);
    await left;
    await executor.terminate();
  },
);

redisTest(
  "BrokerScheduler looks now and then for what Redis has lost",
  async ({ url, queue }) => {
    await using node = await HandNode.open(url, queue);
    const scheduler = new BrokerScheduler({
      ...parseRedis("test", { url, queue }),
      authKey: undefined,
      resultTtl: 60_000,
      maxPayload: 1000,
      backoff: 1,
      reconnectTimeout: 60_000,
      lookInterval: 10,
    });
    const lane = { backend: networkBackend(), scheduler };
    const future = submitFuture(lane, () => 1, {}, []);
    await node.take(1);
    // The connections stay.
    await node.clear();
    const client = await soon("the second time", node.take(1));
    const done = answer({ tag: Relay.done, ticket: 0, time: 0 }, "found");
    await node.say(client, [{ number: 1, place: 1, message: done }]);

    assertEquals<unknown>(await future, "found");
    await scheduler.shutdown(false);
  },
);

redisTest(
  "BrokerScheduler says how jobs are to be run: higher priorities first, one run more than retries",
  async ({ url, queue }) => {
    await using node = await HandNode.open(url, queue);
    const executor = new DistributedExecutor({ url, queue, backoff: 7 });
    const tasks = [
      task(() => 1, { name: "high", priority: 2, retries: 1 }),
      task(() => 2, { name: "low", priority: -2, retries: Infinity }),
      task(() => 3, { name: "middle" }),
    ];
    for (const it of tasks) executor.submit(it).catch(() => {});
    await node.take(3);
    const options = await node.options();
    await executor.terminate();

    const same = {
      backoff: { type: "exponential", delay: 7 },
      removeOnComplete: true,
      removeOnFail: true,
    };
    const own = [
      { name: "high", priority: 2 ** 20 - 2, attempts: 2 },
      { name: "middle", priority: 2 ** 20, attempts: 1 },
      { name: "low", priority: 2 ** 20 + 2, attempts: 2 ** 31 - 1 },
    ];
    for (const [at, it] of own.entries()) {
      assertObjectMatch(options[at] as object, { ...same, ...it });
    }
  },
);

redisTest(
  "BrokerScheduler says nothing of the signals of a job that is over, and counts what is told at once",
  async ({ url, queue }) => {
    await using node = await HandNode.open(url, queue);
    await using executor = new DistributedExecutor({ url, queue });
    const controller = new AbortController();
    const future = executor.submit(
      (signal: AbortSignal) => signal.aborted,
      controller.signal,
    );
    const other = executor.submit(() => 1);
    const client = await node.take(2);
    // That it has begun was not told: it ended at once.
    const done = answer({ tag: Relay.done, ticket: 0, time: 5 }, "end");
    await node.say(client, [{ number: 1, place: 1, message: done }]);
    assertEquals<unknown>(await future, "end");
    const { runTime, waitTime } = executor.stats();
    assertEquals([runTime.max, waitTime.max > 0], [5, true]);
    controller.abort();
    const begun = answer({ tag: Relay.begun, ticket: 0 });
    await node.say(client, [{ number: 2, place: 1, message: begun }]);
    await until("the other one runs", () => other.running());
    other.cancel("why");
    await until("it is heard", async () => (await node.heard()).length > 0);
    assertEquals(await node.heard(), [Relay.cancel]);
    const end = answer({ tag: Relay.cancelled, ticket: 0 }, "a copy");
    await node.say(client, [{ number: 2, place: 2, message: end }]);
    await assertRejects(() => other.result(), CancelledError);
  },
);

redisTest(
  "BrokerScheduler takes back what was cancelled on its way into the queue",
  async ({ url, queue }) => {
    await using node = await HandNode.open(url, queue);
    const executor = new DistributedExecutor({ url, queue });
    // There is a connection from then on.
    const first = executor.submit(() => 0);
    await node.take(1);
    for (let turns = 0; turns < 30; turns++) {
      const future = executor.submit(() => turns);
      for (let i = 0; i < turns; i++) await Promise.resolve();
      assertEquals(future.cancel(), true);
    }
    first.cancel();
    await executor.shutdown();
    // It is with a node, which was told.
    assertEquals(await node.waiting(), 1);
    assertEquals(await node.heard(), [Relay.cancel]);
  },
);

redisTest(
  "BrokerScheduler tells why a job is stopped that has begun before it could be taken back",
  async ({ url, queue }) => {
    await using node = await HandNode.open(url, queue);
    const executor = new DistributedExecutor({ url, queue });
    const future = executor.submit(() => 1);
    const client = await node.take(1);
    const { remove } = Queue.prototype;
    const isHeard = Promise.withResolvers<void>();
    Queue.prototype.remove = async function (...args) {
      await isHeard.promise;
      return await remove.apply(this, args);
    };
    try {
      assertEquals(future.cancel("why"), true);
      const begun = answer({ tag: Relay.begun, ticket: 0 });
      await node.say(client, [{ number: 1, place: 1, message: begun }]);
      const key = node.keys.answers(client);
      await until("it is read", async () => await node.redis.xlen(key) === 0);
    } finally {
      isHeard.resolve();
      Queue.prototype.remove = remove;
    }
    await executor.shutdown();

    // Not that it has settled, which is heard of as late.
    assertEquals(await node.heard(), [Relay.cancel]);
  },
);

redisTest(
  "BrokerScheduler.terminate() takes back what waits and has nodes stop what runs",
  async ({ url, queue }) => {
    await using node = await HandNode.open(url, queue);
    const executor = new DistributedExecutor({ url, queue });
    const futures = [executor.submit(() => 1)];
    const client = await node.take(1);
    const begun = answer({ tag: Relay.begun, ticket: 0 });
    await node.say(client, [{ number: 1, place: 1, message: begun }]);
    await until("it runs", () => futures[0]!.running());
    futures.push(executor.submit(() => 2), executor.submit(() => 3));
    await until("they wait", async () => await node.waiting() === 3);
    await executor.terminate();
    for (const future of futures) assertEquals(future.cancelled(), true);
    assertEquals(await node.waiting(), 1);
    assertEquals(await node.heard(), [Relay.cancel]);
  },
);

redisTest(
  "BrokerScheduler refuses priorities that BullMQ does not have",
  async ({ url, queue }) => {
    await using executor = new DistributedExecutor({ url, queue });
    for (const priority of [0.5, 2 ** 20, -(2 ** 20), Infinity]) {
      await assertRejects(
        async () => await executor.submit(task(() => 1, { priority })),
        RangeError,
        "'priority' must be",
      );
    }
  },
);
