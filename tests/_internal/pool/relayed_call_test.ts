// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals, assertInstanceOf } from "@std/assert";
import { SerializationError } from "../../../_internal/base/errors.ts";
import {
  networkBackend,
  NO_TRANSFER,
} from "../../../_internal/pool/backend.ts";
import { Job, type RemoteWork } from "../../../_internal/pool/job.ts";
import { JobEnds } from "../../../_internal/pool/job_ends.ts";
import { RelayedJob } from "../../../_internal/pool/relayed_call.ts";
import { ByteWriter } from "../../../_internal/wire/bytes.ts";
import type { Admit } from "../../../_internal/wire/codec.ts";
import {
  admitAnswer,
  admitStrangersAnswer,
} from "../../../_internal/wire/data_only.ts";
import { encodeError } from "../../../_internal/wire/error_codec.ts";
import { CallMode } from "../../../_internal/wire/messages.ts";
import { Relay } from "../../../_internal/wire/relay_messages.ts";

/** What a job hears that is answered with this value, which a stranger may not send. */
function heard(
  tag: typeof Relay.done | typeof Relay.failed | typeof Relay.item,
  value: unknown,
  admit: Admit | undefined,
): { readonly end: string; readonly value: unknown } {
  const work = networkBackend().prepare(
    () => value,
    [],
    CallMode.stream,
    NO_TRANSFER,
  ) as RemoteWork;
  let news: { end: string; value: unknown } | undefined;
  const hear = (end: string) => (value: unknown) => {
    news = { end, value };
  };
  const options = {
    name: "task",
    priority: 0,
    timeout: undefined,
    retries: 0,
    maySendAhead: true,
  };
  const job = new Job(work, options, {
    started() {},
    progressed() {},
    yielded: ({ value }) => hear("yielded")(value),
    succeeded: hear("succeeded"),
    failed: hear("failed"),
    cancelled: hear("cancelled"),
  });
  const w = new ByteWriter();
  encodeError(w, value, { root: "value", modules: new Set() });
  const relayed = new RelayedJob(job, work, new JobEnds(), () => {}, admit);
  const answer = { ticket: 1, time: 0, worker: undefined, payload: w.bytes() };
  relayed.hear({ tag, ...answer }, []);
  return news!;
}

Deno.test("RelayedJob.hear() takes of values and errors only what is admitted", () => {
  for (const admit of [undefined, admitAnswer]) {
    assertEquals(heard(Relay.done, /a/, admit), {
      end: "succeeded",
      value: /a/,
    });
    assertEquals(heard(Relay.item, /a/, admit), { end: "yielded", value: /a/ });
    assertEquals(heard(Relay.failed, /a/, admit), {
      end: "failed",
      value: /a/,
    });
  }
  const done = heard(Relay.done, /a/, admitStrangersAnswer);
  assertEquals(done.end, "failed");
  assertInstanceOf(done.value, SerializationError);
  const item = heard(Relay.item, /a/, admitStrangersAnswer);
  assertInstanceOf(item.value, SerializationError);
  const failed = heard(Relay.failed, /a/, admitStrangersAnswer);
  assertInstanceOf(failed.value, SerializationError);
});
