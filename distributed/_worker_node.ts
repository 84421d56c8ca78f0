// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A node: takes jobs of a queue and runs them on workers of its own.
//
// state      meaning                                 leaves by
// serving    takes jobs                              drain(), terminate(), its workers cannot start -> draining
// draining   takes none; what it has is finished,    nothing is left -> gone
//            or, once stopped, put back
// gone       no job, worker or connection is left    never
//
// The end, in this order:
//
// 1. BullMQ takes no new job. One that is being fetched still comes, and is run:
//    it is locked for this node, and nobody else would look at it for a while.
// 2. The jobs that it has end, and their answers are in Redis. `stop` (a timeout,
//    an abort, terminate()) cancels what is left: it goes back to the queue.
// 3. What clients have not been told, and that it is gone, is written.
// 4. Workers and connections end. Where Redis is not there nothing of this waits
//    for it for longer than a moment once it was stopped: the locks of its jobs
//    run out, and others take them over. Where it is there but does not do what
//    it is asked for, or a worker does not end, that is a few moments more.

import { after, type WaitOptions } from "../_internal/base/deadline.ts";
import { holdProgram, releaseProgram } from "../_internal/base/registry.ts";
import { WAITING_CALLS } from "../_internal/auto/places.ts";
import { processBackend, threadBackend } from "../_internal/pool/backend.ts";
import {
  nextExecutorId,
  offerExecutor,
  withdrawExecutor,
} from "../_internal/pool/executor_services.ts";
import { createLane, type Lane } from "../_internal/pool/lane.ts";
import { RelayServer } from "../_internal/pool/relay_server.ts";
import { SLOTS } from "../_internal/memory/slots.ts";
import { Beat, nodeStats, type NodeTally } from "./_beat.ts";
import { ControlBox, KEPT_TIME } from "./_control_box.ts";
import { JobCheck } from "./_job_check.ts";
import { JobRuns } from "./_job_runs.ts";
import { BEAT, type NodeStats } from "./_node_board.ts";
import { Outbox } from "./_outbox.ts";
import { Keys } from "./_protocol.ts";
import { QueueWorker } from "./_queue_worker.ts";
import {
  closeRedis,
  createRedis,
  openingError,
  openRedis,
  type Redis,
  type RedisSettings,
} from "./_redis.ts";
import { Seal } from "./_seal.ts";
import { Slots } from "./_slots.ts";
import { StreamReader } from "./_stream_reader.ts";

/** How a node is set up; checked. */
export interface NodeSettings {
  readonly redis: RedisSettings;
  /** Nobody else has it. */
  readonly id: string;
  /** What it and its workers are called. */
  readonly name: string;
  readonly host: string;
  readonly authKey: Uint8Array | undefined;
  readonly backend: NodeStats["backend"];
  readonly maxWorkers: number;
  /** Calls that one worker has under way at a time. */
  readonly concurrency: number;
  readonly modules: ReadonlySet<string>;
  readonly lockDuration: number;
  readonly cancelGrace: number | undefined;
  readonly maxTasksPerWorker: number | undefined;
  readonly permissions: Deno.PermissionOptions | undefined;
  readonly onRefusal: (task: string, reason: string) => void;
  readonly onError: (error: unknown) => void;
}

/** What is called in errors. */
export const SERVE = "serve a queue";

/** Milliseconds that Redis has after a stop. */
const STOP_TIME = 2_000;
/** How often it has them where it is there: it, a worker, or all of this machine is busy. */
const STOP_TIMES = 5;

