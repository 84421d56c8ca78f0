// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertMatch } from "@std/assert";

async function run(...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "bench/multiprocessing.ts", ...args],
    cwd: new URL("../..", import.meta.url),
    env: { NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

Deno.test("bench/multiprocessing.ts measures a row, checks what arrives and puts it into a document", async () => {
  const doc = await Deno.makeTempFile();
  try {
    const place = (text: string) =>
      `<!-- bench:multiprocessing table -->${text}<!-- bench:multiprocessing end -->`;
    await Deno.writeTextFile(doc, place("\n\nold\n\n"));
    const args = ["--short", "--only", "round trip", "--doc", doc];
    const { code, stdout, stderr } = await run(...args);
    // A machine that is busy with other tests may miss a bar.
    assert(code <= 1, stderr);
    const [head, row, ...rest] = stdout.trimEnd().split("\n");
    assertMatch(head!, /with FFI\s+without\s+Python\s+fork\s+to Python\s+bar$/);
    assertMatch(row!, /^pipe, round trip [a-z ]+ ([\d .]+ µs\s+){2}/);
    // Where there is no Python there is nothing to compare with.
    assertMatch(row!, /2x( +(met|MISSED))?$/);
    assertEquals(rest, []);
    assertEquals(stderr, "");
    const text = await Deno.readTextFile(doc);
    assertMatch(text, /\| pipe, round trip of a small object \| [\d .]+ µs \|/);
    assert(!text.includes("old"));
  } finally {
    await Deno.remove(doc);
  }
});

Deno.test("bench/multiprocessing.ts says what it does not know", async () => {
  assertEquals((await run("--what")).code, 2);
  assertEquals((await run("--only", "what")).code, 2);
  const { code, stdout } = await run("--help");
  assertEquals(code, 0);
  assert(stdout.includes("--repeat"));
});
