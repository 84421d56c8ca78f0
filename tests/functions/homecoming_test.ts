// Copyright 2026 the @concurrent/parallel authors. MIT license.
// deno-lint-ignore-file no-explicit-any no-import-prefix -- what comes back is of any type; users import from npm so

// Functions and classes that come back are the caller's own, as in Python,
// where a result names the module and class that both sides have.

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import * as acorn from "npm:acorn@^8";
import { basename } from "node:path";
import {
  fromModule,
  futures,
  multiprocessing,
  SerializationError,
  threading,
} from "../../mod.ts";
import { makeHidden, makeShape } from "../_fixtures/functions/shapes.ts";
import type { Shape as ShapeType } from "../_fixtures/functions/shapes.ts";
import * as shapes from "../_fixtures/functions/shapes.ts";
import { Point as ImportedPoint } from "../_fixtures/functions/module.ts";
import triple from "../_fixtures/functions/module.ts";

class Point {
  static made = 0;
  constructor(readonly x: number, readonly y = 0) {
    Point.made++;
  }
  get length(): number {
    return Math.hypot(this.x, this.y);
  }
}
class Pixel extends Point {
  color = "red";
}
class Stack<T> extends Array<T> {}
class Registry<K, V> extends Map<K, V> {
  label = "registry";
}
class Secret {
  #content = 1;
  open(): number {
    return this.#content;
  }
}
class Failure extends RangeError {
  constructor(message: string, readonly point: Point) {
    super(message);
  }
  override get name(): string {
    return "Failure!";
  }
}
class Sealed extends Error {
  #secret = 1;
  get secret(): number {
    return this.#secret;
  }
}
class NamedFailure extends Error {
  override name = "NamedFailure";
}

for (
  const [kind, create] of [
    ["thread", () => new futures.ThreadPoolExecutor({ maxWorkers: 1 })],
    ["process", () => new futures.ProcessPoolExecutor({ maxWorkers: 1 })],
  ] as const
) {
  Deno.test(`${kind}: what comes back is the caller's own`, async (t) => {
    await using pool = create();
    const step = (name: string, fn: () => Promise<void>) => t.step(name, fn);

    await step("an instance of a captured class", async () => {
      const made = Point.made;
      const point = await pool.submit(() => new Point(3, 4));
      assertInstanceOf(point, Point);
      assertEquals(point.length, 5);
      assertEquals(Point.made, made, "no constructor runs here");
    });
    await step("an instance that was passed", async () => {
      const back = await pool.submit((p: Point) => [p, p], new Pixel(1));
      assertInstanceOf(back[0], Pixel);
      assertStrictEquals(back[0], back[1]);
      assertEquals((back[0] as Pixel).color, "red");
    });
    await step("instances of heirs of Array and Map", async () => {
      const [stack, registry] = await pool.submit(() => {
        const registry = new Registry<string, Point>();
        registry.set("a", new Point(1));
        return [Stack.of(1, 2), registry] as const;
      });
      assertInstanceOf(stack, Stack);
      assertEquals([...stack], [1, 2]);
      assertInstanceOf(registry, Registry);
      assertInstanceOf(registry.get("a"), Point);
      assertEquals(registry.label, "registry");
    });
    await step("a function that was passed", async () => {
      const fn = (x: number) => x + 1;
      assertStrictEquals(await pool.submit((f: unknown) => f, fn), fn);
      const held = await pool.submit((f: unknown) => new Map([["f", [f]]]), fn);
      assertStrictEquals(held.get("f")![0], fn);
    });
    await step("a function that nobody else holds", async () => {
      const back: any = await pool.submit((f: unknown) => f, () => 42);
      assertEquals(back(), 42);
    });
    await step(
      "a captured function, with what it has counted here",
      async () => {
        let n = 0;
        const inc = () => ++n;
        const back = await pool.submit(() => {
          inc();
          return inc;
        });
        assertStrictEquals(back, inc);
        assertEquals(n, 0);
      },
    );
    await step("a class", async () => {
      assertStrictEquals(await pool.submit(() => Point), Point);
    });
    await step("the function itself", async () => {
      const fn = (n: number): any => n === 0 ? fn : fn(n - 1);
      assertStrictEquals(await pool.submit(fn, 2), fn);
    });
    await step("a method of a captured object", async () => {
      const tools = { double: (x: number) => x * 2 };
      assertStrictEquals(await pool.submit(() => tools.double), tools.double);
    });
    await step("a task", async () => {
      const fn = futures.task((x: number) => x);
      assertStrictEquals(await pool.submit((f: unknown) => f, fn), fn);
    });
    await step("an exported function and a task made of it", async () => {
      const wrapped = futures.task(triple);
      await pool.submit((f: unknown) => f, wrapped);
      assertStrictEquals(await pool.submit((f: unknown) => f, triple), triple);
    });
    await step("an imported class", async () => {
      const point = await pool.submit(() => new ImportedPoint(3, 4));
      assertInstanceOf(point, ImportedPoint);
      assertEquals(point.length, 5);
    });
    await step("a class of a namespace, and of npm", async () => {
      assertInstanceOf(
        await pool.submit(() => new shapes.Shape(4)),
        shapes.Shape,
      );
      assertInstanceOf(
        await pool.submit(() =>
          acorn.parse("1", { ecmaVersion: 2020 }).body[0]
        ),
        (acorn as any).Node,
      );
    });
    await step("a function of node:", async () => {
      assertStrictEquals(await pool.submit(() => basename), basename);
    });
    await step("in every item of a map", async () => {
      const points = await Array.fromAsync(
        pool.map((p) => new Point(p.x * 2), [new Point(1), new Point(2)]),
      );
      assert(points.every((p) => p instanceof Point));
      assertEquals(points.map((p) => p.x), [2, 4]);
    });
    await step("a thrown error of one's own class", async () => {
      const error = await pool.submit(() => {
        throw new Failure("over there", new Point(3, 4));
      }).exception();
      assertInstanceOf(error, Failure);
      assertEquals(error.name, "Failure!");
      assertEquals(Object.hasOwn(error, "name"), false);
      assertEquals(error.message, "over there");
      assertInstanceOf(error.point, Point);
      assertEquals(error.point.length, 5);
    });
    await step("an error that is a result, and a cause", async () => {
      const error = await pool.submit(() =>
        new Error("a", { cause: new NamedFailure("b") })
      );
      assertInstanceOf(error.cause, NamedFailure);
      assertEquals(error.cause.name, "NamedFailure");
      assertEquals(Object.keys(error.cause), ["name"]);
    });
    await step(
      "a thrown error whose class has private members: the nearest",
      async () => {
        const error: any = await pool.submit(() => {
          throw new Sealed("x");
        }).exception();
        assertInstanceOf(error, Error);
        assertEquals(error instanceof Sealed, false);
        assertEquals([error.name, error.message], ["Sealed", "x"]);
      },
    );
    await step("a thrown DOMException of one's own", async () => {
      class Abort extends DOMException {}
      const error = await pool.submit(() => {
        throw new Abort("stop", "AbortError");
      }).exception();
      assertInstanceOf(error, Abort);
      assertEquals([error.name, error.message], ["AbortError", "stop"]);
    });
    await step("properties of a thrown error", async () => {
      const fn = () => 1;
      const error: any = await pool.submit((f: unknown) => {
        throw Object.assign(new TypeError("t"), { f, point: new Point(1) });
      }, fn).exception();
      assertStrictEquals(error.f, fn);
      assertInstanceOf(error.point, Point);
    });
  });

  Deno.test(`${kind}: what comes back from a module is that of the module`, async (t) => {
    await using pool = create();
    await t.step("an instance made by an export", async () => {
      const shape = await pool.submit(makeShape, 3);
      assertInstanceOf(shape, shapes.Shape);
      assertEquals(shape.isTriangle, true);
    });
    await t.step("an error thrown by an export", async () => {
      const error = await pool.submit(makeShape, 2).exception();
      assertInstanceOf(error, shapes.ShapeError);
      assertEquals([error.name, error.sides], ["RangeError", 2]);
    });
    await t.step("not a class that is no export", async () => {
      await assertRejects(
        () => pool.submit(makeHidden),
        SerializationError,
        "Cannot send result: its class Hidden was made in the worker",
      );
    });
  });

  Deno.test(`${kind}: what was made in the worker does not come back`, async () => {
    await using pool = create();
    const inner = () => pool.submit((x: number) => () => x, 1);
    await assertRejects(
      inner,
      SerializationError,
      "Cannot send result: a function that was made in the worker cannot come back",
    );
    await assertRejects(
      () =>
        pool.submit(() => {
          class Local {}
          return { list: [new Local()] };
        }),
      SerializationError,
      "Cannot send result.list[0]: its class Local was made in the worker",
    );
    await assertRejects(
      () => pool.submit(() => new Secret()),
      SerializationError,
      "#content",
    );
    const error: any = await pool.submit(() => {
      class Local extends TypeError {
        f = () => 1;
      }
      throw new Local("x");
    }).exception();
    assertInstanceOf(error, TypeError);
    assertEquals([error.name, (error as any).f], ["Local", "[function f]"]);
    // The worker goes on.
    assertEquals(await pool.submit(() => 1), 1);
  });
}

