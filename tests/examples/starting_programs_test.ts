// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals } from "@std/assert";
import { withMeeting } from "../_fixtures/meeting_delay.ts";
import { Folder, scaled } from "../_suites/_helpers.ts";
import { linesOf, ROOT, runProgram } from "./_run_example.ts";

const NUMBERS = [1, 2, 3, 4, 5];

/** Five workers wait two seconds each, side by side. */
const MIN_DURATION = 1_900;
/** Their starts, the two seconds, and their ends. */
const MAX_DURATION = 10_000;

const PROGRAMS = [
  "threads.ts",
  "processes.ts",
  "thread_pool.ts",
  "process_pool.ts",
];

for (const name of PROGRAMS) {
  Deno.test(`examples/${name} runs five workers at the same time`, async () => {
    using meeting = new Folder();
    const text = await Deno.readTextFile(`${ROOT}/examples/${name}`);
    const program = withMeeting(text);
    assert(program !== text);
    const { code, stdout, stderr, duration } = await runProgram(program, {
      MEETING: meeting.path,
    });

    assertEquals({ code, stderr }, { code: 0, stderr: "" });
    const lines = linesOf(stdout);
    assertEquals(
      lines.slice(0, 5).sort(),
      NUMBERS.map((n) => `Worker: ${n}`),
    );
    const done = lines.slice(5);
    // The results of the pools are read in the order of the futures.
    if (!name.includes("pool")) done.sort();
    assertEquals(done, NUMBERS.map((n) => `Done: ${n}`));
    assert(
      duration >= MIN_DURATION && duration < scaled(MAX_DURATION),
      `took ${duration} ms`,
    );
  });
}
