// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals } from "@std/assert";
import { Queue, WaitingError, Worker } from "bullmq";
import {
  QueueWorker,
  type QueueWorkerOptions,
} from "../../distributed/_queue_worker.ts";
import {
  closeRedis,
  createRedis,
  openRedis,
  parseRedis,
  type Redis,
} from "../../distributed/_redis.ts";
import { soon, until } from "../_suites/_helpers.ts";
import { redisTest } from "./_redis.ts";

/** What a worker asks BullMQ's backend for. */
interface Backend {
  moveToActive(...args: unknown[]): Promise<unknown>;
  moveToCompleted(...args: unknown[]): Promise<unknown>;
  moveStalledJobsToWait(...args: unknown[]): Promise<unknown>;
}

/** A worker whose jobs do nothing, each until it is told to end. */
class Bench implements AsyncDisposable {
  readonly redis: Redis;
  readonly queue: Queue;
  readonly worker: QueueWorker;
  /** The runs, by the names of their jobs, in the order in which they began. */
  readonly begun: string[] = [];
  /** How many times their nodes had been lost. */
  readonly losses: number[] = [];
  readonly #ends: PromiseWithResolvers<void>[] = [];
  #isOver = false;

  private constructor(
    redis: Redis,
    queue: string,
    options: Partial<QueueWorkerOptions>,
  ) {
    this.redis = redis;
    // deno-lint-ignore no-explicit-any -- BullMQ's types are of an older ioredis
    this.queue = new Queue(queue, { connection: redis as any });
    this.worker = new QueueWorker({
      redis,
      queue,
      name: "bench",
      lockDuration: 10_000,
      process: async ({ name, stalledCounter }) => {
        const end = Promise.withResolvers<void>();
        this.#ends.push(end);
        this.begun.push(name);
        this.losses.push(stalledCounter);
        if (!this.#isOver) await end.promise;
      },
      onError: () => {},
      isRunning: () => false,
      onLost: () => {},
      onEmpty: () => {},
      ...options,
    });
  }

  static async open(
    url: string,
    queue: string,
    options: Partial<QueueWorkerOptions> = {},
  ): Promise<Bench> {
    const settings = parseRedis("test", { url, queue });
    const redis = createRedis(settings);
    await openRedis(redis, settings, "test");
    return new Bench(redis, queue, options);
  }

  async add(...names: string[]): Promise<void> {
    const opts = { removeOnComplete: true, priority: 1 };
    await this.queue.addBulk(
      names.map((name) => ({ name, data: "", opts: { ...opts, jobId: name } })),
    );
  }

  /** Ends a run, by its number. */
  end(run: number, error?: unknown): void {
    if (error === undefined) this.#ends[run]!.resolve();
    else this.#ends[run]!.reject(error);
  }

  async runs(count: number): Promise<void> {
    await soon(`run ${count}`, until("it", () => this.begun.length >= count));
  }

  get backend(): Backend {
    return this.worker.getBackend() as unknown as Backend;
  }

  /** Keeps what Redis answers when it is asked so for the n-th time from now, until it is let go. */
  hold(
    command: keyof Backend,
    count: number,
  ): { readonly isHeld: Promise<void>; letGo(): void } {
    const { backend } = this;
    const ask = backend[command].bind(backend);
    const held = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    backend[command] = async (...args) => {
      const isLast = --count === 0;
      const reply = await ask(...args);
      if (isLast) {
        held.resolve();
        await goOn.promise;
      }
      return reply;
    };
    return {
      isHeld: soon("the answer", held.promise),
      letGo: goOn.resolve,
    };
  }

  /** Gives what does not wait the time to go on. */
  async pass(): Promise<void> {
    for (let i = 0; i < 20; i++) await this.redis.ping();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    for (const { resolve } of this.#ends) resolve();
    await soon("its end", this.worker.finish(new Promise(() => {})));
    await this.worker.abandon();
    await this.queue.close();
    await closeRedis(this.redis);
  }
}

redisTest(
  "QueueWorker goes on when a job has ended that is somebody else's by now",
  async ({ url, queue }) => {
    await using bench = await Bench.open(url, queue);
    await bench.add("a", "b", "c");
    await bench.worker.start();
    await bench.runs(1);
    // It fetches the next one, which is not the way of those that are done.
    bench.end(0, new WaitingError());
    await bench.runs(2);
    bench.end(1);
    await bench.runs(3);

    assertEquals(bench.begun, ["a", "b", "c"]);
  },
);

redisTest(
  "QueueWorker begins nothing that ends of others have fetched before what its loop fetches",
  async ({ url, queue }) => {
    await using bench = await Bench.open(url, queue);
    const { worker } = bench;
    const names = [..."abcdefgh"];
    await bench.add(...names);
    worker.concurrency = 2;
    await worker.start();
    await bench.runs(2);
    // The loop gets one, and is about to get another one behind it.
    worker.concurrency = 4;
    const { isHeld, letGo } = bench.hold("moveToActive", 2);
    bench.end(0);
    await isHeld;
    // This one could get the next one meanwhile.
    bench.end(1);
    await bench.pass();
    letGo();
    await bench.runs(6);

    assertEquals(bench.begun, names.slice(0, bench.begun.length));
  },
);

redisTest(
  "QueueWorker begins nothing that its loop has fetched before what ends of others fetch",
  async ({ url, queue }) => {
    await using bench = await Bench.open(url, queue);
    const { worker } = bench;
    const names = [..."abcdef"];
    await bench.add(...names);
    worker.concurrency = 2;
    await worker.start();
    await bench.runs(2);
    const { isHeld, letGo } = bench.hold("moveToCompleted", 1);
    bench.end(0);
    await isHeld;
    // This one gets none itself, and then there is room for more.
    worker.concurrency = 1;
    worker.once("completed", () => worker.concurrency = 4);
    bench.end(1);
    await bench.pass();
    letGo();
    await bench.runs(4);

    assertEquals(bench.begun, names.slice(0, bench.begun.length));
  },
);

redisTest(
  "QueueWorker keeps the lock of a run while an older one of the same job ends",
  async ({ url, queue }) => {
    const running = { isTwice: false };
    await using bench = await Bench.open(url, queue, {
      isRunning: () => running.isTwice,
    });
    const { queue: jobs, redis } = bench;
    await bench.add("a");
    bench.worker.concurrency = 2;
    await bench.worker.start();
    await bench.runs(1);
    running.isTwice = true;
    // As where this program has not run for so long.
    const lock = jobs.toKey("a:lock");
    await redis.del(lock);
    for (let looks = 0; looks < 2; looks++) {
      await redis.del(jobs.toKey("stalled-check"));
      await bench.backend.moveStalledJobsToWait();
    }
    await bench.runs(2);
    bench.end(0, new WaitingError());
    let left = await redis.pttl(lock);
    await until("its lock is prolonged, or lost", async () => {
      const before = left;
      left = await redis.pttl(lock);
      // One that is lost is made anew for the next run.
      return 0 < before && before < left || bench.begun.length > 2;
    });

    assertEquals(bench.begun, ["a", "a"]);
  },
);

redisTest(
  "QueueWorker takes a job over however often its node was lost",
  async ({ url, queue }) => {
    await using bench = await Bench.open(url, queue, { lockDuration: 2_000 });
    await bench.add("a");
    const lost = new Worker(queue, null, {
      // deno-lint-ignore no-explicit-any -- BullMQ's types are of an older ioredis
      connection: bench.redis as any,
      autorun: false,
    });
    await lost.getNextJob("token", { block: false });
    await bench.redis.del(bench.queue.toKey("a:lock"));
    await bench.redis.hset(bench.queue.toKey("a"), "stc", 5);
    await bench.worker.start();
    await bench.runs(1);

    assertEquals(bench.losses, [6]);
    await lost.close(true);
  },
);

redisTest(
  "QueueWorker waits longer each time that Redis hands out no job",
  async ({ url, queue }) => {
    const errors: unknown[] = [];
    const onError = (error: unknown) => errors.push(error);
    await using bench = await Bench.open(url, queue, { onError });
    const { backend } = bench;
    const moveToActive = backend.moveToActive.bind(backend);
    const times: number[] = [];
    backend.moveToActive = async (...args) => {
      times.push(performance.now());
      if (times.length <= 3) throw new RangeError("OOM");
      return await moveToActive(...args);
    };
    await bench.add("a");
    await bench.worker.start();
    await bench.runs(1);

    assertEquals(errors.length, 3);
    const pauses = times.slice(1, 4).map((time, i) => time - times[i]!);
    // Timers are a little early now and then.
    for (const [i, pause] of pauses.entries()) {
      assert(pause > 20 * 2 ** i - 2, `${pauses}`);
    }
  },
);

redisTest(
  "QueueWorker.finish() waits for what runs, or until nobody waits for it",
  async ({ url, queue }) => {
    const over = Promise.withResolvers<void>();
    const empty = Promise.withResolvers<void>();
    await using bench = await Bench.open(url, queue, {
      onEmpty: empty.resolve,
    });
    await bench.add("a");
    bench.worker.concurrency = 2;
    await bench.worker.start();
    await bench.runs(1);
    await soon("the queue is empty", empty.promise);
    let isFinished = false;
    const finished = bench.worker.finish(over.promise)
      .then(() => isFinished = true);
    await bench.pass();
    assertEquals(isFinished, false);
    over.resolve();
    await soon("its end", finished);
  },
);
