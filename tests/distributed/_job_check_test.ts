// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { networkBackend, NO_TRANSFER } from "../../_internal/pool/backend.ts";
import { Job, type RemoteWork } from "../../_internal/pool/job.ts";
import { writeCall } from "../../_internal/pool/relayed_call.ts";
import {
  type AnyFunction,
  fromModule,
} from "../../_internal/wire/functions/task.ts";
import { ByteWriter } from "../../_internal/wire/bytes.ts";
import { Relay, writeRelay } from "../../_internal/wire/relay_messages.ts";
import { CallMode } from "../../_internal/wire/messages.ts";
import {
  JobCheck,
  JobRefusal,
  type QueuedJob,
} from "../../distributed/_job_check.ts";
import {
  type JobBody,
  jobId,
  places,
  writeControl,
  writeJob,
} from "../../distributed/_protocol.ts";
import { Seal } from "../../distributed/_seal.ts";
import { visit } from "../_internal/wire/functions/fixtures/values.ts";

const QUEUE = "tests";
const URL_OF_VISIT = import.meta.resolve(
  "../_internal/wire/functions/fixtures/values.ts",
);
const KEY = new Seal(new TextEncoder().encode("the key"));
const OTHER_KEY = new Seal(new TextEncoder().encode("another key"));
const NO_KEY = new Seal(undefined);
const WITH_KEY = new JobCheck(QUEUE, KEY, new Set());
const WITH_LIST = new JobCheck(QUEUE, KEY, new Set([URL_OF_VISIT]));

/** The body of a job; `changes` are made before it is written. */
function bodyOf(
  fn: AnyFunction,
  args: readonly unknown[] = [],
  changes: Partial<JobBody> = {},
): Uint8Array {
  const mode = CallMode.single;
  const work = networkBackend().prepare(fn, args, mode, NO_TRANSFER);
  assert(work.kind === "remote");
  const remote: RemoteWork = work;
  const name = "name";
  const job = new Job(remote, {
    name,
    priority: 0,
    timeout: undefined,
    retries: 0,
    maySendAhead: true,
  }, {} as Job["observer"]);
  const { name: label, payload } = remote.definition;
  const call = writeCall(job, remote, {
    ticket: 7,
    executor: "",
    lane: "process",
    parent: undefined,
  });
  const { mutable, bytes } = payload;
  return writeJob(jobId("client", 7), name, {
    client: "client",
    number: 7,
    definition: remote.whole
      ? undefined
      : { name: label, mutable, payload: bytes },
    kind: undefined,
    maxPayload: 1000,
    resultTtl: 1000,
    signals: [],
    call,
    ...changes,
  });
}

function queued(message: Uint8Array): QueuedJob {
  return { id: "client-7", name: "name", data: message.toBase64() };
}

const sealed = (seal: Seal, body: Uint8Array, queue = QUEUE) =>
  seal.close(places.job(queue), body);

function reasonOf(check: JobCheck, job: QueuedJob): string {
  return assertThrows(() => check.open(job), JobRefusal).reason;
}

Deno.test("JobCheck.open() takes what is signed with its key, as the job that it is", () => {
  const message = sealed(KEY, bodyOf((x: number) => x, [1]));
  const { isSigned, body, call } = WITH_KEY.open(queued(message));
  assertEquals([isSigned, body.number, call.ticket], [true, 7, 7]);

  const other = /^it was made as job 'client-7' \(name\), not as this one$/;
  const job = queued(message);
  assertMatch(reasonOf(WITH_KEY, { ...job, id: "client-8" }), other);
  assertMatch(reasonOf(WITH_KEY, { ...job, name: "another" }), other);
  const mismatch = /^its signature does not match/;
  const elsewhere = new JobCheck("another queue", KEY, new Set());
  assertMatch(reasonOf(elsewhere, job), mismatch);
  const stranger = sealed(OTHER_KEY, bodyOf(() => 1));
  assertMatch(reasonOf(WITH_KEY, queued(stranger)), mismatch);
  const keyless = new JobCheck(QUEUE, NO_KEY, new Set());
  assertMatch(reasonOf(keyless, job), /the node was started without a key$/);
  assertMatch(
    reasonOf(WITH_KEY, { ...job, data: { call: "me" } }),
    /not made by an executor/,
  );
});

Deno.test("JobCheck.open() refuses a signed job with any bit changed, or an end missing", () => {
  const message = sealed(KEY, bodyOf(() => 1));
  for (let at = 0; at < message.length * 8; at++) {
    const changed = message.slice();
    changed[at >> 3]! ^= 1 << (at & 7);
    reasonOf(WITH_LIST, queued(changed));
  }
  for (let length = 0; length < message.length; length++) {
    reasonOf(WITH_LIST, queued(message.subarray(0, length)));
  }
});

