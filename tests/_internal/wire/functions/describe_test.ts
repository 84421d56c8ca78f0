// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  assert,
  assertEquals,
  assertNotStrictEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  createCaptureContext,
  describeFunction,
  isStable,
} from "../../../../_internal/wire/functions/describe.ts";
import { SerializationError } from "../../../../_internal/base/errors.ts";
import type { AnyFunction } from "../../../../_internal/wire/functions/task.ts";
import { task } from "../../../../_internal/wire/functions/task.ts";
import { heavy, pure } from "../../../_suites/_options_tasks.ts";
import { roundTrip } from "./round_trip.ts";
import * as fixtures from "./fixtures/kinds.ts";
import * as lazy from "./fixtures/lazy.ts";
import * as refusals from "./fixtures/refused.ts";
import defaultArrow from "./fixtures/default_arrow.ts";
import triple from "./fixtures/values.ts";

const KINDS_URL = import.meta.resolve("./fixtures/kinds.ts");

for (const kind of fixtures.kinds) {
  Deno.test(`describeFunction() sends: ${kind.name}`, async () => {
    const fn = await roundTrip(kind.fn);

    assertNotStrictEquals(fn, kind.fn);
    assertEquals(fn.name, kind.fn.name);
    if (kind.construct) {
      // deno-lint-ignore no-explicit-any -- a class in the place of a function
      assert(new (fn as any)() instanceof fn);
      return;
    }
    const result = await fn(...(kind.args ?? []));
    assertEquals(
      kind.drain ? await Array.fromAsync(result) : result,
      kind.expected,
    );
  });
}

for (const [name, fn, message] of refusals.refused) {
  Deno.test(`describeFunction() refuses: ${name}`, () => {
    const error = assertThrows(() => describeFunction(fn), SerializationError);
    assert(message.test(error.message), error.message);
  });
}

Deno.test("describeFunction() gives a reference for an export of another module", () => {
  const { exported, exportedArrow, exportedName, Exported } = fixtures;
  const named: [AnyFunction, string, string][] = [
    [exported, KINDS_URL, "exported"],
    [exportedArrow, KINDS_URL, "exportedArrow"],
    [exportedName, KINDS_URL, "exportedName"],
    [Exported as unknown as AnyFunction, KINDS_URL, "Exported"],
    [triple, import.meta.resolve("./fixtures/values.ts"), "default"],
    [
      defaultArrow,
      import.meta.resolve("./fixtures/default_arrow.ts"),
      "default",
    ],
  ];
  for (const [fn, url, name] of named) {
    // A function without free variables may as well go as source.
    const description = describeFunction(fn);
    if (description.kind === "value") {
      assertEquals(fn, triple);
      continue;
    }
    assertEquals(description, { kind: "reference", url, name });
  }
});

Deno.test("describeFunction() names the variable that is not initialized yet", () => {
  const error = refusals.inDeadZone((fn) =>
    assertThrows(() => describeFunction(fn))
  );

  assert(error instanceof SerializationError);
  assertEquals(error.path, "unready");
  assert(error.message.includes("is not initialized yet"), error.message);
  assert(error.message.includes("fromModule()"), error.message);
});

Deno.test("describeFunction() shares an assigned variable of a module within a message", async () => {
  const { inc, get } = await roundTrip(fixtures.bump);
  const before = get();

  assertEquals(inc(), before + 1);
  assertEquals(inc(), before + 2);
  assertEquals(get(), before + 2);
  assertEquals(fixtures.bump.get(), before);
});

Deno.test("describeFunction() shares an assigned variable of a closure within a message", async () => {
  const { add, get } = await roundTrip(fixtures.made);

  assertEquals([add(1), get()], [11, 11]);
  assertEquals(fixtures.made.get(), 3);
});

Deno.test("describeFunction() does not share variables between messages", () => {
  const cell = () => {
    const description = describeFunction(
      fixtures.made.get,
      createCaptureContext(),
    );
    assert(description.kind === "value");
    return description.cells[0]!.cell;
  };

  assertNotStrictEquals(cell(), cell());
});

Deno.test("describeFunction() takes the same description for a function that cannot change", () => {
  const limit = 3;
  const fn = () => limit;

  assertStrictEquals(describeFunction(fn), describeFunction(fn));
  assert(isStable(describeFunction(fn)));
});

Deno.test("describeFunction() tells function and options of a task", () => {
  const offset = 2;
  const fn = (x: number) => x + offset;
  const wrapped = task(fn, { timeout: 5 });
  const description = describeFunction(wrapped);

  assertEquals(description, { kind: "task", fn, options: { timeout: 5 } });
  assertStrictEquals(describeFunction(wrapped), description);
  assert(isStable(description));
});

Deno.test("describeFunction() refers to an exported task, also to one of a pure function", () => {
  const url = import.meta.resolve("../../../_suites/_options_tasks.ts");
  for (const [name, fn] of Object.entries({ heavy, pure })) {
    assertEquals(describeFunction(fn), { kind: "reference", url, name });
  }
});

Deno.test("isStable() is false where something can change", () => {
  const list = [1];
  let count = 0;
  const increment = () => ++count;
  increment();

  assert(!isStable(describeFunction(() => list)));
  assert(!isStable(describeFunction(increment)));
  assert(isStable(describeFunction((x: number) => x + 1)));
});

Deno.test("describeFunction() sends on a function that was revived", async () => {
  const once = await roundTrip(fixtures.made);
  const twice = await roundTrip(once);

  assertEquals([twice.add(1), twice.get(), once.get()], [11, 11, 3]);
});

Deno.test("describeFunction() sends on a function that a revived function made", async () => {
  const offset = 1;
  let calls = 0;
  const outer = () => (x: number) => {
    calls++;
    return [x + offset + calls, import.meta.url];
  };
  const inner = (await roundTrip(outer))();

  assertEquals((await roundTrip(inner))(1), [3, import.meta.url]);
  assertEquals(calls, 0);
});

Deno.test("describeFunction() refuses two closures that may share a variable or not", () => {
  const [a, b] = [refusals.make(), refusals.make()];
  const context = createCaptureContext();
  describeFunction(a.inc, context);
  const error = assertThrows(
    () => describeFunction(b.inc, context),
    SerializationError,
  );

  assertEquals(error.path, "n");
  b.inc();
  const other = createCaptureContext();
  describeFunction(a.inc, other);
  describeFunction(b.inc, other);
});

Deno.test("describeFunction() re-imports the namespace of a dynamic import", async () => {
  const [fn] = lazy.fns;
  const description = describeFunction(fn!);

  assert(description.kind === "value");
  assertEquals(description.constants, []);
  assertEquals(
    description.imports.map(({ specifier, exportName }) => [
      specifier,
      exportName,
    ]),
    [[import.meta.resolve("./fixtures/values.ts"), "*"]],
  );
  assertEquals((await roundTrip(fn!))(), 45);
});

Deno.test("describeFunction() sees properties that were set later", async () => {
  const fn: AnyFunction & { hits?: number } = (x: number) => x;
  describeFunction(fn);
  fn.hits = 3;

  assertEquals((await roundTrip(fn)).hits, 3);
});
