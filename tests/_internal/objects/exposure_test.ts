// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals, assertThrows } from "@std/assert";
import { NotSupportedError } from "../../../_internal/base/errors.ts";
import {
  BATCH,
  callExposed,
  exposureOf,
  exposureOfObject,
  TRANSACT,
} from "../../../_internal/objects/exposure.ts";

class Base {
  inherited(): string {
    return "inherited";
  }
  get accessor(): () => void {
    throw new RangeError("nobody asks for it");
  }
  static helper(): void {}
}

class Tricky extends Base {
  field = () => "an own property";
  then(): void {}
  _private(): void {}
  open(): string {
    return "open";
  }
}

Deno.test("exposureOfObject() takes the methods of the classes, and nothing else", () => {
  const { methods } = exposureOfObject("Tricky", new Tricky());
  assertEquals([...methods.keys()].sort(), ["inherited", "open"]);
  assertEquals([...exposureOfObject("Object", {}).methods.keys()], []);
});

Deno.test("exposureOfObject() takes the methods that are listed, if they are such", () => {
  const object = new Tricky();
  const { methods } = exposureOfObject("Tricky", object, ["_private", "field"]);
  assertEquals([...methods.keys()], ["_private", "field"]);
  for (const name of ["then", "constructor", "missing", "__proto__"]) {
    assertThrows(
      () => exposureOfObject("Tricky", object, [name]),
      TypeError,
      `Cannot expose '${name}' of a Tricky`,
    );
  }
});

Deno.test("callExposed() finds nothing but what is in the table", () => {
  const exposure = exposureOf("thing", {
    add: (list: number[], n) => list.push(n),
  });
  const list: number[] = [];
  assertEquals(callExposed(exposure, list, "add", [1]), 1);
  for (const name of ["push", "constructor", "__proto__", "toString", ""]) {
    assertThrows(
      () => callExposed(exposure, list, name, []),
      NotSupportedError,
      `Cannot call '${name}' of a thing: it is not exposed`,
    );
    assertThrows(
      () => callExposed(exposure, list, BATCH, [["add", [2]], [name, []]]),
      NotSupportedError,
    );
  }
  assertEquals(list.length, 6);
});

Deno.test("callExposed() runs a function with the object only where that is allowed", () => {
  const exposure = exposureOf("thing", {});
  const double = (list: number[], n: number) => list[0]! * n;
  assertEquals(callExposed(exposure, [21], TRANSACT, [double, 2]), 42);
  assertThrows(() => callExposed(exposure, [1], TRANSACT, [5]), TypeError);
  assertThrows(
    () =>
      callExposed({ ...exposure, transacts: false }, [1], TRANSACT, [double]),
    NotSupportedError,
  );
});
