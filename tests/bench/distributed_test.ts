// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { createRows, judge } from "../../bench/_distributed/rows.ts";
import { hasRedis } from "../distributed/_redis.ts";

async function run(...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "bench/distributed.ts", ...args],
    cwd: new URL("../..", import.meta.url),
    env: { NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

Deno.test({
  name: "bench/distributed.ts --short measures every row",
  ignore: !hasRedis(),
  async fn() {
    const { code, stdout, stderr } = await run(
      ...["--short", "--tasks", "50", "--concurrency", "2"],
    );
    // A machine that is busy with other tests may miss a bar.
    assert(code <= 1, stderr);
    assertEquals(stderr, "");
    const [head, ...lines] = stdout.trimEnd().split("\n");
    assertMatch(head!, /BullMQ\s+DistributedExecutor\s+ratio\s+bar$/);
    const names = createRows(2, 50).map(({ name }) => name);
    assertEquals(lines.length, names.length, stdout);
    for (const [i, line] of lines.entries()) {
      assert(line.startsWith(names[i]!), line);
      assertMatch(line.slice(names[i]!.length), /^ .*\d(\/s| µs) .*\d\.\d\dx/);
    }
  },
});

Deno.test("judge() tells whether a bar is reached, in rates and in times", () => {
  const command = { scenario: "submit", args: [] };
  const both = { name: "row", bullmq: command, ours: command };
  const rate = { ...both, unit: "/s", bar: 0.8 } as const;
  assertEquals(judge(rate, { bullmq: 1000, ours: 800 }), {
    cells: ["row", "1 000/s", "800/s", "0.80x", "0.8x", "met"],
    isMet: true,
  });
  assertEquals(judge(rate, { bullmq: 1000, ours: 799 }).isMet, false);
  const time = { ...both, unit: "µs" } as const;
  assertEquals(judge(time, { bullmq: 500, ours: 1000 }), {
    cells: ["row", "500 µs", "1 000 µs", "0.50x", "", ""],
    isMet: undefined,
  });
});

Deno.test("bench/distributed.ts says what it does not know", async () => {
  assertEquals((await run("--what")).code, 2);
  const { code, stdout } = await run("--help");
  assertEquals(code, 0);
  assert(stdout.includes("--concurrency"));
});
