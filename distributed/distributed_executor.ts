// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * An executor whose workers are on other machines: {@linkcode DistributedExecutor}.
 *
 * @module
 */

import {
  checkDuration,
  checkObject,
  integerOption,
} from "../_internal/base/validation.ts";
import { byExportName } from "../_internal/wire/functions/describe.ts";
import { networkBackend } from "../_internal/pool/backend.ts";
import {
  checkTask,
  type Lane,
  STREAM,
  sumStats,
} from "../_internal/pool/lane.ts";
import {
  nextExecutorId,
  offerExecutor,
  withdrawExecutor,
} from "../_internal/pool/executor_services.ts";
import { checkMap } from "../_internal/pool/map_iterator.ts";
import { RelayScheduler } from "../_internal/pool/relay_scheduler.ts";
import {
  mapOver,
  shutdownLanes,
  submitFuture,
} from "../futures/_executor_core.ts";
import {
  type Handle,
  registerExecutor,
  rememberExecutor,
  takeHandle,
} from "../futures/_handles.ts";
import { streamOver } from "../futures/_stream.ts";
import type {
  Executor,
  ExecutorStats,
  MapOptions,
  ShutdownOptions,
  TaskFunction,
} from "../futures/executor.ts";
import type { Future } from "../futures/future.ts";
import { BrokerScheduler } from "./_broker_scheduler.ts";
import type { NodeStats } from "./_node_board.ts";
import { parseRedis } from "./_redis.ts";
import { parseAuthKey } from "./_seal.ts";

export type { NodeStats };

/** Where an executor finds its nodes, and what it sends them. */
export interface DistributedOptions extends MapOptions {
  /**
   * The Redis (or Valkey) server: `redis://host:port/db`, or `rediss://` over
   * TLS, with `user:password@` where it asks for them.
   *
   * @default {"redis://127.0.0.1:6379"}
   */
  url?: string | URL;
  /**
   * The name of the queue, without colons. Nodes serve one queue.
   *
   * @default {"parallel"}
   */
  queue?: string;
  /**
   * The secret that executors and nodes share: 32 random bytes, say. Without it
   * nodes run exports of the modules that they were started with, with plain
   * data as arguments, and nothing else.
   *
   * @default {undefined} nothing is signed
   */
  authKey?: string | Uint8Array;
  /**
   * Milliseconds for which results are kept for an executor that is away.
   *
   * @default {3_600_000} an hour
   */
  resultTtl?: number;
  /**
   * Bytes that a task with its arguments may have, and a result.
   *
   * @default {16_777_216} 16 MiB
   */
  maxPayload?: number;
  /**
   * Milliseconds before the second run of a task with `retries`; twice as many
   * before each further one.
   *
   * @default {1000}
   */
  backoff?: number;
  /**
   * Milliseconds that the first connection may take.
   *
   * @default {10_000}
   */
  connectTimeout?: number;
  /**
   * Milliseconds without a connection after which the executor is broken and
   * its futures fail.
   *
   * @default {300_000} five minutes
   */
  reconnectTimeout?: number;
  /**
   * Certificates in PEM format that a `rediss://` server is checked against.
   *
   * @default {undefined} those that Deno trusts
   */
  caCerts?: string[];
}

/** What an executor is in a worker that it is sent to. */
let handleOf: (executor: DistributedExecutor) => Handle;

/** What an executor and its nodes have done so far. */
export interface DistributedStats extends ExecutorStats {
  /** The nodes that serve the queue, as they last said: each second. */
  readonly nodes: readonly NodeStats[];
}

const DEFAULT_RESULT_TTL = 3_600_000;
const DEFAULT_MAX_PAYLOAD = 16 * 1024 * 1024;
/** What one value of Redis holds, in base64 and with room for the rest. */
const MAX_MAX_PAYLOAD = 256 * 1024 * 1024;
const DEFAULT_BACKOFF = 1000;
const DEFAULT_RECONNECT_TIMEOUT = 300_000;
const CREATE = "create DistributedExecutor";

