// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals } from "@std/assert";
import type { RelayServer } from "../../_internal/pool/relay_server.ts";
import { CallMode } from "../../_internal/wire/messages.ts";
import {
  Relay,
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

  constructor(mode: CallMode) {
    const call = { tag: Relay.submit, mode, calls: 1, signals: 0, name: "f" };
    this.runs = new JobRuns({
      node: "n",
      check: {
        open: () => ({
          body: { client: "c", number: 1, maxPayload: 10, resultTtl: 10 },
          call: call as RelayedCall,
          signals: [],
          isSigned: false,
        }),
      } as unknown as JobCheck,
      outbox: {
        tell: (_: unknown, news: News) => {
          this.told.push(news);
          return Promise.resolve();
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

  start(): void {
    const job = { id: "c-1", attemptsStarted: 1, stalledCounter: 0 };
    void this.runs.process(job as QueueJob, "token");
    const w = new ByteWriter();
    writeRelay(w, { tag: Relay.begun, ticket: 1 });
    this.runs.hear(w.bytes());
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
