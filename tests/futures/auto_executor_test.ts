// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals, assertRejects } from "@std/assert";
import {
  AutoExecutor,
  CancelledError,
  type PoolOptions,
} from "../../futures/mod.ts";
import { io } from "../../mod.ts";
import { Folder, soon, until } from "../_suites/_helpers.ts";
import { deaf, throughGate } from "../_suites/_tasks.ts";
import { contextSuite } from "../_suites/context_suite.ts";
import { executorSuite } from "../_suites/executor_suite.ts";
import { mapSuite } from "../_suites/map_suite.ts";
import { nestedSuite } from "../_suites/nested_suite.ts";
import { optionsSuite } from "../_suites/options_suite.ts";
import { poolSuite } from "../_suites/pool_suite.ts";
import { signalSuite } from "../_suites/signal_suite.ts";
import { streamSuite } from "../_suites/stream_suite.ts";

const create = (options?: PoolOptions) => new AutoExecutor(options);

// Undeclared: whatever it decides, values and errors are those of a thread.
const undeclared = { name: "AutoExecutor", create, backend: "thread" } as const;

executorSuite(undeclared);
signalSuite(undeclared);
contextSuite(undeclared);
streamSuite(undeclared);
mapSuite(undeclared);
nestedSuite(undeclared);

const declared = {
  name: "AutoExecutor of cpu()",
  create,
  backend: "thread",
  kind: "cpu",
} as const;

// What depends on where a task runs, and on how many workers there are.
poolSuite(declared);
optionsSuite(declared);

const waiting = {
  name: "AutoExecutor of io()",
  create,
  backend: "inline",
  kind: "io",
} as const;

streamSuite(waiting);
executorSuite(waiting);
signalSuite(waiting);
contextSuite(waiting);

Deno.test("AutoExecutor of io() goes on beside a call that was given up", async () => {
  await using executor = create({ cancelGrace: 5 });
  using folder = new Folder();
  const stuck = executor.submit(io(deaf), folder.file("log"));
  const beside = executor.submit(
    io(throughGate<number>),
    folder.file("gate"),
    7,
  );
  await until("both run", () => stuck.running() && beside.running());
  stuck.cancel();
  await assertRejects(() => stuck.result(), CancelledError);
  // Not only when the other one has ended.
  assertEquals(
    await soon("the next", executor.submit(io(throughGate<number>), ".", 1)),
    1,
  );
  assertEquals(executor.stats().restarts, 0);
  folder.open("gate");
  assertEquals(await beside, 7);
});