for (const Runner of [threading.Thread, multiprocessing.Process]) {
  Deno.test(`${Runner.name}: the result is of the caller's own class`, async () => {
    const runner = new Runner({
      target: (p: Point) => [p, new Pixel(p.x + 1), p instanceof Point],
      args: [new Point(1)],
    });
    runner.start();
    const [passed, made, isPoint] = await runner.result();
    assertInstanceOf(passed, Point);
    assertInstanceOf(made, Pixel);
    assertEquals([made.x, isPoint], [2, true]);
    await runner.join();
  });
}

Deno.test("what a module that is not loaded here exports does not come back", async () => {
  await using pool = new futures.ThreadPoolExecutor({ maxWorkers: 1 });
  const url = "data:text/javascript,export class Far {} " +
    "export function far() { return new Far() } " +
    "export class FarError extends RangeError {} " +
    "export function fail() { throw new FarError('far') }";
  const { far, fail } = fromModule<{
    far: () => unknown;
    fail: () => unknown;
  }>(url);
  await assertRejects(
    () => pool.submit(far),
    SerializationError,
    "Cannot receive 'Far' of module data:",
  );
  const error: any = await pool.submit(fail).exception();
  assertInstanceOf(error, RangeError);
  assertEquals([error.name, error.message], ["FarError", "far"]);
});

Deno.test("what comes back through a worker of a worker is the caller's own", async () => {
  await using pool = new futures.ThreadPoolExecutor({ maxWorkers: 1 });
  const url = new URL("../../mod.ts", import.meta.url).href;
  const point: ShapeType | Point = await pool.submit(async (url: string) => {
    const { futures }: typeof import("../../mod.ts") = await import(url);
    await using inner = new futures.ThreadPoolExecutor({ maxWorkers: 1 });
    return await inner.submit(() => new Point(3, 4));
  }, url);
  assertInstanceOf(point, Point);
  assertEquals(point.length, 5);
});
