// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals, assertThrows } from "@std/assert";
import { SerializationError } from "../../../_internal/base/errors.ts";
import { ByteWriter } from "../../../_internal/wire/bytes.ts";
import { CallMode } from "../../../_internal/wire/messages.ts";
import {
  Question,
  readRelayAnswer,
  readRelayRequest,
  Relay,
  type RelayAnswer,
  type RelayRequest,
  writeRelay,
} from "../../../_internal/wire/relay_messages.ts";

const payload = new Uint8Array([0, 255, 7]);
const call = {
  tag: Relay.submit,
  ticket: 300,
  executor: "0123-4567/12",
  lane: "process",
  parent: 0,
  depth: 1000,
  mode: CallMode.stream,
  definition: 70_000,
  mutable: true,
  contexts: true,
  calls: 512,
  signals: 3,
  name: "täsk ✓",
  priority: -0.5,
  timeout: 0,
  retries: 2,
  maySendAhead: false,
  payload,
} as const;

const requests: RelayRequest[] = [
  {
    tag: Relay.define,
    definition: 5,
    name: "",
    mutable: false,
    payload,
  },
  { tag: Relay.forget, definition: 129 },
  call,
  {
    ...call,
    lane: "thread",
    parent: undefined,
    timeout: undefined,
    retries: Infinity,
    maySendAhead: true,
    mutable: false,
    contexts: false,
    signals: 0,
    payload: new Uint8Array(),
  },
  { ...call, lane: "inline", parent: 41 },
  { tag: Relay.cancel, ticket: 1, payload },
  { tag: Relay.credit, ticket: 2, items: 512 },
  { tag: Relay.finish, ticket: 3 },
  { tag: Relay.signal, ticket: 4, index: 0, isAhead: true, payload },
  { tag: Relay.signal, ticket: 4, index: 2, isAhead: false, payload },
  ...Object.values(Question).map((question) => ({
    tag: Relay.ask,
    ticket: 5,
    executor: "a/1",
    question,
  })),
];

const answers: RelayAnswer[] = [
  { tag: Relay.begun, ticket: 6 },
  { tag: Relay.progress, ticket: 7, done: 0.5, total: undefined },
  { tag: Relay.progress, ticket: 7, done: 1e9, total: 2e9 },
  { tag: Relay.done, ticket: 8, time: 1.25, payload },
  {
    tag: Relay.failed,
    ticket: 9,
    worker: undefined,
    payload,
  },
  {
    tag: Relay.failed,
    ticket: 9,
    worker: { id: 7, name: "pool-1_0", kind: "process" },
    payload,
  },
  {
    tag: Relay.failed,
    ticket: 9,
    worker: { id: 7, name: "pool-1_0", kind: "thread" },
    payload,
  },
  { tag: Relay.item, ticket: 10, payload },
  { tag: Relay.cancelled, ticket: 11, payload },
];

function written(message: RelayRequest | RelayAnswer): Uint8Array {
  const w = new ByteWriter(16);
  writeRelay(w, message);
  if ("payload" in message) w.raw(message.payload);
  return w.bytes().slice();
}

Deno.test("readRelayRequest() reads what writeRelay() wrote", () => {
  for (const message of requests) {
    assertEquals(readRelayRequest(written(message)), message);
  }
  // Each kind, and nothing twice by mistake.
  assertEquals(new Set(requests.map(({ tag }) => tag)).size, 8);
});

Deno.test("readRelayAnswer() reads what writeRelay() wrote", () => {
  for (const message of answers) {
    assertEquals(readRelayAnswer(written(message)), message);
  }
  assertEquals(new Set(answers.map(({ tag }) => tag)).size, 6);
});

Deno.test("readRelayRequest() and readRelayAnswer() refuse what is not theirs", () => {
  for (const message of answers) {
    assertThrows(() => readRelayRequest(written(message)), SerializationError);
  }
  for (const message of requests) {
    assertThrows(() => readRelayAnswer(written(message)), SerializationError);
  }
  for (const tag of [0, 9, 15, 22, 255]) {
    const bytes = new Uint8Array([tag, 0, 0, 0]);
    assertThrows(() => readRelayRequest(bytes), SerializationError);
    assertThrows(() => readRelayAnswer(bytes), SerializationError);
  }
});

Deno.test("readRelayRequest() refuses a message that is cut off", () => {
  const whole = written({ ...call, signals: 0, payload: new Uint8Array() });
  for (let end = 0; end < whole.length; end++) {
    assertThrows(
      () => readRelayRequest(whole.subarray(0, end)),
      Error,
      undefined,
      `${end} of ${whole.length} bytes`,
    );
  }
});

Deno.test("readRelayRequest() refuses what no executor asks for", () => {
  // A scheduler takes them as they are: it would hang, or make 2 ** 31 signals.
  for (
    const bad of [
      { mode: 9 as CallMode },
      { priority: NaN },
      { timeout: -1 },
      { retries: NaN },
      { retries: -1 },
      { signals: 2 ** 31 },
    ]
  ) {
    const bytes = written({ ...call, ...bad });
    assertThrows(() => readRelayRequest(bytes), SerializationError);
  }
  const ask = { tag: Relay.ask, ticket: 1, executor: "a/1" };
  const bytes = written({ ...ask, question: 99 as Question });
  assertThrows(() => readRelayRequest(bytes), SerializationError);
});
