// Copyright 2026 the @concurrent/parallel authors. MIT license.

// `.ci/run` with a stand-in for Deno that prints what each case says.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";

const SCRIPT = fromFileUrl(new URL("../../.ci/run", import.meta.url));

interface Outcome {
  /** What the command prints. */
  output: string;
  /** Its exit status. */
  code: number;
}

const GATE: Outcome = {
  output: "gate: fmt: ok (0.1 s)\ngate: test --doc: ok (2.0 s)",
  code: 0,
};

/** Runs `.ci/run` and returns its last line and exit status. */
async function run(
  test: Outcome,
  gate: Outcome = GATE,
): Promise<{ last: string; code: number; all: string }> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, { output }] of Object.entries({ test, ok: gate })) {
      await Deno.writeTextFile(join(folder, name), `${output}\n`);
    }
    await Deno.writeTextFile(
      join(folder, "deno"),
      `cat "${folder}/$2"
      if [ "$2" = test ]; then exit ${test.code}; else exit ${gate.code}; fi`,
    );
    const { code, stdout } = await new Deno.Command("bash", {
      args: [SCRIPT],
      env: { DENO: `bash ${join(folder, "deno")}` },
      stdin: "null",
    }).output();
    const all = new TextDecoder().decode(stdout);
    return { last: all.trimEnd().split("\n").at(-1)!, code, all };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Bash and its tools are not to be had everywhere. */
const ignore = Deno.build.os === "windows";

Deno.test({
  name: ".ci/run counts tests, steps and checks",
  ignore,
  async fn() {
    const { last, code } = await run({
      output:
        "\x1b[32mok\x1b[0m | 12 passed (3 steps) | 0 failed | 1 ignored " +
        "(1 step) | 2 filtered out \x1b[90m(5s)\x1b[0m",
      code: 0,
    });
    assertEquals({ last, code }, { last: "17 passed, 0 failed", code: 0 });
  },
});

Deno.test({
  name: ".ci/run counts doc tests of the gate",
  ignore,
  async fn() {
    const { last } = await run(
      { output: "ok | 1 passed | 0 failed (5s)", code: 0 },
      { ...GATE, output: `ok | 4 passed | 0 failed (1s)\n${GATE.output}` },
    );
    assertEquals(last, "7 passed, 0 failed");
  },
});

Deno.test({
  name: ".ci/run fails with a failed test or step",
  ignore,
  async fn() {
    const { last, code } = await run({
      output: "FAILED | 2 passed (1 step) | 1 failed (1 step) (5s)",
      code: 1,
    });
    assertEquals({ last, code }, { last: "5 passed, 2 failed", code: 1 });
  },
});

Deno.test({
  name: ".ci/run fails with a failed check",
  ignore,
  async fn() {
    const { last, code } = await run(
      { output: "ok | 1 passed | 0 failed (5s)", code: 0 },
      {
        output: "gate: fmt: ok (1.0 s)\ngate: doc --lint: FAILED (1.0 s)",
        code: 1,
      },
    );
    assertEquals({ last, code }, { last: "2 passed, 1 failed", code: 1 });
  },
});

Deno.test({
  name: ".ci/run counts a crash of the tests or of the gate as a failure",
  ignore,
  async fn() {
    const { last, code } = await run(
      { output: "error: Type checking failed.", code: 1 },
      { output: "Killed", code: 137 },
    );
    assertEquals({ last, code }, { last: "0 passed, 2 failed", code: 1 });
  },
});

Deno.test({
  name: ".ci/run fails when no test ran",
  ignore,
  async fn() {
    const { last, code, all } = await run({
      output: "ok | 0 passed | 0 failed (0ms)",
      code: 0,
    });
    assertEquals({ last, code }, { last: "2 passed, 1 failed", code: 1 });
    assertStringIncludes(all, "No test ran");
  },
});