Deno.test("JobCheck.open() refuses what was signed to be something else", () => {
  const body = bodyOf(() => 1);
  for (
    const place of [
      places.control(QUEUE),
      places.answers(QUEUE, "client"),
      `${places.job(QUEUE)} `,
    ]
  ) {
    const job = queued(KEY.close(place, body));
    assertMatch(reasonOf(WITH_KEY, job), /^its signature does not match/);
  }
  const control = writeControl({ client: "client", number: 7, message: body });
  assertMatch(
    reasonOf(WITH_KEY, queued(sealed(KEY, control))),
    /^it cannot be read$|^it was made as job/,
  );
});

Deno.test("JobCheck.open() lets nobody run code without a signature", () => {
  const [version] = sealed(KEY, bodyOf(() => 1));
  // As one that is not signed, the signature cut out.
  const stripped = new Uint8Array([
    version!,
    0,
    ...sealed(KEY, bodyOf(() => 1)).subarray(34),
  ]);
  const code = /^it is not signed, and its function comes as code/;
  assertMatch(reasonOf(WITH_LIST, queued(stripped)), code);
  const list = [
    WITH_LIST,
    new JobCheck(QUEUE, NO_KEY, new Set([URL_OF_VISIT])),
  ];
  for (const check of list) {
    const reason = (...body: Parameters<typeof bodyOf>) =>
      reasonOf(check, queued(sealed(NO_KEY, bodyOf(...body))));
    assertMatch(reason(() => 1), code);
    assertMatch(reason(visit, [() => 1]), /a module to import|a function/);
    assertMatch(reason(visit, [parseInt]), /a built-in function/);
    assertMatch(reason(visit, [/a/]), /a regular expression/);
    assertMatch(reason(visit, [new AbortController().signal]), /AbortSignal/);
    // The function is among the arguments.
    assertMatch(
      reason(visit, [], { definition: undefined }),
      /is no call|code/,
    );

    const { isSigned } = check.open(
      queued(sealed(NO_KEY, bodyOf(visit, [{ a: [1, new Date()] }]))),
    );
    assertEquals(isSigned, false);
  }
  assertEquals(
    reasonOf(WITH_KEY, queued(sealed(NO_KEY, bodyOf(visit)))),
    `it is not signed, and module '${URL_OF_VISIT}' is not on the list of this node, which is empty`,
  );
});

Deno.test("JobCheck.open() repeats nothing of a stranger's that a terminal would obey", () => {
  const url = `file:///\u001b[2J${"x".repeat(5000)}`;
  const listed = new JobCheck(QUEUE, NO_KEY, new Set());
  const stranger = fromModule<{ run(): void }>(url).run;
  const reason = reasonOf(listed, queued(sealed(NO_KEY, bodyOf(stranger))));
  assertMatch(
    reason,
    /^it is not signed, and module 'file:\/\/\/\ufffd\[2Jx+$/,
  );
  assertEquals(reason.length, 1000);
  // It would be the name of a stream.
  const client = bodyOf(visit, [], { client: "a b" });
  assertMatch(
    reasonOf(WITH_LIST, queued(sealed(NO_KEY, client))),
    /is no call/,
  );
});

Deno.test("JobCheck.open() refuses damaged messages of strangers, and nothing worse happens", () => {
  const message = sealed(NO_KEY, bodyOf(visit, [{ a: ["text", 1n] }]));
  let taken = 0;
  for (let at = 16; at < message.length * 8; at++) {
    const changed = message.slice();
    changed[at >> 3]! ^= 1 << (at & 7);
    try {
      const { body, call } = WITH_LIST.open(queued(changed));
      taken++;
      // What was changed is a name, a number or the text.
      assertEquals(call.definition !== 0, body.definition !== undefined);
    } catch (error) {
      assert(error instanceof JobRefusal, String(error));
    }
  }
  assert(taken > 0);
  for (let length = 0; length < message.length; length++) {
    reasonOf(WITH_LIST, queued(message.subarray(0, length)));
  }
});

Deno.test("JobCheck.open() takes nothing for a call that is none, whoever has signed it", () => {
  const w = new ByteWriter();
  writeRelay(w, { tag: Relay.finish, ticket: 7 });
  const finish = w.bytes();
  const changes: Partial<JobBody>[] = [
    { call: finish },
    { signals: [finish] },
    { definition: undefined },
    { maxPayload: NaN },
    { maxPayload: -1 },
    { resultTtl: NaN },
    { resultTtl: -1 },
  ];
  for (const change of changes) {
    const job = queued(sealed(KEY, bodyOf(visit, [], change)));
    assertEquals(reasonOf(WITH_KEY, job), "it is no call");
  }
});
