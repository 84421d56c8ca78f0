// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { countPrimes } from "../../examples/distributed.ts";
import { redisTest } from "../distributed/_redis.ts";
import { linesOf, runExample } from "./_run_example.ts";

Deno.test("countPrimes() counts from the first to before the last", () => {
  const cases: [from: number, to: number, count: number][] = [
    [0, 0, 0],
    [0, 3, 1],
    [0, 100, 25],
    [97, 97, 0],
    [97, 98, 1],
    [999_000, 1_000_000, 65],
    [0, 1_000_000, 78_498],
  ];
  for (const [from, to, count] of cases) {
    assertEquals([from, to, countPrimes(from, to)], [from, to, count]);
  }
});

redisTest(
  "examples/distributed.ts counts right while one of its nodes is killed",
  async ({ url }) => {
    const { code, stdout, stderr } = await runExample(
      "distributed.ts",
      ...["--url", url, "--nodes", "2", "--workers", "1", "--kill"],
      ...["--below", "3000000", "--piece", "100000"],
    );

    // On a busy machine it says that it waits for them, and a node that it has
    // lost what it could not keep.
    const errors = linesOf(stderr).filter((it) => !/^(warning: .*)?$/.test(it));
    assertEquals({ code, errors }, { code: 0, errors: [] });
    const lines = linesOf(stdout).filter((it) => !it.startsWith("waiting "));
    assertEquals(lines[0], "2 nodes, 2 workers");
    assert(lines.some((it) => it.startsWith("killed ")), stdout);
    assertStringIncludes(stdout, "\n216816 primes below 3000000 in ");
    // What each of the two has done is all that there was to do.
    const done = lines.slice(-2).map((it) => Number(it.match(/: (\d+) t/)![1]));
    assertEquals(done[0]! + done[1]!, 30);
  },
);

Deno.test(
  "examples/distributed.ts says what is wrong with its arguments",
  async () => {
    const cases: [args: string[], code: number, message: string][] = [
      [["--below", "0"], 2, "--below must be a positive integer"],
      [["--piece", "1e9"], 2, "--piece must be at most 100000000"],
      [["--kill"], 2, "--kill needs --nodes 2"],
      [["--workers", "2"], 2, "--workers is for the nodes of --nodes"],
      [["--auth-key-file", "/no/such"], 2, "--auth-key-file: No such file"],
      [["x"], 2, "Unknown argument: x"],
      [["--url", "http://x"], 2, "'url' must begin with redis://"],
    ];
    await Promise.all(cases.map(async ([args, code, message]) => {
      const result = await runExample("distributed.ts", ...args);

      assertEquals([result.code, result.stdout], [code, ""]);
      assertStringIncludes(result.stderr, message);
      assertEquals(linesOf(result.stderr).length, 1);
    }));
  },
);
