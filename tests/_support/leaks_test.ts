// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import {
  findLeaks,
  PREFIX,
  type Snapshot,
  takeSnapshot,
  waitForLeaks,
} from "./leaks.ts";

const NOTHING: Snapshot = { workers: 0, children: new Map(), files: new Set() };

/** Whether children can be seen: `/proc` is Linux's. */
const IS_LINUX = Deno.build.os === "linux";

/** Runs a test file with this source under the leak check. */
async function runUnderCheck(source: string): Promise<string> {
  const folder = await Deno.makeTempDir();
  try {
    const file = join(folder, "leak_test.ts");
    await Deno.writeTextFile(file, source);
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "test",
        "-A",
        "--no-config",
        "--no-check",
        "--preload",
        new URL("./leaks.ts", import.meta.url).href,
        file,
      ],
      env: { NO_COLOR: "1", PARALLEL_LEAK_GRACE: "1000" },
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    return decoder.decode(stdout) + decoder.decode(stderr);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("findLeaks() names what is new and nothing else", () => {
  const before = { ...NOTHING, workers: 1, files: new Set(["/tmp/old"]) };
  assertEquals(findLeaks(before, before), []);
  const after: Snapshot = {
    workers: 3,
    children: new Map([[7, "deno run"]]),
    files: new Set(["/tmp/old", "/tmp/new"]),
  };
  assertEquals(findLeaks(before, after), [
    "2 live worker(s)",
    "child process 7: deno run",
    "file /tmp/new",
  ]);
});

Deno.test("takeSnapshot() sees our files and not those of other programs", async () => {
  const before = takeSnapshot();
  const ours = await Deno.makeTempFile({ prefix: `${PREFIX}${Deno.pid}-` });
  const bare = await Deno.makeTempFile({ prefix: `${PREFIX}x` });
  const other = await Deno.makeTempFile({ prefix: "other-" });
  // The parent of the tests is no child of theirs, and it is alive.
  const foreign = await Deno.makeTempFile({ prefix: `${PREFIX}${Deno.ppid}-` });
  try {
    const leaks = findLeaks(before, takeSnapshot());
    const expected = [ours, bare, ...IS_LINUX ? [] : [foreign]];
    assertEquals(leaks.sort(), expected.map((path) => `file ${path}`).sort());
  } finally {
    for (const path of [ours, bare, other, foreign]) await Deno.remove(path);
  }
});

Deno.test("waitForLeaks() waits for what goes away", async () => {
  const before = takeSnapshot();
  const path = await Deno.makeTempFile({ prefix: `${PREFIX}${Deno.pid}-` });
  assertEquals(await waitForLeaks(before, 0), [`file ${path}`]);
  const waiting = waitForLeaks(before);
  await Deno.remove(path);
  assertEquals(await waiting, []);
});

Deno.test({
  name: "the leak check fails a test that leaves a child process",
  ignore: !IS_LINUX,
  async fn() {
    const output = await runUnderCheck(`
      let child;
      Deno.test({ name: "leaks", sanitizeResources: false, sanitizeOps: false, fn() {
        child = new Deno.Command("sleep", { args: ["3600"] }).spawn();
      } });
      Deno.test("does not", async () => {
        child.kill();
        await child.status;
      });
    `);
    assertStringIncludes(output, "it left behind");
    assertStringIncludes(output, "sleep 3600");
    assertStringIncludes(output, "1 passed | 1 failed");
  },
});

Deno.test("the leak check fails a test that leaves a file", async () => {
  const output = await runUnderCheck(`
    let path;
    Deno.test("leaks", () => {
      path = Deno.makeTempFileSync({ prefix: "${PREFIX}" + Deno.pid + "-" });
    });
    Deno.test("does not", () => Deno.removeSync(path));
  `);
  assertStringIncludes(output, "it left behind");
  assertStringIncludes(output, "1 passed | 1 failed");
});