/**
 * Runs functions on other machines: on the nodes (`serve()`, or `node.ts` from
 * a shell) that serve its queue, over BullMQ on Redis.
 *
 * It is an {@linkcode Executor} like the others: whoever outgrows one machine
 * changes one line. What a network makes different:
 *
 * - **At least once:** a task whose node is lost is run again on another one.
 *   Its future settles once.
 * - **No nodes:** tasks wait in the queue until there is one. `ready()` waits
 *   for that.
 * - **Order:** higher priorities first, and in the order of submission within
 *   one; nodes take tasks as they have room.
 * - **Values:** copies, as with processes. Locks, queues, shared memory and
 *   whatever else this machine serves cannot go: `SerializationError`.
 * - **Functions:** by value with what they captured; what they import, and
 *   exports of modules, have to be found over there under the same URL.
 * - **Priorities** are integers from -1048575 to 1048575.
 * - **Redis:** a restart is survived: futures wait, and what Redis has lost is
 *   sent again. A program that ends leaves what it has not cancelled in the
 *   queue.
 *
 * @example Usage
 * ```ts
 * import { DistributedExecutor } from "@concurrent/parallel/distributed";
 *
 * async function squares(url: string, authKey: string): Promise<number[]> {
 *   await using executor = new DistributedExecutor({ url, authKey });
 *   const square = (x: number) => x * x;
 *
 *   console.log(await executor.submit(square, 12)); // 144
 *   return await Array.fromAsync(executor.map(square, [1, 2, 3]));
 * }
 *
 * void squares; // squares("redis://user:password@10.0.0.5:6379", "secret")
 * ```
 *
 * @example Options are checked before anything is connected
 * ```ts
 * import { DistributedExecutor } from "@concurrent/parallel/distributed";
 * import { assertThrows } from "@std/assert";
 *
 * assertThrows(() => new DistributedExecutor({ queue: "a:b" }), RangeError);
 * ```
 */
export class DistributedExecutor implements Executor {
  /** Undefined in a worker that it was sent to: the executor itself is above. */
  readonly #scheduler: BrokerScheduler | undefined;
  readonly #lane: Lane;
  readonly #mapOptions: MapOptions;
  /** In a worker that it was sent to the executor itself signs, or does not. */
  readonly #isSigned: boolean;
  /** What it is elsewhere, once it was sent somewhere. */
  #handle: Handle | undefined;

  static {
    handleOf = (executor) => executor.#offer();
  }

