// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals, assertThrows } from "@std/assert";
import {
  jobId,
  readAnswers,
  readControl,
  readJob,
  writeAnswers,
  writeControl,
  writeJob,
} from "../../distributed/_protocol.ts";
import { SerializationError } from "../../mod.ts";

const job = {
  client: "client",
  number: 2 ** 40,
  definition: {
    name: "fn",
    mutable: true,
    payload: new Uint8Array([0, 255]),
  },
  kind: "io" as const,
  maxPayload: 1024,
  resultTtl: Infinity,
  signals: [new Uint8Array([8, 1]), new Uint8Array()],
  call: new Uint8Array([3, 1, 4]),
};
const id = jobId(job.client, job.number);

/** As plain arrays: views differ in what they lie in. */
const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(
      value,
      (_key, it) =>
        it instanceof Uint8Array ? [...it] : it === Infinity ? "Infinity" : it,
    ),
  );

Deno.test("readJob() reads what writeJob() wrote", () => {
  const read = readJob(writeJob(id, "label", job));
  assertEquals(plain(read), plain({ id, name: "label", ...job }));
  const whole = { ...job, definition: undefined, kind: undefined, signals: [] };
  assertEquals(
    plain(readJob(writeJob(id, "grüße", whole))),
    plain({ id, name: "grüße", ...whole }),
  );
});

Deno.test("readControl() reads what writeControl() wrote", () => {
  const control = { client: "c", number: 7, message: new Uint8Array([4]) };
  assertEquals(plain(readControl(writeControl(control))), plain(control));
});

Deno.test("readAnswers() reads what writeAnswers() wrote", () => {
  const answers = {
    node: "node",
    answers: [
      { number: 1, run: 1, place: 1, message: new Uint8Array(3), reason: "" },
      { number: 2, run: 3, place: 4, message: undefined, reason: "no key" },
    ],
  };
  assertEquals(plain(readAnswers(writeAnswers(answers))), plain(answers));
});

Deno.test("readAnswers() gives names and reasons that a terminal does not obey", () => {
  const text = "a\u001b[2J";
  const { node, answers } = readAnswers(writeAnswers({
    node: text,
    answers: [{
      number: 1,
      run: 1,
      place: 1,
      message: undefined,
      reason: text,
    }],
  }));
  assertEquals([node, answers[0]!.reason], ["a\ufffd[2J", "a\ufffd[2J"]);
});

Deno.test("readAnswers() cuts a reason that is long", () => {
  const reason = "x".repeat(100_000);
  const [answer] = readAnswers(writeAnswers({
    node: "n",
    answers: [{ number: 1, run: 1, place: 1, message: undefined, reason }],
  })).answers;
  assertEquals(answer!.reason.length, 1000);
});

Deno.test("readJob(), readControl() and readAnswers() refuse what was cut, with a SerializationError", () => {
  const control = { client: "c", number: 7, message: new Uint8Array() };
  const answer = {
    number: 1,
    run: 1,
    place: 1,
    message: new Uint8Array(3),
    reason: "",
  };
  const messages = [
    [readJob, writeJob(id, "label", { ...job, call: new Uint8Array() })],
    [readControl, writeControl(control)],
    [readAnswers, writeAnswers({ node: "n", answers: [answer] })],
  ] as const;
  for (const [read, message] of messages) {
    for (let length = 0; length < message.length; length++) {
      assertThrows(() => read(message.subarray(0, length)), SerializationError);
    }
  }
});
