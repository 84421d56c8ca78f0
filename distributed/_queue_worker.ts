// Copyright 2026 the @concurrent/parallel authors. MIT license.

// BullMQ's worker, with patience and an end:
//
// - where Redis answers that it will not hand out a job now (no memory, a
//   replica, it loads its data), the next attempt waits; BullMQ's own loop asks
//   again at once;
// - where a job comes back while it still runs here (its lock had run out, for
//   this program did not run for that long), the end of the first run does not
//   take the lock of the second one away;
// - jobs begin in the order of the queue: they come in two ways (`_slots.ts`), of
//   which each could overtake the other on its way through BullMQ. So the loop
//   asks when those that end have what they asked for, and they when it has;
// - closing ends also where Redis is not there and nobody waits for it any more.

import { setImmediate } from "node:timers";
import { type Processor, Worker } from "bullmq";
import { after } from "../_internal/base/deadline.ts";
import { closeRedis, type Redis } from "./_redis.ts";
import type { QueueJob } from "./_run.ts";

/** How it is set up. */
export interface QueueWorkerOptions {
  readonly redis: Redis;
  readonly queue: string;
  readonly name: string;
  /** Milliseconds after which a job whose node says nothing is somebody else's. */
  readonly lockDuration: number;
  readonly process: (job: QueueJob, token: string) => Promise<void>;
  readonly onError: (error: unknown) => void;
  /** True where a job runs here. */
  readonly isRunning: (id: string) => boolean;
  /** Others have these jobs now. */
  readonly onLost: (ids: string[]) => void;
  /** The queue has no job. */
  readonly onEmpty: () => void;
}

/**
 * Seconds for which BullMQ waits for a job at a time. A job that is to run again
 * may wait for as long beyond its time: BullMQ forgets what it waits for where it
 * is told of that while another job ends.
 */
const WAIT = 0.5;
/** Milliseconds between two attempts of what the connection did not let through. */
const RETRY_DELAY = 250;
const FIRST_PAUSE = 20;
const LONGEST_PAUSE = 2000;
/** Milliseconds that an end may take which nobody waits for any more. */
const END_TIME = 1000;

/** Takes jobs of a queue. */
export class QueueWorker extends Worker<unknown, void, string> {
  readonly #options: QueueWorkerOptions;
  /** While the loop fetches a job: resolves when it has it. */
  #fetching: Promise<void> | undefined;
  /** Of the jobs that end, and fetch others with that, by their tokens: resolve when they have. */
  readonly #ending = new Map<string, PromiseWithResolvers<void>>();
  #pause = 0;
  #resume = () => {};
  /** BullMQ's own connection, which waits for jobs. */
  #blocking: Redis | undefined;

  constructor(options: QueueWorkerOptions) {
    const { redis, queue, name, lockDuration, process, onError } = options;
    const processor: Processor<unknown, void, string> = async (job, token) => {
      try {
        await process(job, token!);
      } finally {
        while (this.#fetching !== undefined) await this.#fetching;
        this.#ending.set(token!, Promise.withResolvers());
      }
    };
    super(queue, processor, {
      // deno-lint-ignore no-explicit-any -- BullMQ's types are of an older ioredis
      connection: redis as any,
      name,
      autorun: false,
      concurrency: 1,
      drainDelay: WAIT,
      lockDuration,
      stalledInterval: lockDuration / 2,
      // A job that loses its nodes is failed by the one that takes it over: the
      // client hears of it there, and only there.
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      runRetryDelay: RETRY_DELAY,
    });
    this.#options = options;
    this.on("error", onError);
    this.on("lockRenewalFailed", options.onLost);
    this.on("drained", options.onEmpty);
  }

  /** Begins to take jobs. */
  async start(): Promise<void> {
    await this.waitUntilReady();
    this.#blocking = await this.getBackend().blockingClient as unknown as Redis;
    this.run().catch((error) => this.emit("error", error));
  }

  /** Takes nothing new; resolves when what it has is finished, or at `isOver`. */
  async finish(isOver: Promise<void>): Promise<void> {
    this.#resume();
    const closed = this.close();
    await Promise.race([closed, isOver]);
  }

  /** Its connections end now. */
  async abandon(): Promise<void> {
    if (this.#blocking !== undefined) await closeRedis(this.#blocking);
    const closed = this.close(true);
    let disarm = () => {};
    const late = new Promise<void>((resolve) => {
      disarm = after(END_TIME, resolve);
    });
    await Promise.race([closed, late]);
    disarm();
  }

  override processJob(
    job: QueueJob,
    token: string,
    fetchNext: () => boolean = () => true,
  ): Promise<void | QueueJob> {
    const { id } = job;
    const isTwin = this.#options.isRunning(id!);
    const processed = this.#process(job, token, fetchNext);
    if (isTwin) {
      const { lockDuration } = this.#options;
      // Its lock is due at once, and for as long as it runs.
      const timer = setInterval(() => {
        this.lockManager.trackJob(id!, token, Date.now() - lockDuration);
      }, lockDuration / 4);
      void processed.finally(() => clearInterval(timer));
    }
    return processed;
  }

  // The check for jobs of lost nodes, where Redis refuses it.
  override checkConnectionError<T>(
    fn: () => Promise<T>,
  ): Promise<T | undefined> {
    return super.checkConnectionError(fn, RETRY_DELAY);
  }

  protected override async moveToActive(
    token: string,
    name?: string,
  ): Promise<QueueJob> {
    // Of one that ends, and goes to somebody else: it has waited for the loop.
    if (this.#ending.has(token)) return await super.moveToActive(token, name);
    const before = Array.from(this.#ending.values(), (it) => it.promise);
    const fetched = Promise.withResolvers<void>();
    this.#fetching = fetched.promise;
    const done = () => {
      // By now the loop may fetch the next one.
      if (this.#fetching === fetched.promise) this.#fetching = undefined;
      fetched.resolve();
    };
    try {
      await Promise.all(before);
      const job = await super.moveToActive(token, name);
      // It has some promises before it.
      setImmediate(done);
      this.#pause = 0;
      return job;
    } catch (error) {
      done();
      this.#pause = Math.min(
        Math.max(this.#pause * 2, FIRST_PAUSE),
        LONGEST_PAUSE,
      );
      await new Promise<void>((resolve) => {
        const disarm = after(this.#pause, resolve);
        this.#resume = () => {
          disarm();
          resolve();
        };
      });
      throw error;
    }
  }

  async #process(
    job: QueueJob,
    token: string,
    fetchNext?: () => boolean,
  ): Promise<void | QueueJob> {
    try {
      return await super.processJob(job, token, fetchNext);
    } finally {
      this.#ending.get(token)?.resolve();
      this.#ending.delete(token);
    }
  }
}