  /**
   * Sets the executor up. Nothing is connected yet.
   *
   * @param options Where its nodes are found.
   * @throws {TypeError} If an option is of the wrong type.
   * @throws {RangeError} If an option is out of its range.
   */
  constructor(options: DistributedOptions = {}) {
    checkObject(CREATE, "options", options);
    this.#handle = takeHandle();
    if (this.#handle !== undefined) {
      const scheduler = new RelayScheduler(
        this.#handle.id,
        "process",
        this.#handle,
      );
      this.#lane = { backend: networkBackend(), scheduler };
      this.#mapOptions = {};
      this.#isSigned = true;
      return;
    }
    const {
      url,
      queue,
      authKey,
      resultTtl = DEFAULT_RESULT_TTL,
      maxPayload,
      backoff = DEFAULT_BACKOFF,
      connectTimeout,
      reconnectTimeout = DEFAULT_RECONNECT_TIMEOUT,
      caCerts,
      ...mapOptions
    } = options;
    checkMap(CREATE, [], mapOptions);
    checkDuration(CREATE, "resultTtl", resultTtl);
    checkDuration(CREATE, "backoff", backoff);
    if (backoff === Infinity) {
      throw new RangeError(
        `Cannot ${CREATE} as 'backoff' must be finite: current value is Infinity`,
      );
    }
    checkDuration(CREATE, "reconnectTimeout", reconnectTimeout);
    const size = integerOption(
      CREATE,
      "maxPayload",
      maxPayload,
      DEFAULT_MAX_PAYLOAD,
      1,
      MAX_MAX_PAYLOAD,
    );
    this.#mapOptions = mapOptions;
    this.#isSigned = authKey !== undefined;
    this.#scheduler = new BrokerScheduler({
      ...parseRedis(CREATE, { url, queue, caCerts, connectTimeout }),
      authKey: parseAuthKey(CREATE, authKey),
      resultTtl,
      maxPayload: size,
      backoff,
      reconnectTimeout,
    });
    this.#lane = {
      backend: networkBackend(),
      scheduler: this.#scheduler,
    };
  }

  submit<A extends unknown[], R>(
    fn: (...args: A) => R,
    ...args: A
  ): Future<Awaited<R>> {
    const task = this.#task("submit a task", fn);
    return submitFuture(this.#lane, task.fn, task.options, args) as Future<
      Awaited<R>
    >;
  }

  map<T, R>(
    fn: (item: T) => R,
    items: Iterable<T> | AsyncIterable<T>,
    options: MapOptions & { onError: "settle" },
  ): AsyncIterableIterator<PromiseSettledResult<Awaited<R>>> & AsyncDisposable;
  map<T, R>(
    fn: (item: T) => R,
    items: Iterable<T> | AsyncIterable<T>,
    options?: MapOptions,
  ): AsyncIterableIterator<Awaited<R>> & AsyncDisposable;
  map<T, R>(
    fn: (item: T) => R,
    items: Iterable<T> | AsyncIterable<T>,
    options: MapOptions = {},
  ): AsyncIterableIterator<unknown> & AsyncDisposable {
    return this.#map("map", fn, items, options);
  }

  starmap<A extends unknown[], R>(
    fn: (...args: A) => R,
    items: Iterable<A> | AsyncIterable<A>,
    options: MapOptions = {},
  ): AsyncIterableIterator<Awaited<R>> & AsyncDisposable {
    return this.#map("starmap", fn, items, options) as
      & AsyncIterableIterator<Awaited<R>>
      & AsyncDisposable;
  }

  /**
   * Runs a generator on a node and yields its values here, as every executor
   * does. One whose node is lost after values of it were taken fails; before, it
   * runs again on another one.
   */
  stream<A extends unknown[], Y>(
    fn: (...args: A) => Iterable<Y> | AsyncIterable<Y>,
    ...args: A
  ): AsyncIterableIterator<Y> & AsyncDisposable {
    const task = this.#task(STREAM, fn);
    this.#lane.scheduler.checkAccepting();
    return streamOver(
      this.#lane,
      task.fn,
      task.options,
      args,
    ) as AsyncIterableIterator<Y> & AsyncDisposable;
  }

  /**
   * Takes no more tasks, waits for those that it has, and closes its
   * connections. The nodes go on.
   *
   * @param options Whether and how long to wait, and what to cancel.
   * @throws {TimeoutError} If the timeout passes first.
   */
  async shutdown(options: ShutdownOptions = {}): Promise<void> {
    checkObject("shut down an executor", "options", options);
    checkDuration("shut down an executor", "timeout", options.timeout);
    await shutdownLanes(
      new Map([[0, this.#lane]]),
      options,
      () => this.#withdraw(),
    );
  }

  /**
   * Cancels what is queued and what runs, and closes the connections. The nodes
   * stop the tasks of this executor, and go on with others.
   */
  async terminate(): Promise<void> {
    await this.#lane.scheduler.terminate("the executor was terminated");
    this.#withdraw();
  }

  /**
   * Tells what this executor has done so far, and what its nodes have last said
   * of their workers. Nothing is known of them before {@linkcode ready} or the
   * first task.
   *
   * @returns The counts and times.
   */
  stats(): DistributedStats {
    return { ...sumStats([this.#lane]), nodes: this.#scheduler?.nodes ?? [] };
  }

  /**
   * Connects to Redis; resolves when a node serves the queue.
   *
   * @throws {BrokenExecutorError} If Redis is out of reach or refuses the connection.
   */
  async ready(): Promise<void> {
    await this.#lane.scheduler.ready(1);
  }

  /**
   * Not for workers on other machines.
   *
   * @param _fns The functions.
   * @throws {NotSupportedError} Always: nodes come and go.
   */
  prewarm(..._fns: TaskFunction[]): Promise<void> {
    return this.#lane.scheduler.prewarm(0, []);
  }

  /** Takes no more tasks, waits for those that it has, and closes its connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  /** Makes it available to the workers that it is sent to. */
  #offer(): Handle {
    if (this.#handle === undefined) {
      const id = nextExecutorId();
      const { scheduler } = this.#lane;
      const { maxWorkers, minWorkers, concurrency } = scheduler.options;
      this.#handle = { id, maxWorkers, minWorkers, concurrency };
      rememberExecutor(id, this);
      offerExecutor(id, {
        scheduler: () => scheduler,
        // Its workers are elsewhere: no task that asks runs on one of them.
        owns: () => false,
        ready: () => this.ready(),
        shutdown: (cancelFutures) => this.shutdown({ cancelFutures }),
        terminate: () => this.terminate(),
      });
    }
    return this.#handle;
  }

  /** It has ended. */
  #withdraw(): void {
    if (this.#handle !== undefined && this.#scheduler !== undefined) {
      withdrawExecutor(this.#handle.id);
    }
  }

  /** Where nothing is signed nodes take exports by their names only. */
  #task(verb: string, fn: unknown): ReturnType<typeof checkTask> {
    const task = checkTask(verb, fn);
    return this.#isSigned
      ? task
      : { fn: byExportName(fn as TaskFunction), options: task.options };
  }

  #map(
    verb: "map" | "starmap",
    fn: unknown,
    items: Iterable<unknown> | AsyncIterable<unknown>,
    options: MapOptions,
  ): AsyncIterableIterator<unknown> & AsyncDisposable {
    checkMap(verb, items, options);
    return mapOver(
      this.#lane,
      this.#task(verb, fn),
      items,
      verb === "starmap",
      { ...this.#mapOptions, ...options },
    );
  }
}

registerExecutor(
  "distributed.DistributedExecutor",
  DistributedExecutor,
  import.meta.url,
  (executor) => handleOf(executor),
);
