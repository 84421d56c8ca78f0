// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertMatch } from "@std/assert";

async function run(...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "bench/threading.ts", ...args],
    cwd: new URL("../..", import.meta.url),
    env: { NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

Deno.test("bench/threading.ts --short measures every row", async () => {
  const { code, stdout, stderr } = await run("--short", "--repeat", "1");
  // A machine that is busy with other tests may miss a bar.
  assert(code <= 1, stderr);
  const [head, ...rows] = stdout.trimEnd().split("\n");
  assertMatch(head!, /bare Atomics\s+threading\s+bar$/);
  assertEquals(rows.length, 8, stdout);
  for (const row of rows) assertMatch(row, /\d (ns|ms)|\d\/s/);
  assertMatch(
    rows[0]!,
    /^acquire and release, free, blocking .* (met|MISSED)$/,
  );
  assertEquals(stderr, "");
});

Deno.test("bench/threading.ts says what it does not know", async () => {
  assertEquals((await run("--what")).code, 2);
  assertEquals((await run("--repeat", "0")).code, 2);
  const { code, stdout } = await run("--help");
  assertEquals(code, 0);
  assert(stdout.includes("--repeat"));
});

Deno.test("tests/stress/threading_stress.ts runs what it is asked for", async () => {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      "tests/stress/threading_stress.ts",
      ...["--only", "count under a Lock", "--scale", "0.01"],
      ...["--seconds", "1", "--seed", "7"],
    ],
    cwd: new URL("../..", import.meta.url),
  }).output();
  assertEquals(code, 0);
  const lines = new TextDecoder().decode(stdout).trimEnd().split("\n");
  assertEquals(lines[0], "seed 7");
  assertMatch(
    lines[1]!,
    /^ok count under a Lock, 2 threads, seed 7 \(\d+ ms\)$/,
  );
  assertMatch(lines.at(-1)!, /runs in \d+ s, all as they must be$/);
});
