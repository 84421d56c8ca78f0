// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { UnrecoverableError, WaitingError } from "bullmq";
import type { RelayServer } from "../../_internal/pool/relay_server.ts";
import { CallMode, type HeaderOf } from "../../_internal/wire/messages.ts";
import {
  Relay,
  type RelayAnswer,
  type RelayedCall,
  type RelayRequest,
} from "../../_internal/wire/relay_messages.ts";
import { ByteWriter } from "../../_internal/wire/bytes.ts";
import { writeRelay } from "../../_internal/wire/relay_messages.ts";
import { ControlBox } from "../../distributed/_control_box.ts";
import type { JobCheck } from "../../distributed/_job_check.ts";
import { JobRuns, type QueueJob } from "../../distributed/_job_runs.ts";
import type { News, Outbox } from "../../distributed/_outbox.ts";
import { CREDIT_SILENCE } from "../../distributed/_protocol.ts";
import { Seal } from "../../distributed/_seal.ts";
import { Slots } from "../../distributed/_slots.ts";

/** Runs over a server that runs nothing. */
class Bench {
  readonly requests: RelayRequest[] = [];
  readonly told: News[] = [];
  readonly controls = new ControlBox("q", new Seal(undefined));
  readonly runs: JobRuns;
  /** Resolves when Redis has what was told. */
  arrived: Promise<void> = Promise.resolve();

  constructor(mode: CallMode, isSigned = false) {
    const call = { tag: Relay.submit, mode, calls: 1, signals: 0, name: "f" };
    this.runs = new JobRuns({
      node: "n",
      check: {
        open: () => ({
          body: { client: "c", number: 1, maxPayload: 10, resultTtl: 10 },
          call: call as RelayedCall,
          signals: [],
          isSigned,
        }),
      } as unknown as JobCheck,
      outbox: {
        tell: (_: unknown, news: News) => {
          this.told.push(news);
          return this.arrived;
        },
      } as unknown as Outbox,
      slots: new Slots(1, 0),
      controls: this.controls,
      tally: {
        completed: 0,
        failed: 0,
        cancelled: 0,
        refused: 0,
        takenOver: 0,
      },
      server: {
        handle: (it: RelayRequest) => this.requests.push(it),
      } as unknown as RelayServer,
      route: () => ({ executor: "e", lane: "process", isWaiting: false }),
      isBroken: () => false,
      signs: false,
      resize: () => {},
      onRefusal: () => {},
    });
  }

  /** A job comes; resolves when BullMQ may finish it. */
  process(job: Partial<QueueJob> = {}): Promise<void> {
    const first = {
      id: "c-1",
      attemptsStarted: 1,
      stalledCounter: 0,
      opts: {},
    };
    return this.runs.process({ ...first, ...job } as QueueJob, "token");
  }

  start(): void {
    void this.process();
    this.hear({ tag: Relay.begun, ticket: 1 });
  }

  /** A worker answers. */
  hear(header: HeaderOf<RelayAnswer>): void {
    const w = new ByteWriter();
    writeRelay(w, header);
    this.runs.hear(w.bytes());
  }

  get tags(): number[] {
    return this.requests.map(({ tag }) => tag);
  }

  get cancels(): number {
    return this.requests.filter(({ tag }) => tag === Relay.cancel).length;
  }
}

Deno.test("JobRuns.pass() ends generators of which nothing is heard, and nothing else", () => {
  const [stream, single] = [CallMode.stream, CallMode.single].map((mode) => {
    const bench = new Bench(mode);
    bench.start();
    return bench;
  });
  assert(stream !== undefined && single !== undefined);
  for (const bench of [stream, single]) bench.runs.pass(CREDIT_SILENCE);
  assertEquals(stream.cancels, 0);
  stream.controls.onMessage("c-1", false, {
    tag: Relay.credit,
    ticket: 1,
    items: 0,
  });
  for (const bench of [stream, single]) bench.runs.pass(CREDIT_SILENCE);
  assertEquals(stream.cancels, 0);
  for (const bench of [stream, single]) bench.runs.pass(1);

  assertEquals([stream.cancels, single.cancels], [1, 0]);
});

Deno.test("JobRuns.process() ends when Redis has the answer, not before", async () => {
  const bench = new Bench(CallMode.single);
  const arrived = Promise.withResolvers<void>();
  bench.arrived = arrived.promise;
  let isOver = false;
  const processed = bench.process().then(() => isOver = true);
  bench.hear({ tag: Relay.done, ticket: 1, time: 0 });
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals([bench.told.length, bench.runs.size, isOver], [1, 1, false]);
  arrived.resolve();
  await processed;

  assertEquals(bench.runs.size, 0);
});

Deno.test("JobRuns heeds who is not signed of a job that is not signed alone", () => {
  for (const isSigned of [true, false]) {
    const bench = new Bench(CallMode.single, isSigned);
    bench.start();
    const { controls } = bench;
    const cancel = { tag: Relay.cancel, ticket: 1, payload: new Uint8Array() };
    const isHere = controls.onMessage("c-1", false, cancel as RelayRequest);
    assertEquals([isHere, bench.cancels], [true, isSigned ? 0 : 1]);
    controls.onMessage("c-1", true, cancel as RelayRequest);
    assertEquals(bench.cancels, isSigned ? 1 : 2);
  }
});

Deno.test("JobRuns.lose() stops a run, and tells nobody of its end", async () => {
  const bench = new Bench(CallMode.single);
  const processed = bench.process();
  bench.runs.lose(["c-2", "c-1"]);
  assertEquals(bench.cancels, 1);
  bench.hear({ tag: Relay.done, ticket: 1, time: 0 });

  await assertRejects(() => processed, WaitingError);
  assertEquals(bench.told, []);
});

Deno.test("JobRuns begins a generator that was put back, and none whose node was lost", async () => {
  const bench = new Bench(CallMode.stream);
  void bench.process({ attemptsStarted: 2 });
  assertEquals(bench.tags, [Relay.submit]);
  const lost = new Bench(CallMode.stream);

  await assertRejects(
    () => lost.process({ attemptsStarted: 2, stalledCounter: 1 }),
    UnrecoverableError,
  );
  assertEquals([lost.tags, lost.told.length], [[], 1]);
});

Deno.test("JobRuns has a failed run repeated as often as it may, and not where its client has had it stopped", async () => {
  const failed = { tag: Relay.failed, ticket: 1, worker: undefined } as const;
  const cancel = { tag: Relay.cancel, ticket: 1, payload: new Uint8Array() };
  const opts = { attempts: 2 } as QueueJob["opts"];
  const cases: [attemptsMade: number, isStopped: boolean, told: number][] = [
    [0, false, 0],
    [1, false, 1],
    [0, true, 1],
  ];
  for (const [attemptsMade, isStopped, told] of cases) {
    const bench = new Bench(CallMode.single);
    const processed = bench.process({ opts, attemptsMade });
    if (isStopped) {
      bench.controls.onMessage("c-1", false, cancel as RelayRequest);
    }
    bench.hear(failed);
    const error = await assertRejects(() => processed);
    assertEquals(error instanceof UnrecoverableError, told === 1);
    assertEquals(bench.told.length, told);
  }
});
