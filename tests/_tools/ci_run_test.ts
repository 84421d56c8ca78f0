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

/** What `.ci/run` and the commands below call. */
const TOOLS = "awk basename bash cat dirname env id mktemp rm tee timeout true";

/**
 * Runs `.ci/run` and returns its last line and exit status.
 *
 * @param commands What else is on the path, with the lines that it consists of;
 * `$LOG` is a file that they may write to.
 */
async function run(
  test: Outcome,
  gate: Outcome = GATE,
  commands: Record<string, string> = { "redis-server": "" },
): Promise<{ last: string; code: number; all: string; log: string }> {
  const folder = await Deno.makeTempDir();
  const bin = join(folder, "bin");
  const log = join(folder, "log");
  try {
    await Deno.mkdir(bin);
    await Deno.writeTextFile(log, "");
    for (const tool of TOOLS.split(" ")) {
      const path = await findTool(tool);
      // macOS has no timeout(1).
      if (path !== undefined) await Deno.symlink(path, join(bin, tool));
    }
    for (const [name, lines] of Object.entries(commands)) {
      await Deno.remove(join(bin, name)).catch(() => {});
      await Deno.writeTextFile(join(bin, name), `#!/bin/sh\n${lines}\n`, {
        mode: 0o755,
      });
    }
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
      env: { DENO: `bash ${join(folder, "deno")}`, PATH: bin, LOG: log },
      stdin: "null",
    }).output();
    const all = new TextDecoder().decode(stdout);
    return {
      last: all.trimEnd().split("\n").at(-1)!,
      code,
      all,
      log: await Deno.readTextFile(log),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function findTool(name: string): Promise<string | undefined> {
  for (const folder of Deno.env.get("PATH")!.split(":")) {
    const path = join(folder, name);
    if (await Deno.stat(path).then((it) => it.isFile, () => false)) return path;
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

const PASSED: Outcome = { output: "ok | 1 passed | 0 failed (5s)", code: 0 };
/** Logs its last two words (what it is to do), and does it. */
const APT_GET = `for word; do verb=$last last=$word; done
echo "$verb $last" >> "$LOG"
case "$last" in redis-server) printf '#!/bin/sh\\n' > "\${0%/*}/redis-server";; esac`;
const ROOT = "echo 0";

Deno.test({
  name:
    ".ci/run installs redis-server where there is none, and stops what that starts",
  ignore,
  async fn() {
    const { last, all, log } = await run(PASSED, GATE, {
      "apt-get": APT_GET,
      id: ROOT,
      service: 'echo "service $*" >> "$LOG"',
    });
    assertEquals(last, "3 passed, 0 failed");
    assertEquals(
      log,
      "--no-install-recommends redis-server\nservice redis-server stop\n",
    );
    assertEquals(all.startsWith("> bash "), true);
  },
});

Deno.test({
  name: ".ci/run installs nothing where there is a redis-server, or nobody may",
  ignore,
  async fn() {
    const there = { "apt-get": APT_GET, id: ROOT, "redis-server": "" };
    assertEquals((await run(PASSED, GATE, there)).log, "");
    const others = { "apt-get": APT_GET, id: "echo 1000", sudo: "exit 1" };
    assertEquals((await run(PASSED, GATE, others)).log, "");
  },
});

Deno.test({
  name: ".ci/run goes on where redis-server cannot be installed",
  ignore,
  async fn() {
    const { last, code, all, log } = await run(PASSED, GATE, {
      "apt-get": `for word; do last=$word; done
        echo "$last" >> "$LOG"
        echo "E: there is no network" >&2
        exit 100`,
      id: "echo 1000",
      sudo: 'shift\nexec "$@"',
    });
    assertEquals({ last, code }, { last: "3 passed, 0 failed", code: 0 });
    // Once as it is, and then the list of packages.
    assertEquals(log, "redis-server\nupdate\n");
    assertEquals(all.includes("no network"), false);
  },
});
