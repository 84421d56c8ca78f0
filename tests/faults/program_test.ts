// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What becomes of whole programs: they end by themselves, they do not end too
// early, and no child outlives them.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Folder, scaled, soon, until } from "../_suites/_helpers.ts";
import { isAlive } from "../_support/processes.ts";

/** Longer than any of these programs may take, in milliseconds. */
const LIMIT = 120_000;

interface Ending {
  readonly code: number;
  readonly lines: string[];
  readonly errors: string;
  readonly took: number;
}

function start(mode: string, folder: Folder): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--quiet",
      new URL("./_fixtures/program.ts", import.meta.url).href,
      mode,
      folder.path,
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
}

async function run(mode: string): Promise<Ending> {
  using folder = new Folder();
  const since = performance.now();
  const child = start(mode, folder);
  const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const text = new TextDecoder();
  return {
    code,
    lines: text.decode(stdout).split("\n").slice(0, -1),
    errors: text.decode(stderr),
    took: performance.now() - since,
  };
}

const ends: [string, string, string[]][] = [
  ["with idle pools", "idle", ["9", "9", "9", "9"]],
  [
    "whose threads have filled their heaps, or computed for ever",
    "limited",
    ["9", "WorkerCrashedError", "TaskTimeoutError", "16"],
  ],
  [
    "whose pools were not closed, and are half read,",
    "unclosed",
    ["1", "1", "4 9", "4 9"],
  ],
  ["with pools that were never used", "unused", []],
  ["with pools that are ready", "ready", ["ready"]],
  ["after shutdown() that was not waited for", "shutdownNoWait", ["25"]],
  ["with a thread that is stuck", "stuck", ["TaskTimeoutError 0", "36"]],
  [
    "that shuts a stuck thread's executor down",
    "stuckShutdown",
    ["TaskTimeoutError", "stuck 1"],
  ],
  [
    "with cancelled futures",
    "cancelled",
    ["cancelled cancelled cancelled"],
  ],
];

for (const [what, mode, lines] of ends) {
  Deno.test(`a program ${what} ends by itself`, async () => {
    const ending = await run(mode);
    assertEquals(ending.lines, lines, ending.errors);
    assertEquals(ending.errors, "");
    assertEquals(ending.code, 0);
    assert(ending.took < LIMIT / 2, `${ending.took} ms`);
  });
}

Deno.test("a program does not end before its tasks have", async () => {
  const { code, lines, errors } = await run("pending");
  assertEquals(code, 0, errors);
  assertEquals(lines.toSorted(), ["process 16", "thread 9"]);
});

Deno.test("a program does not end before its threads and processes have", async () => {
  const { code, lines, errors } = await run("waits");
  assertEquals(code, 0, errors);
  assertEquals(lines.toSorted(), ["process", "thread"]);
});

Deno.test("a failure that nobody looks at ends the program, as any rejection", async () => {
  const { code, errors, took } = await run("unhandled");
  assertEquals(code, 1);
  assertStringIncludes(errors, "nobody looks");
  assert(took < LIMIT / 2, `${took} ms`);
});

Deno.test("Thread whose target throws prints it and does not end the program", async () => {
  const { code, errors } = await run("threadError");
  assertEquals(code, 0);
  assertStringIncludes(errors, "Exception in thread Worker-A");
  assertStringIncludes(errors, "RangeError: in a thread");
  assertEquals(errors.split("RangeError: in a thread").length, 2);
});

Deno.test("Process whose target throws prints its stack and has exit code 1", async () => {
  const { code, lines, errors } = await run("processError");
  assertEquals(code, 0);
  assertEquals(lines, ["exit code 1"]);
  assertStringIncludes(errors, "RangeError: in a process");
  assertStringIncludes(errors, "at raise");
});

Deno.test("daemons do not hold the program up, and end with it", async () => {
  const { code, lines, errors, took } = await run("daemons");
  assertEquals(code, 0, errors);
  assert(took < LIMIT / 2, `${took} ms`);
  const pid = Number(lines[0]!.split(" ")[1]);
  await until("the child is gone", () => !isAlive(pid));
});

Deno.test("kill -9 of a program leaves none of its processes after 2 s", async () => {
  using folder = new Folder();
  const child = start("busy", folder);
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await soon("the pids", reader.read());
    assert(!done, "the program ended too early");
    text += value;
  }
  const pids = text.trim().split(" ").slice(1).map(Number);
  assertEquals(pids.length, 4);
  for (const pid of pids) assert(isAlive(pid));
  child.kill("SIGKILL");
  const since = performance.now();
  await child.status;
  for (const pid of pids) {
    await until(`${pid} is gone`, () => !isAlive(pid));
  }
  const took = performance.now() - since;
  assert(took < scaled(2_000), `${took} ms`);
  await reader.cancel();
  await child.stderr.cancel();
});
