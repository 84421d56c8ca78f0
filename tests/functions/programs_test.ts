// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Whole programs: inside and outside of this repository, with and without the
// permission to ask V8.

import { pathToFileURL } from "node:url";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";

const FOLDER = new URL("../_fixtures/functions/program/", import.meta.url);
const LIBRARY = new URL("../../mod.ts", import.meta.url).href;

type Outcomes = Record<string, unknown>;

async function deno(args: string[]): Promise<string[]> {
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args,
    stdin: "null",
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).trim().split("\n");
}

/** Runs the program and gives what its threads and its processes gave. */
async function runProgram(
  folder: URL,
  ...flags: string[]
): Promise<Outcomes[]> {
  const main = new URL("main.ts", folder).href;
  const [first, last, ...more] = await deno(["run", ...flags, main]);
  assertEquals(first, "top level");
  assertEquals(more, [], "a worker has run the main module");
  const { thread, process } = JSON.parse(last!);
  return [thread, process];
}

function expected(kind: unknown): Outcomes {
  return {
    "pure": 4,
    "exported by main": 3,
    "exported": 4,
    "with state": 1,
    "with state again": 2,
    "imports": [4, "b"],
    "current": kind,
    "import.meta": "main.ts",
    "dynamic import": 8,
    "callback": 3,
    "constant": 7,
    "variable": 1,
    "callback with a constant": 7,
    "made by an export": true,
    "callback that comes back": true,
  };
}

/** What needs the values of variables, which only V8 knows. */
const BLIND = ["constant", "variable", "callback with a constant"];

function assertRefused(outcomes: Outcomes, names: string[]): void {
  for (const name of names) {
    const outcome = String(outcomes[name]);
    assertStringIncludes(outcome, "SerializationError");
    assertStringIncludes(outcome, "--allow-sys");
    assertStringIncludes(outcome, "fromModule()");
    delete outcomes[name];
  }
}

Deno.test("a program's functions travel, and its top level runs once", async () => {
  assertEquals(await runProgram(FOLDER, "-A"), [
    expected("thread"),
    expected("process"),
  ]);
});

Deno.test("a program without --allow-sys sends exports and pure functions, and is told why not the others", async () => {
  const flags = ["-R", "-W", "-N", "--allow-env", "--allow-run"];
  for (const outcomes of await runProgram(FOLDER, ...flags)) {
    const all = expected(outcomes["current"]);
    assertRefused(outcomes, BLIND);
    for (const name of BLIND) delete all[name];
    assertEquals(outcomes, all);
  }
});

Deno.test("a program outside of any project imports the library by its path", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for await (const { name } of Deno.readDir(FOLDER)) {
      const text = await Deno.readTextFile(new URL(name, FOLDER));
      await Deno.writeTextFile(
        `${folder}/${name}`,
        text.replace("../../../../mod.ts", LIBRARY),
      );
    }
    const url = pathToFileURL(`${folder}/`);
    assertEquals(await runProgram(url, "-A"), [
      expected("thread"),
      expected("process"),
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("functions of deno eval travel", async () => {
  const code = `
    import { futures } from ${JSON.stringify(LIBRARY)};
    const offset = 3;
    let last = 0;
    for (const Pool of [futures.ThreadPoolExecutor, futures.ProcessPoolExecutor]) {
      await using pool = new Pool({ maxWorkers: 1 });
      last++;
      console.log(await pool.submit((x) => [x + offset, last], 4));
    }`;
  assertEquals(await deno(["eval", code]), ["[ 7, 1 ]", "[ 7, 2 ]"]);
});
