// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { UnrecoverableError, WaitingError } from "bullmq";
import type { RelayServer } from "../../_internal/pool/relay_server.ts";
import { CallMode, type HeaderOf } from "../../_internal/wire/messages.ts";
import {
  readRelayAnswer,
  Relay,
  type RelayAnswer,
  type RelayedCall,
  type RelayRequest,
} from "../../_internal/wire/relay_messages.ts";
import { ByteWriter } from "../../_internal/wire/bytes.ts";
import { encodeError } from "../../_internal/wire/error_codec.ts";
import { writeRelay } from "../../_internal/wire/relay_messages.ts";
import { ControlBox } from "../../distributed/_control_box.ts";
import { type JobCheck, JobRefusal } from "../../distributed/_job_check.ts";
import { JobRuns } from "../../distributed/_job_runs.ts";
import type { QueueJob } from "../../distributed/_run.ts";
import type { News, Outbox, Teller } from "../../distributed/_outbox.ts";
import {
  CREDIT_INTERVAL,
  CREDIT_SILENCE,
  places,
  writeControl,
} from "../../distributed/_protocol.ts";
import { Seal } from "../../distributed/_seal.ts";
import { Slots } from "../../distributed/_slots.ts";

/** What a bench's jobs are. */
interface BenchOptions {
  readonly isSigned?: boolean;
  readonly workers?: number;
  readonly calls?: number;
  /** Whether they call a function that is known by the second time. */
  readonly isDefined?: boolean;
  readonly resultTtl?: number;
  /** Of signals that had fired before, of three. */
  readonly fired?: readonly number[];
  readonly refusal?: string;
}

const SEAL = new Seal(new TextEncoder().encode("key"));
const NO_SEAL = new Seal(undefined);

/** Runs over a server that runs nothing. */
class Bench {
  readonly requests: RelayRequest[] = [];
  readonly told: News[] = [];
  readonly tellers: Teller[] = [];
  /** How many jobs BullMQ may have, each time that it was told. */
  readonly sizes: number[] = [];
  readonly refused: string[] = [];
  readonly controls = new ControlBox("q", SEAL);
  readonly runs: JobRuns;
  /** Resolves when Redis has what was told. */
  arrived: Promise<void> = Promise.resolve();
  /** Jobs that others may have. */
  puttingBack = 0;

  constructor(mode: CallMode, options: BenchOptions = {}) {
    const { isSigned = false, calls = 1, fired = [], refusal } = options;
    const call = {
      tag: Relay.submit,
      mode,
      calls,
      signals: 3,
      name: "f",
      retries: 5,
    };
    const payload = new Uint8Array();
    const definition = options.isDefined
      ? { name: "f", mutable: false, payload }
      : undefined;
    this.runs = new JobRuns({
      node: "n",
      check: {
        open: ({ id }: QueueJob) => {
          if (refusal !== undefined) throw new JobRefusal("run", refusal);
          return {
            body: {
              client: "c",
              number: Number(id!.slice(2)),
              maxPayload: 10,
              resultTtl: options.resultTtl ?? 10,
              definition,
            },
            call: call as RelayedCall,
            signals: fired.map((index) => ({
              tag: Relay.signal,
              ticket: 1,
              index,
              isAhead: true,
              payload,
            })),
            isSigned,
          };
        },
      } as unknown as JobCheck,
      outbox: {
        tell: (teller: Teller, news: News) => {
          this.tellers.push(teller);
          this.told.push(news);
          return this.arrived;
        },
      } as unknown as Outbox,
      slots: new Slots(options.workers ?? 1, 0),
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
      resize: (count) => this.sizes.push(count),
      onRefusal: (task) => this.refused.push(task),
    });
  }

  /** A job comes; resolves when BullMQ may finish it. */
  process(job: Partial<QueueJob> = {}): Promise<void> {
    const first = {
      id: "c-1",
      name: "f",
      attemptsStarted: 1,
      stalledCounter: 0,
      opts: {},
      moveToWait: () => Promise.resolve(++this.puttingBack),
    };
    return this.runs.process({ ...first, ...job } as QueueJob, "token");
  }

  start(): void {
    void this.process();
    this.hear({ tag: Relay.begun, ticket: 1 });
  }

  /** Has its function known to take so long. */
  async know(time: number): Promise<void> {
    const processed = this.process();
    this.hear({ tag: Relay.done, ticket: 1, time });
    await processed;
    this.requests.length = 0;
  }

  /** A worker answers. */
  hear(header: HeaderOf<RelayAnswer>, payload = new Uint8Array()): void {
    const w = new ByteWriter();
    writeRelay(w, header);
    w.raw(payload);
    this.runs.hear(w.bytes());
  }

