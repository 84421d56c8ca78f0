// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertThrows,
} from "@std/assert";
import {
  InvalidStateError,
  NotSupportedError,
  SerializationError,
} from "../../../_internal/base/errors.ts";
import { readError } from "../../../_internal/pool/answers.ts";
import {
  nextExecutorId,
  offerExecutor,
  withdrawExecutor,
} from "../../../_internal/pool/executor_services.ts";
import {
  Job,
  type JobObserver,
  type JobOptions,
  type Work,
} from "../../../_internal/pool/job.ts";
import { RelayServer } from "../../../_internal/pool/relay_server.ts";
import type { TaskScheduler } from "../../../_internal/pool/task_scheduler.ts";
import { ByteWriter } from "../../../_internal/wire/bytes.ts";
import { CallMode, WHOLE_CALL } from "../../../_internal/wire/messages.ts";
import {
  Question,
  readRelayAnswer,
  Relay,
  type RelayAnswer,
  type RelayRequest,
  writeRelay,
} from "../../../_internal/wire/relay_messages.ts";
import { until } from "../../_suites/_helpers.ts";

/** An executor that runs nothing, and a server for one of its workers. */
class Bench implements Disposable {
  readonly id = nextExecutorId();
  readonly jobs: Job[] = [];
  readonly cancelled: [job: Job, reason: unknown][] = [];
  readonly answers: RelayAnswer[] = [];
  readonly asked: string[] = [];
  readonly server: RelayServer;
  /** Which options its worker works for. */
  owner = {};

  constructor() {
    const scheduler = {
      submit: (work: Work, options: JobOptions, observer: JobObserver) => {
        const job = new Job(work, options, observer);
        this.jobs.push(job);
        return job;
      },
      cancel: (job: Job, reason: unknown) => {
        this.cancelled.push([job, reason]);
        return false;
      },
    } as unknown as TaskScheduler;
    // deno-lint-ignore require-await -- as the interface wants it
    const ask = async (what: string) => void this.asked.push(what);
    offerExecutor(this.id, {
      scheduler: () => scheduler,
      owns: (owner) => owner === this.owner,
      ready: () => ask("ready"),
      shutdown: (cancels) => ask(`shutdown ${cancels}`),
      terminate: () => ask("terminate"),
    });
    this.server = new RelayServer({
      owner: this.owner,
      originOf: () => undefined,
      send: (message) => this.answers.push(readRelayAnswer(message.slice())),
    });
  }

  receive(message: RelayRequest): void {
    const w = new ByteWriter(64);
    writeRelay(w, message);
    if ("payload" in message) w.raw(message.payload);
    this.server.receive(w.bytes(), []);
  }

  call(ticket: number, changes: Record<string, unknown> = {}): void {
    this.receive({
      tag: Relay.submit,
      ticket,
      executor: this.id,
      lane: "thread",
      parent: 2,
      depth: 3,
      mode: CallMode.single,
      definition: WHOLE_CALL,
      mutable: true,
      contexts: false,
      calls: 1,
      signals: 0,
      name: "task",
      priority: 4,
      timeout: 50,
      retries: 6,
      maySendAhead: true,
      payload: new Uint8Array([0]),
      ...changes,
    } as RelayRequest);
  }

  /** The error of the last answer. */
  error(): unknown {
    const answer = this.answers.at(-1)!;
    assert(answer.tag === Relay.failed || answer.tag === Relay.cancelled);
    return readError(answer.payload, []);
  }

  [Symbol.dispose](): void {
    withdrawExecutor(this.id);
  }
}

Deno.test("RelayServer submits a call with its options, as part of what was accepted", () => {
  using bench = new Bench();
  bench.call(1);
  const [job] = bench.jobs;
  assertEquals(job!.depth, 3);
  const { name, priority, timeout, retries, isContinuation } = job!.options;
  assertEquals(
    [name, priority, timeout, retries, isContinuation],
    ["task", 4, 50, 6, true],
  );
  job!.observer.started();
  job!.observer.progressed(1, undefined);
  job!.observer.cancelled("why");
  assertEquals(bench.answers.map(({ tag }) => tag), [
    Relay.begun,
    Relay.progress,
    Relay.cancelled,
  ]);
  assertEquals(bench.error(), "why");
});

