// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import * as distributed from "../../distributed/mod.ts";
import * as parallel from "../../mod.ts";
import { withMeeting } from "../_fixtures/meeting_delay.ts";
import { Folder, scaled } from "../_suites/_helpers.ts";

const ROOT = new URL("../../", import.meta.url);
const PAGES = [
  "README.md",
  "AGENTS.md",
  "CHANGELOG.md",
  "docs/architecture.md",
  "docs/distributed.md",
  "docs/performance.md",
  "docs/python_differences.md",
];

interface Block {
  readonly info: string;
  readonly code: string;
}

async function read(page: string): Promise<string> {
  return await Deno.readTextFile(new URL(page, ROOT));
}

/** The fenced blocks of a page. */
function blocksOf(text: string): Block[] {
  return [...text.matchAll(/^```([^\n]*)\n(.*?)^```$/gms)].map((
    [, info, code],
  ) => ({ info: info!, code: code! }));
}

/** The part of a page below a heading, up to the next of any level. */
function section(text: string, heading: string): string {
  const start = text.indexOf(`\n${heading}\n`);
  assert(start >= 0, `no heading ${heading}`);
  const rest = text.slice(start + heading.length + 2);
  const end = rest.search(/^#+ /m);
  return end < 0 ? rest : rest.slice(0, end);
}

/** As GitHub makes the anchor of a heading. */
function anchorOf(heading: string): string {
  return heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}

/** Runs a program given on standard input, as if it lay in the root. */
async function run(
  code: string,
  flags: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", ...flags, "-"],
    cwd: ROOT,
    env: { NO_COLOR: "1", ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(code));
  await writer.close();
  const output = await child.output();
  const decoder = new TextDecoder();
  return {
    code: output.code,
    stdout: decoder.decode(output.stdout),
    stderr: decoder.decode(output.stderr),
  };
}

Deno.test("The code in the documents type-checks", async () => {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", "--doc-only", ...PAGES],
    cwd: ROOT,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  assert(success, new TextDecoder().decode(stderr));
});

Deno.test("The code in the documents names a language, and none is left unchecked", async () => {
  for (const page of PAGES) {
    for (const { info, code } of blocksOf(await read(page))) {
      assertMatch(info, /^(ts|python|sh|text)$/, `${page}: ${code}`);
    }
  }
});

Deno.test("The links of the documents lead somewhere", async () => {
  for (const page of PAGES) {
    const text = await read(page);
    const prose = text.replace(/^```.*?^```$/gms, "");
    for (const [, target] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target!)) continue;
      const [path, anchor] = target!.split("#") as [string, string?];
      const url = new URL(path, new URL(page, ROOT));
      const info = await Deno.stat(url).catch(() => undefined);
      assert(info !== undefined, `${page}: ${target}`);
      if (anchor === undefined) continue;
      const other = path === "" ? text : await Deno.readTextFile(url);
      const anchors = [...other.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
        anchorOf(heading!)
      );
      assert(anchors.includes(anchor), `${page}: ${target}`);
    }
  }
});

Deno.test("The README names the commands that exist and their real output", async () => {
  const text = await read("README.md");
  const { tasks } = JSON.parse(await read("deno.json"));
  const named = [...text.matchAll(/npx --yes deno@([\d.]+) task (\w+)/g)];
  assertEquals(named.map(([, , task]) => task), ["test", "bench"]);
  for (const [, version, task] of named) {
    assert(task! in tasks);
    assertStringIncludes(await read(".ci/run"), `deno@${version}`);
  }
  const outputs = blocksOf(section(text, "## Try it"))
    .filter(({ info }) => info === "text");
  assertEquals(outputs.length, named.length);
  const printed = outputs.flatMap(({ code }) => [
    ...code.matchAll(/^Task (\S+) (.*)$/gm),
  ]);
  // With what runs before them.
  assertEquals(printed.map(([, task]) => task), ["deps", "test", "bench"]);
  for (const [, task, command] of printed) {
    assertEquals(command, tasks[task!].command);
  }
});

