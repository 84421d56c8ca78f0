// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The context of whole programs, with and without the permission to ask V8.

import { assert, assertEquals } from "@std/assert";

const MAIN = new URL("../_fixtures/contexts/main.ts", import.meta.url).href;

const FOUND = {
  exported: ["trace", "request"],
  "of main": "user",
  imported: "request",
  "by an import": "request",
  passed: "user",
  "of no export": "none",
};

async function run(...flags: string[]): Promise<unknown[]> {
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", ...flags, MAIN],
    stdin: "null",
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

Deno.test("a program's tasks find its context", async () => {
  assertEquals(await run("-A"), [FOUND, FOUND]);
});

Deno.test("a program without --allow-sys has the context of exports and imports", async () => {
  const blind = { ...FOUND, "of main": "SerializationError" };
  assertEquals(
    await run("-R", "-W", "-N", "--allow-env", "--allow-run"),
    [blind, blind],
  );
});
