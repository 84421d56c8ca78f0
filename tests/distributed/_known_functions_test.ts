// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals } from "@std/assert";
import {
  Relay,
  type RelayRequest,
} from "../../_internal/wire/relay_messages.ts";
import { KnownFunctions } from "../../distributed/_known_functions.ts";
import type { DefinitionBody } from "../../distributed/_protocol.ts";

function definition(byte: number, changes = {}): DefinitionBody {
  const payload = new Uint8Array([7, byte, byte >> 8]);
  return { name: "f", mutable: false, payload, ...changes };
}

Deno.test("KnownFunctions.get() knows a function by all that it is", () => {
  const functions = new KnownFunctions(() => {});
  const different: [DefinitionBody, boolean][] = [
    [definition(1), true],
    // What anybody may send is never what somebody has signed.
    [definition(1), false],
    [definition(2), true],
    [definition(1, { name: "g" }), true],
    [definition(1, { mutable: true }), true],
    [definition(1, { payload: new Uint8Array([7]) }), true],
  ];
  const ids = different.map((it) => functions.get(...it).id);
  assertEquals(new Set(ids).size, different.length);
  // Each of them behind each other one.
  for (const [i, a] of different.entries()) {
    for (const [j, b] of different.entries()) {
      assertEquals(functions.get(...a).id, ids[i]);
      assertEquals(functions.get(...b).id, ids[j]);
    }
  }
});

Deno.test("KnownFunctions.get() forgets the function that was used least recently", () => {
  const requests: RelayRequest[] = [];
  const functions = new KnownFunctions((it) => requests.push(it));
  const known = Array.from(
    { length: 512 },
    (_, i) => functions.get(definition(i), true),
  );
  assertEquals(functions.get(definition(0), true), known[0]!);
  assertEquals(requests.every(({ tag }) => tag === Relay.define), true);
  functions.get(definition(512), true);

  const [defined, forgotten] = requests.slice(512);
  assertEquals(defined?.tag, Relay.define);
  assertEquals(forgotten, { tag: Relay.forget, definition: known[1]!.id });
  assertEquals(functions.get(definition(0), true), known[0]!);
});