Deno.test("The four programs of the README print what it says, in two seconds and a bit", async () => {
  const text = await read("README.md");
  const headings = [
    "### Threads",
    "### Processes",
    "### A pool of threads",
    "### A pool of processes",
  ];
  await Promise.all(headings.map(async (heading) => {
    const blocks = blocksOf(section(text, heading));
    assertEquals(blocks[0]!.info, "python");
    assertEquals(blocks[1]!.info, "ts");
    using meeting = new Folder();
    const program = withMeeting(blocks[1]!.code);
    assert(program !== blocks[1]!.code, heading);
    const start = performance.now();
    const { code, stdout, stderr } = await run(program, ["-A"], {
      MEETING: meeting.path,
    });
    const time = performance.now() - start;
    assertEquals({ heading, code, stderr }, { heading, code: 0, stderr: "" });
    const lines = stdout.trimEnd().split("\n");
    const [numbers, isPool] = [[1, 2, 3, 4, 5], heading.includes("pool")];
    const done = numbers.map((n) => `Done: ${n}`);
    assertEquals(
      lines.slice(0, 5).sort(),
      numbers.map((n) => `Worker: ${n}`),
      heading,
    );
    assertEquals(isPool ? lines.slice(5) : lines.slice(5).sort(), done);
    // Two seconds of waiting; the rest is generous for a machine under load.
    assert(time > 1_950 && time < scaled(15_000), `${heading}: ${time} ms`);
  }));
  assertEquals(
    blocksOf(section(text, "### A pool of processes")).at(-1)!.code,
    [1, 2, 3, 4, 5].map((n) => `Worker: ${n}\n`).join("") +
      [1, 2, 3, 4, 5].map((n) => `Done: ${n}\n`).join(""),
  );
});

/** What the README's table of permissions claims: flags, function, what comes of it. */
const PERMISSIONS: [
  backend: "Thread" | "Process",
  flags: string,
  call: string,
  expected: string,
][] = [
  ["Thread", "--allow-read", "(n: number) => n * 2", "ok 42"],
  ["Thread", "--allow-read", "(n: number) => n * factor", "SerializationError"],
  ["Thread", "--allow-read --allow-sys", "(n: number) => n * factor", "ok 63"],
  ["Process", "--allow-run", "(n: number) => n * 2", "BrokenProcessPoolError"],
  [
    "Process",
    "--allow-run --allow-net=127.0.0.1",
    "(n: number) => n * 2",
    "ok 42",
  ],
  [
    "Process",
    "--allow-run --allow-read --allow-write --allow-net --allow-sys",
    "(n: number) => n * factor",
    "ok 63",
  ],
];

Deno.test("The permissions that the README asks for are enough, and fewer are not", async () => {
  await Promise.all(
    PERMISSIONS.map(async ([backend, flags, call, expected]) => {
      const { stdout, stderr } = await run(
        `
import { ${backend}PoolExecutor } from "@concurrent/parallel/futures";
const factor = 3;
await using pool = new ${backend}PoolExecutor({ maxWorkers: 1 });
try {
  console.log("ok", await pool.submit(${call}, 21));
} catch (error) {
  console.log((error as Error).name);
}
void factor;
`,
        flags.split(" "),
      );
      assertEquals(
        { flags, call, outcome: stdout.trim(), stderr },
        { flags, call, outcome: expected, stderr: "" },
      );
    }),
  );
});

Deno.test("The differences from Python name every public class and function", async () => {
  const text = await read("docs/python_differences.md");
  const { futures, threading, multiprocessing } = parallel;
  const names = new Set(
    [futures, threading, multiprocessing, distributed].flatMap((family) =>
      Object.keys(family)
    ),
  );
  assert(names.size > 20);
  const missing = [...names].filter((name) =>
    !new RegExp(`\\b${name}\\b`).test(text)
  );
  assertEquals(missing, []);
});