  /** Its client says something of the first job. */
  say(header: HeaderOf<RelayRequest>, seal = SEAL): void {
    const w = new ByteWriter();
    writeRelay(w, header);
    if (header.tag === Relay.cancel || header.tag === Relay.signal) {
      encodeError(w, "why", { root: "reason", modules: new Set() });
    }
    const message = w.bytes();
    const body = writeControl({ client: "c", number: 1, message });
    this.controls.hear(seal.close(places.control("q"), body));
  }

  get tags(): number[] {
    return this.requests.map(({ tag }) => tag);
  }

  /** The tickets that were cancelled. */
  get cancelled(): number[] {
    return this.requests.flatMap((it) =>
      it.tag === Relay.cancel ? [it.ticket] : []
    );
  }

  get cancels(): number {
    return this.cancelled.length;
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
  // One that says so now and then may miss some of it.
  assert(CREDIT_SILENCE > 5 * CREDIT_INTERVAL);
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
    const bench = new Bench(CallMode.single, { isSigned });
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

Deno.test("JobRuns.pass() puts back what has not begun for some time, the last first", async () => {
  const bench = new Bench(CallMode.single, { isDefined: true, workers: 2 });
  await bench.know(5);
  const processed = [2, 3, 4, 5].map((it) => bench.process({ id: `c-${it}` }));
  for (const ticket of [2, 5]) bench.hear({ tag: Relay.begun, ticket });
  bench.runs.pass(1);
  void bench.process({ id: "c-6" });
  // Those that run take a worker each, and half of one was thought of.
  bench.runs.pass(1);
  assertEquals(bench.cancelled, [4, 3]);
  for (const ticket of [4, 3]) bench.hear({ tag: Relay.cancelled, ticket });

  await assertRejects(() => processed[1]!, WaitingError);
  await assertRejects(() => processed[2]!, WaitingError);
  assertEquals(bench.puttingBack, 2);
});

Deno.test("JobRuns.pass() puts back no more than there is too much of", async () => {
  const bench = new Bench(CallMode.single, { isDefined: true, workers: 2 });
  await bench.know(5);
  for (const it of [2, 3, 4, 5]) void bench.process({ id: `c-${it}` });
  bench.hear({ tag: Relay.begun, ticket: 2 });
  bench.runs.pass(1);
  // It has just begun.
  bench.hear({ tag: Relay.begun, ticket: 3 });
  bench.runs.pass(1);

  assertEquals(bench.cancelled, [5]);
});

Deno.test("JobRuns takes a chunk for as long as all of its calls take", async () => {
  for (const [calls, size] of [[1, 3], [100, 1]] as const) {
    const bench = new Bench(CallMode.chunk, { isDefined: true, calls });
    await bench.know(0.5);
    void bench.process({ id: "c-2" });
    assertEquals(bench.sizes.at(-1), size);
  }
});

Deno.test("JobRuns.stop() puts back what has not ended and what comes, and tells of what was cancelled before", async () => {
  const bench = new Bench(CallMode.single);
  const processed = [1, 2].map((it) => bench.process({ id: `c-${it}` }));
  bench.say({ tag: Relay.cancel, ticket: 1 });
  bench.runs.stop();
  for (const ticket of [1, 2]) bench.hear({ tag: Relay.cancelled, ticket });
  await assertRejects(() => processed[0]!, UnrecoverableError);
  await assertRejects(() => processed[1]!, WaitingError);
  assertEquals([bench.told.length, bench.puttingBack], [1, 1]);
  bench.requests.length = 0;

  await assertRejects(() => bench.process({ id: "c-3" }), WaitingError);
  assertEquals([bench.tags, bench.puttingBack], [[], 2]);
});

Deno.test("JobRuns.has() knows a job that came back while the end of its first run goes by", async () => {
  const bench = new Bench(CallMode.single);
  const first = bench.process();
  bench.runs.lose(["c-1"]);
  const second = bench.process({ attemptsStarted: 2 });
  bench.hear({ tag: Relay.cancelled, ticket: 1 });
  await assertRejects(() => first, WaitingError);
  assertEquals(bench.runs.has("c-1"), true);
  bench.hear({ tag: Relay.done, ticket: 2, time: 0 });
  await second;

  assertEquals(bench.runs.has("c-1"), false);
  assertEquals(bench.tellers.map(({ run }) => run), [2]);
  // There is room again.
  assertEquals(bench.sizes.at(-1), 1);
});

Deno.test("JobRuns heeds what was said before the job came: signals ahead of it, and all else behind", () => {
  const bench = new Bench(CallMode.stream, { isSigned: true, fired: [1] });
  bench.say({ tag: Relay.finish, ticket: 1 });
  for (const index of [0, 3]) {
    bench.say({ tag: Relay.signal, ticket: 1, index, isAhead: true });
  }
  // Anybody could say that.
  bench.say({ tag: Relay.cancel, ticket: 1 }, NO_SEAL);
  bench.say({ tag: Relay.signal, ticket: 1, index: 2, isAhead: true }, NO_SEAL);
  void bench.process();

  assertEquals(
    bench.requests.map((it) =>
      it.tag === Relay.signal ? [it.tag, it.index, it.isAhead] : [it.tag]
    ),
    [
      [Relay.signal, 1, true],
      [Relay.signal, 0, true],
      [Relay.submit],
      [Relay.finish],
    ],
  );
  // BullMQ repeats it.
  assertEquals((bench.requests[2] as RelayedCall).retries, 0);
  // None that it does not have, and what comes behind it is not ahead of it.
  for (const index of [2, 3]) {
    bench.say({ tag: Relay.signal, ticket: 1, index, isAhead: true });
  }
  const [late, ...others] = bench.requests.slice(4);
  assertEquals(others, []);
  assert(late?.tag === Relay.signal);
  assertEquals([late.index, late.isAhead], [2, false]);
});

Deno.test("JobRuns ends a generator at a value that is too large, and at no other", async () => {
  const bench = new Bench(CallMode.stream);
  const processed = bench.process({ opts: { attempts: 3 } });
  const item = { tag: Relay.item, ticket: 1 } as const;
  bench.hear(item, new Uint8Array(10));
  assertEquals(bench.cancels, 0);
  bench.hear(item, new Uint8Array(11));
  assertEquals([bench.cancels, bench.told.length], [1, 1]);
  bench.hear({ tag: Relay.cancelled, ticket: 1 });
  await assertRejects(() => processed, UnrecoverableError);

  const { message } = bench.told[1]!;
  assertEquals(readRelayAnswer(message!).tag, Relay.failed);
});

Deno.test("JobRuns keeps answers for as long as Redis can, and for a moment at least", async () => {
  const cases = [[0, 1], [1.5, 2], [60_000, 60_000], [Infinity, 2 ** 40]];
  for (const [resultTtl, kept] of cases) {
    const bench = new Bench(CallMode.single, { resultTtl: resultTtl! });
    const processed = bench.process();
    bench.hear({ tag: Relay.done, ticket: 1, time: 0 });
    await processed;
    assertEquals(bench.tellers[0]!.resultTtl, kept);
  }
});

Deno.test("JobRuns refuses for good, once Redis has the reason", async () => {
  const bench = new Bench(CallMode.single, { refusal: "no" });
  const arrived = Promise.withResolvers<void>();
  bench.arrived = arrived.promise;
  let isOver = false;
  const processed = bench.process({ name: "f\u001b" })
    .finally(() => isOver = true);
  processed.catch(() => {});
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(isOver, false);
  assertEquals(bench.told.map(({ reason }) => reason), ["no"]);
  assertEquals(bench.refused, ["f\ufffd"]);
  arrived.resolve();

  await assertRejects(() => processed, UnrecoverableError);
});

Deno.test("JobRuns begins a generator whose node was lost, and puts one back that has yielded nothing", async () => {
  for (const hasYielded of [false, true]) {
    const bench = new Bench(CallMode.stream);
    let isPutBack = false;
    const processed = bench.process({
      attemptsStarted: 2,
      stalledCounter: 1,
      moveToWait: () => Promise.resolve(isPutBack = true),
    } as unknown as QueueJob);
    assertEquals(bench.tags, [Relay.submit]);
    bench.hear({ tag: Relay.begun, ticket: 1 });
    if (hasYielded) bench.hear({ tag: Relay.item, ticket: 1 });
    const before = bench.told.length;
    bench.runs.stop();
    bench.hear({ tag: Relay.cancelled, ticket: 1 });

    await assertRejects(
      () => processed,
      hasYielded ? UnrecoverableError : WaitingError,
    );
    assertEquals(isPutBack, !hasYielded);
    assertEquals(bench.told.length - before, hasYielded ? 1 : 0);
  }
});

Deno.test("JobRuns has no generator repeated", async () => {
  const bench = new Bench(CallMode.stream);
  const processed = bench.process({ opts: { attempts: 3 }, attemptsMade: 0 });
  bench.hear({ tag: Relay.failed, ticket: 1, worker: undefined });

  await assertRejects(() => processed, UnrecoverableError);
  assertEquals(bench.told.length, 1);
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