Deno.test("RelayServer fails calls of executors that have ended or are not known", () => {
  using bench = new Bench();
  bench.call(1, { executor: "elsewhere/1" });
  assertInstanceOf(bench.error(), NotSupportedError);
  withdrawExecutor(bench.id);
  bench.call(2);
  assertInstanceOf(bench.error(), InvalidStateError);
  assertEquals(bench.answers.map(({ ticket }) => ticket), [1, 2]);
  assertEquals(bench.jobs, []);
});

Deno.test("RelayServer fails a call whose function was never defined, or is forgotten", () => {
  using bench = new Bench();
  bench.call(1, { definition: 9 });
  assertInstanceOf(bench.error(), InvalidStateError);
  bench.receive({
    tag: Relay.define,
    definition: 9,
    name: "fn",
    mutable: false,
    payload: new Uint8Array([0]),
  });
  bench.call(2, { definition: 9 });
  assertEquals(bench.jobs.length, 1);
  bench.receive({ tag: Relay.forget, definition: 9 });
  bench.call(3, { definition: 9 });
  assertEquals(bench.answers.map(({ ticket }) => ticket), [1, 3]);
});

Deno.test("RelayServer.close() cancels what the worker has asked for, and answers nothing more", () => {
  using bench = new Bench();
  bench.call(1);
  bench.call(2);
  const [first, second] = bench.jobs;
  first!.observer.failed(new RangeError("ended before"));
  assertEquals(bench.answers.length, 1);
  bench.server.close();
  assertEquals(bench.cancelled.map(([job]) => job), [second]);
  second!.observer.cancelled("gone");
  assertEquals(bench.answers.length, 1);
});

Deno.test("RelayServer.giveUp() cancels what one call has asked for, and takes no more of it", () => {
  using bench = new Bench();
  bench.call(1, { parent: 0 });
  bench.call(2, { parent: 1 });
  bench.server.giveUp(0);
  assertEquals(bench.cancelled.map(([job]) => job), [bench.jobs[0]]);
  bench.call(3, { parent: 0 });
  assertEquals((bench.error() as Error).name, "CancelledError");
  bench.call(4, { parent: 1 });
  assertEquals(bench.jobs.length, 3);
});

Deno.test("RelayServer.callEnded() cancels the streams that a call has left open", () => {
  using bench = new Bench();
  bench.call(1, { parent: 0, mode: CallMode.stream });
  bench.call(2, { parent: 0, mode: CallMode.stream });
  bench.call(3, { parent: 0 });
  bench.call(4, { parent: 1, mode: CallMode.stream });
  bench.jobs[1]!.observer.failed(new RangeError("ended before"));
  bench.server.callEnded(0);
  assertEquals(bench.cancelled.map(([job]) => job), [bench.jobs[0]]);
});

Deno.test("RelayServer heeds what comes for tickets that are open, and nothing else", () => {
  using bench = new Bench();
  bench.call(1);
  for (const ticket of [1, 7]) {
    bench.receive({
      tag: Relay.cancel,
      ticket,
      payload: new Uint8Array([0]),
    });
  }
  assertEquals(bench.cancelled.length, 1);
  bench.receive({ tag: Relay.credit, ticket: 7, items: 3 });
  bench.receive({ tag: Relay.finish, ticket: 7 });
  bench.jobs[0]!.observer.failed(new RangeError("the end"));
  bench.receive({ tag: Relay.cancel, ticket: 1, payload: new Uint8Array([0]) });
  assertEquals(bench.cancelled.length, 1);
});

Deno.test("RelayServer refuses a message that it cannot read", () => {
  using bench = new Bench();
  for (const bytes of [[0], [99], [Relay.done, 1]]) {
    assertThrows(
      () => bench.server.receive(new Uint8Array(bytes), []),
      SerializationError,
    );
  }
  assertEquals(bench.answers, []);
});

Deno.test("RelayServer asks executors, and lets no task wait for the end of its own", async () => {
  using bench = new Bench();
  const ask = async (question: Question) => {
    const before = bench.answers.length;
    bench.receive({
      tag: Relay.ask,
      ticket: question,
      executor: bench.id,
      question,
    });
    await until("it answers", () => bench.answers.length > before);
    return bench.answers.at(-1)!.tag;
  };
  assertEquals(await ask(Question.ready), Relay.done);
  assertEquals(await ask(Question.drain), Relay.failed);
  assertInstanceOf(bench.error(), InvalidStateError);
  bench.owner = {};
  assertEquals(await ask(Question.cancel), Relay.done);
  assertEquals(await ask(Question.terminate), Relay.done);
  assertEquals(bench.asked, [
    "ready",
    "shutdown false",
    "shutdown true",
    "terminate",
  ]);
});
