// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Tasks that use the library itself.

import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { describeFunction } from "../../_internal/wire/functions/describe.ts";
import {
  CancelledError,
  current,
  futures,
  InvalidStateError,
  task,
} from "../../mod.ts";

/** The paths of the modules that a worker imports for a function. */
function importsOf(fn: () => unknown): string[] {
  const description = describeFunction(fn);
  assert(description.kind === "value");
  const root = new URL("../../", import.meta.url).href;
  return description.imports.map(({ specifier }) =>
    specifier.replace(root, "")
  );
}

Deno.test("describeFunction() refers to the small modules that define the library's own exports", () => {
  assertEquals(importsOf(() => current.worker), [
    "_internal/worker/current.ts",
  ]);
  assertEquals(importsOf(() => new InvalidStateError("x")), [
    "_internal/base/errors.ts",
  ]);
  assertEquals(importsOf(() => task(() => 1)), [
    "_internal/wire/functions/task.ts",
  ]);
});

Deno.test("describeFunction() tells the library's own exports by value, not by name", () => {
  const inside = current;
  assertEquals(importsOf(() => inside.worker), [
    "_internal/worker/current.ts",
  ]);
  // An executor needs all of it.
  assertEquals(importsOf(() => new futures.ThreadPoolExecutor()), ["mod.ts"]);
});

for (
  const [kind, create] of [
    ["thread", () => new futures.ThreadPoolExecutor({ maxWorkers: 1 })],
    ["process", () => new futures.ProcessPoolExecutor({ maxWorkers: 1 })],
  ] as const
) {
  Deno.test(`${kind}: current is the worker's own, whichever way a task comes by it`, async () => {
    await using pool = create();
    const alias = current;
    const direct = await pool.submit(() => current.worker);
    assertEquals(direct.kind, kind);
    assertEquals(await pool.submit(() => alias.worker), direct);
    assertEquals(
      await pool.submit(async () =>
        (await import("../../mod.ts")).current.worker
      ),
      direct,
    );
  });

  Deno.test(`${kind}: errors of the library keep their class both ways`, async () => {
    await using pool = create();
    const error = await pool.submit(() => {
      throw new InvalidStateError("over there");
    }).exception();
    assertInstanceOf(error, InvalidStateError);
    assertEquals(error.message, "over there");
    assert(
      await pool.submit(
        (e: unknown) => e instanceof CancelledError,
        new CancelledError("sent"),
      ),
    );
  });
}