/** Runs the jobs of a queue. */
export class Node {
  readonly #settings: NodeSettings;
  readonly #keys: Keys;
  readonly #redis: Redis;
  readonly #controlRedis: Redis;
  readonly #executor = nextExecutorId();
  readonly #lanes: Readonly<Record<"process" | "thread", Lane | undefined>>;
  readonly #server: RelayServer;
  readonly #outbox: Outbox;
  readonly #runs: JobRuns;
  readonly #controls: ControlBox;
  readonly #beat: Beat;
  readonly #tally: NodeTally = {
    completed: 0,
    failed: 0,
    cancelled: 0,
    refused: 0,
    takenOver: 0,
  };
  readonly #startedAt = performance.now();
  readonly #slots: Slots;
  #worker: QueueWorker | undefined;
  #reader: StreamReader | undefined;
  #state: NodeStats["state"] = "serving";
  /** Resolves when what is left is not waited for any more. */
  readonly #over = Promise.withResolvers<void>();
  #disarm = () => {};
  readonly #gone = Promise.withResolvers<void>();
  /** Why it has ended, where nobody wanted that. */
  #failure: { readonly error: unknown } | undefined;

  constructor(settings: NodeSettings) {
    this.#settings = settings;
    // Who wants to know listens.
    this.#gone.promise.catch(() => {});
    const { redis, id, backend, maxWorkers, concurrency, authKey, modules } =
      settings;
    this.#keys = new Keys(redis.queue);
    this.#lanes = {
      process: backend === "threads"
        ? undefined
        : this.#lane("process", concurrency),
      thread: backend === "processes" ? undefined : this.#lane(
        "thread",
        backend === "auto" ? WAITING_CALLS : concurrency,
      ),
    };
    const places = backend === "auto" ? maxWorkers * WAITING_CALLS : 0;
    this.#slots = new Slots(maxWorkers * concurrency, places);
    this.#redis = createRedis(redis);
    this.#controlRedis = createRedis(redis);
    const seal = new Seal(authKey);
    const keys = this.#keys;
    this.#outbox = new Outbox({
      redis: this.#redis,
      keys,
      seal,
      node: id,
      onError: settings.onError,
    });
    this.#server = new RelayServer({
      owner: this,
      originOf: () => undefined,
      send: (message) => this.#runs.hear(message),
    });
    this.#controls = new ControlBox(redis.queue, seal);
    this.#runs = new JobRuns({
      node: id,
      check: new JobCheck(redis.queue, seal, modules),
      outbox: this.#outbox,
      slots: this.#slots,
      controls: this.#controls,
      tally: this.#tally,
      server: this.#server,
      route: (kind) => {
        const lane = backend === "threads" ||
            (backend === "auto" && kind === "io")
          ? "thread"
          : "process";
        return {
          executor: this.#executor,
          lane,
          isWaiting: backend === "auto" && lane === "thread",
        };
      },
      isBroken: () => this.#checkWorkers(),
      signs: seal.signs,
      resize: (count) => this.#worker!.concurrency = count,
      onRefusal: settings.onRefusal,
    });
    this.#beat = new Beat(
      this.#redis,
      keys,
      () => this.stats(),
      () => {
        // While nothing can be heard nobody is silent.
        if (this.#controlRedis.status === "ready") this.#runs.pass(BEAT);
      },
    );
  }

  /**
   * Connects, and begins to take jobs.
   *
   * @throws {BrokenExecutorError} If Redis cannot be reached or refuses it, or workers cannot start.
   */
  async start(): Promise<void> {
    const { redis, id, lockDuration, onError } = this.#settings;
    const lanes = this.#allLanes;
    offerExecutor(this.#executor, {
      scheduler: (kind) => this.#lanes[kind as "process" | "thread"]!.scheduler,
      owns: () => false,
      ready: () => Promise.resolve(),
      shutdown: () => this.drain({}),
      terminate: () => this.terminate(),
    });
    holdProgram();
    try {
      await openRedis(this.#redis, redis, SERVE);
      await openRedis(this.#controlRedis, redis, SERVE);
      // Workers that cannot start are this call's error, not the first task's.
      await lanes[0]!.scheduler.ready(1);
      const [seconds] = await this.#redis.time();
      const from = Number(seconds) * 1000 - KEPT_TIME;
      this.#reader = new StreamReader(this.#controlRedis, [{
        key: this.#keys.control,
        from: `${from}-0`,
        take: (messages) => {
          for (const message of messages) this.#controls.hear(message);
        },
      }]);
      this.#worker = new QueueWorker({
        redis: this.#redis,
        queue: redis.queue,
        name: id,
        lockDuration,
        process: (job, token) => this.#runs.process(job, token),
        onError,
        isRunning: (id) => this.#runs.has(id),
        onLost: (ids) => this.#runs.lose(ids),
        onEmpty: () => this.#worker!.concurrency = this.#slots.growing,
      });
      await this.#worker.start();
      await this.#beat.start();
    } catch (error) {
      this.#over.resolve();
      await this.#end();
      throw openingError(error, redis, SERVE);
    }
  }

  get id(): string {
    return this.#settings.id;
  }

  get name(): string {
    return this.#settings.name;
  }

  /** Resolves when it is gone; rejects where nobody wanted that. */
  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  stats(): NodeStats {
    const { id, name, host, backend, maxWorkers, concurrency } = this.#settings;
    return nodeStats(
      {
        id,
        name,
        host,
        pid: Deno.pid,
        backend,
        slots: maxWorkers * concurrency,
      },
      this.#state,
      this.#runs.size,
      this.#startedAt,
      this.#tally,
      this.#allLanes,
    );
  }

  /** Takes nothing new and finishes what it has; what has not ended in time is put back. */
  async drain({ timeout = Infinity, signal }: WaitOptions): Promise<void> {
    this.#close();
    const stop = () => this.#stop();
    const disarm = after(timeout, stop);
    if (signal?.aborted) stop();
    signal?.addEventListener("abort", stop);
    try {
      await this.#gone.promise;
    } finally {
      disarm();
      signal?.removeEventListener("abort", stop);
    }
    signal?.throwIfAborted();
  }

  /** Puts back what it has, and ends. */
  async terminate(): Promise<void> {
    this.#close();
    this.#stop();
    await this.#gone.promise;
  }

  get #allLanes(): Lane[] {
    return Object.values(this.#lanes).filter((it) => it !== undefined);
  }

  #lane(kind: "process" | "thread", concurrency: number): Lane {
    const { name, maxWorkers, cancelGrace, maxTasksPerWorker, permissions } =
      this.#settings;
    return createLane(
      "WorkerNode",
      {
        name,
        maxWorkers,
        concurrency,
        cancelGrace,
        maxTasksPerWorker,
        onInterrupt: "ignore",
      },
      (calls) =>
        kind === "process"
          ? processBackend({ concurrency: calls, permissions })
          : threadBackend({ concurrency: calls, permissions }),
      SLOTS,
      SERVE,
    );
  }

  /** Takes no new jobs; the end begins. */
  #close(): void {
    if (this.#state !== "serving") return;
    this.#state = "draining";
    void this.#beat.now();
    void this.#end();
  }

  /** What has not ended goes back to the queue. */
  #stop(): void {
    if (this.#state === "gone" || this.#runs.isStopping) return;
    this.#runs.stop();
    const { cancelGrace = 0 } = this.#settings;
    this.#giveUpAfter(STOP_TIME + cancelGrace, STOP_TIMES);
  }

  /** Waits no longer for what was stopped, or only where there is a connection. */
  #giveUpAfter(time: number, times: number): void {
    this.#disarm = after(time, () => {
      if (times > 1 && this.#redis.status === "ready") {
        this.#giveUpAfter(STOP_TIME, times - 1);
      } else this.#over.resolve();
    });
  }

  /** True where workers cannot start, or end as they do: others have to run its jobs, and it ends. */
  #checkWorkers(): boolean {
    const error = this.#allLanes.map(({ scheduler }) => scheduler.endError)
      .find((it) => it !== undefined);
    if (error === undefined) return false;
    if (this.#state === "serving") {
      this.#failure = { error };
      this.#close();
      this.#stop();
    }
    return true;
  }

  async #end(): Promise<void> {
    const isOver = this.#over.promise;
    await this.#worker?.finish(isOver);
    await Promise.race([this.#outbox.flush(), isOver]);
    this.#beat.stop();
    this.#state = "gone";
    if (this.#worker !== undefined) {
      await Promise.race([this.#beat.now(), isOver]);
    }
    this.#outbox.close();
    this.#reader?.close();
    await Promise.all([
      closeRedis(this.#controlRedis),
      closeRedis(this.#redis),
      this.#worker?.abandon(),
    ]);
    withdrawExecutor(this.#executor);
    await Promise.all(
      this.#allLanes.map(({ scheduler }) =>
        this.#runs.isStopping || this.#worker === undefined
          ? scheduler.terminate("its node was stopped")
          : scheduler.shutdown(false)
      ),
    );
    this.#server.close();
    await this.#reader?.closed;
    this.#disarm();
    releaseProgram();
    if (this.#failure === undefined) this.#gone.resolve();
    else this.#gone.reject(this.#failure.error);
  }
}
