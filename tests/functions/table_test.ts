// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Sends every function of `table.ts` to a thread and to a process, and prints
// what came of it.

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
} from "@std/assert";
import { futures } from "../../mod.ts";
import { type Case, opened, table } from "./table.ts";

/** Milliseconds after which a row counts as one that hangs. */
const PATIENCE = 60_000;

const pools = {
  thread: () => new futures.ThreadPoolExecutor({ maxWorkers: 1 }),
  process: () => new futures.ProcessPoolExecutor({ maxWorkers: 1 }),
};

async function run(pool: futures.Executor, row: Case): Promise<string> {
  const { make, args = () => [], after, error } = row;
  try {
    const fn = make();
    let phase: "submit" | "run" = "submit";
    try {
      const future = pool.submit(fn, ...args());
      phase = "run";
      after?.();
      const value = await future.result({ timeout: PATIENCE });
      assert(error === undefined, `gave ${Deno.inspect(value)}, no error`);
      assertEquals(value, row.expected);
      return "value";
    } catch (thrown) {
      if (error === undefined || (thrown as Error).name === "AssertionError") {
        throw thrown;
      }
      assertInstanceOf(thrown, error.class);
      assertEquals(phase, error.at, thrown.message);
      for (const part of error.message) assertMatch(thrown.message, part);
      return `${(thrown as Error).name} at ${phase}`;
    }
  } finally {
    for (const resource of opened.splice(0)) resource[Symbol.dispose]();
  }
}

Deno.test("every function of the table gives the right result or the right error", async (t) => {
  const outcomes = new Map<string, string[]>();
  for (const [kind, create] of Object.entries(pools)) {
    await using pool = create();
    for (const row of table) {
      let outcome = "FAILED";
      await t.step(`${kind}: ${row.name}`, async () => {
        outcome = await run(pool, row);
      });
      const others = outcomes.get(row.name) ?? [];
      outcomes.set(row.name, [...others, outcome]);
    }
  }
  assertEquals(outcomes.size, table.length, "two rows have one name");
  const lines = Array.from(
    outcomes,
    ([name, [thread, process]], i) =>
      `${String(i + 1).padStart(3)}  ${name.padEnd(64)}${
        thread!.padEnd(32)
      }${process}`,
  );
  console.log(
    [`\n     ${"function".padEnd(64)}${"thread".padEnd(32)}process`, ...lines]
      .join("\n"),
  );
});
