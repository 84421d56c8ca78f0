// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A scheduler with workers that do what they are told.

import type { CoreBudget } from "../../../_internal/pool/core_budget.ts";
import type { Job, Meter, RemoteWork } from "../../../_internal/pool/job.ts";
import type {
  PoolWorker,
  WorkerEvents,
} from "../../../_internal/pool/pool_worker.ts";
import { Scheduler } from "../../../_internal/pool/scheduler.ts";
import type { SchedulerOptions } from "../../../_internal/pool/scheduler_options.ts";
import { CallMode, Lent } from "../../../_internal/wire/messages.ts";

/** A worker that holds what it is sent until it is told to answer. */
export class FakeWorker {
  readonly kind = "thread";
  readonly id = 1;
  readonly name = "fake";
  readonly pid = undefined;
  readonly agent = 0;
  readonly slots = 8;
  readonly revocable = true;
  stuck = false;
  isGone = false;
  isUp = false;
  /** The call that waits. */
  lent: number | undefined;
  /** In the order in which they were sent; the first one runs. */
  readonly sent: number[] = [];
  readonly #events: WorkerEvents;

  constructor(events: WorkerEvents) {
    this.#events = events;
  }

  ready(): void {
    if (this.isUp || this.isGone) return;
    this.isUp = true;
    this.#events.ready();
    this.#events.delivered();
  }

  /** What runs returns. */
  answer(): void {
    const slot = this.sent.shift();
    if (slot === undefined) return;
    this.lent = undefined;
    this.#events.done(slot, undefined, 0.1);
    this.#events.delivered();
  }

  /** What runs waits, or goes on. */
  lend(to: Lent): void {
    const slot = this.sent[0];
    if (slot === undefined) return;
    this.lent = to === Lent.no ? undefined : slot;
    this.#events.lends(slot, to);
    this.#events.delivered();
  }

  /** It ends, with all that it holds. */
  crash(): void {
    this.isGone = true;
    this.#events.exited({ exitCode: 1 });
    this.sent.length = 0;
  }

  send(slot: number): void {
    this.sent.push(slot);
  }

  isAt(slot: number): boolean {
    return slot === this.sent[0];
  }

  revoke(slot: number): boolean {
    const at = this.sent.indexOf(slot);
    if (at <= 0) return false;
    this.sent.splice(at, 1);
    if (!this.isGone) queueMicrotask(() => this.#events.skipped(slot));
    return true;
  }

  stop(): void {
    this.#events.exited({ exitCode: 0 });
  }

  terminate(): void {
    this.#events.exited({ exitCode: 0 });
  }

  wake(): void {}
  release(): void {}
  giveUp(): void {}
  abort(): void {}
  probe(): void {}
}

/** A scheduler and its workers, in the order of their start. */
export class Fake<W extends FakeWorker = FakeWorker> {
  readonly scheduler: Scheduler;
  readonly workers: W[] = [];
  /** What became of which job. */
  readonly ends: string[] = [];

  constructor(
    budget: CoreBudget | undefined,
    more: Partial<SchedulerOptions> = {},
    createWorker = (events: WorkerEvents) => new FakeWorker(events) as W,
  ) {
    this.scheduler = new Scheduler({
      kind: "thread",
      name: "fake",
      maxWorkers: 2,
      minWorkers: 0,
      concurrency: 1,
      queueLimit: Infinity,
      maxTasksPerWorker: Infinity,
      idleTimeout: Infinity,
      cancelGrace: 0,
      initializer: undefined,
      ...more,
      budget,
      startWorker: (_, events) => {
        const worker = createWorker(events);
        this.workers.push(worker);
        return worker as unknown as PoolWorker;
      },
    });
  }

  submit({ name = "fake", priority = 0, share, retries = 0, timeout }: {
    name?: string;
    priority?: number;
    share?: number;
    retries?: number;
    timeout?: number;
  } = {}): Job {
    const end = (what: string) => () => this.ends.push(`${name} ${what}`);
    const meter = share === undefined ? undefined : {
      share,
      ran() {},
      lost() {},
      ended() {},
    } as unknown as Meter;
    const work = {
      kind: "remote",
      mode: CallMode.single,
      definition: { meanTime: 0.1 },
      payload: { transfer: [], segment: undefined },
      calls: 1,
      meter,
    } as unknown as RemoteWork;
    return this.scheduler.submit(
      work,
      {
        name,
        priority,
        timeout,
        retries,
        maySendAhead: true,
      },
      {
        started() {},
        progressed() {},
        succeeded: end("succeeded"),
        failed: end("failed"),
        cancelled: end("cancelled"),
      },
    );
  }

  /** How many calls each worker holds. */
  get held(): number[] {
    return this.workers.map((worker) => worker.sent.length);
  }

  async end(): Promise<void> {
    await this.scheduler.terminate("the test is over");
  }
}
