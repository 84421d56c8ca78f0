// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals, assertStrictEquals } from "@std/assert";
import {
  admitAnswer,
  admitStrangersAnswer,
} from "../../_internal/wire/data_only.ts";
import { ClientMessages } from "../../distributed/_client_messages.ts";
import { Keys, places, writeAnswers } from "../../distributed/_protocol.ts";
import { parseAuthKey, Seal } from "../../distributed/_seal.ts";

const create = (key?: string) =>
  new ClientMessages({
    keys: new Keys("q"),
    authKey: parseAuthKey("test", key),
    resultTtl: 1000,
    maxPayload: 1000,
  });

Deno.test("ClientMessages.admit takes of strangers less than of who knows the key", () => {
  assertStrictEquals(create("key").admit, admitAnswer);
  assertStrictEquals(create().admit, admitStrangersAnswer);
});

Deno.test("ClientMessages.client is another one for each", () => {
  assertEquals(create().client === create().client, false);
});

Deno.test("ClientMessages.open() trusts what is signed for this client, or all where there is no key", () => {
  const body = writeAnswers({ node: "n", answers: [] });
  const open = (
    messages: ClientMessages,
    { key, client = messages.client, queue = "q" }: {
      key?: string;
      client?: string;
      queue?: string;
    },
  ) =>
    messages.open(
      new Seal(parseAuthKey("test", key)).close(
        places.answers(queue, client),
        body,
      ),
    );
  const keyed = create("key");
  assertEquals(open(keyed, { key: "key" })?.isTrusted, true);
  // Its refusals are read all the same.
  assertEquals(open(keyed, {})?.isTrusted, false);
  assertEquals(open(keyed, {})?.node, "n");
  assertEquals(open(keyed, { key: "other" })?.isTrusted, false);
  assertEquals(open(keyed, { key: "key", client: "c" })?.isTrusted, false);
  assertEquals(open(keyed, { key: "key", queue: "r" })?.isTrusted, false);
  assertEquals(open(create(), {})?.isTrusted, true);
  assertEquals(keyed.open(new Uint8Array([1, 0])), undefined);
});
