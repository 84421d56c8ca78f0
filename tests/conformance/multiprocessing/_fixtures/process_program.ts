// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Whole programs for process_test.ts. Nothing here is guarded from being run in
// a child, and what is not exported is captured.

import { Process } from "../../../../multiprocessing/mod.ts";
import { throughGate } from "../../../_suites/_tasks.ts";

const [mode, gate] = Deno.args;
console.log(`main ${mode}`);

/** Throws below another function, for the stack. */
function fails(): never {
  throw new RangeError("in the child");
}

/** Reports for how long the lines have a reader. */
function printMuch(): void {
  const line = "x".repeat(1023);
  for (let i = 0; i < 1000; i++) console.log(line);
}

const modes: Record<string, () => Promise<void>> = {
  async noForkBomb() {
    const process = new Process({ target: () => console.log("child") });
    await process.start().join();
    console.log(`exit code ${process.exitCode}`);
  },
  async stderrFlush() {
    const process = new Process({ target: fails });
    await process.start().join();
    console.log(`exit code ${process.exitCode}`);
  },
  async brokenStdout() {
    const process = new Process({ target: printMuch });
    await process.start().join();
    console.error(`exit code ${process.exitCode}`);
  },
  // deno-lint-ignore require-await -- the program does not wait, it just ends
  async daemon() {
    const target = async () => {
      console.log(`pid ${Deno.pid}`);
      await Deno.writeTextFile(gate!, "");
      await new Promise(() => setInterval(() => {}, 1000));
    };
    new Process({ target, daemon: true }).start();
    // Waits for the other one, and is waited for.
    new Process({ target: throughGate, args: [gate!, 1] }).start();
  },
};
await modes[mode!]!();
