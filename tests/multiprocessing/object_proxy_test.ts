// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  InvalidStateError,
  NotSupportedError,
  SerializationError,
} from "../../multiprocessing/errors.ts";
import { exposureOfObject } from "../../_internal/objects/exposure.ts";
import { DICT, ITERATOR, LIST } from "../../multiprocessing/_managed.ts";
import { proxyOf } from "../../multiprocessing/_proxies.ts";
import { DictProxy } from "../../multiprocessing/dict_proxy.ts";
import { IteratorProxy } from "../../multiprocessing/iterator_proxy.ts";
import { ListProxy } from "../../multiprocessing/list_proxy.ts";
import {
  ObjectProxy,
  type ProxyOf,
} from "../../multiprocessing/object_proxy.ts";
import { Counter, Stepper } from "./_managed_types.ts";

function counterOf(object = new Counter(), exposed?: string[]) {
  const exposure = exposureOfObject("Counter", object, exposed);
  const proxy = proxyOf<ObjectProxy<Counter>>(
    ObjectProxy,
    object,
    exposure,
    true,
  );
  return proxy as ProxyOf<Counter>;
}

function listOf<T>(array: T[]): ListProxy<T> {
  return proxyOf<ListProxy<T>>(ListProxy, array, LIST);
}

Deno.test("ObjectProxy has the methods of the class, each of which returns a promise", async () => {
  const counter = counterOf(new Counter(1));
  assertEquals(await counter.add(2), 3);
  assertEquals(await counter.addLater(2), 5);
  assertEquals(await counter.callMethod("add", 1), 6);
  const stepper = counterOf(new Stepper(1)) as unknown as ProxyOf<Stepper>;
  assertEquals(await stepper.step(), 2);
  assertEquals(await stepper.add(1), 3);
});

Deno.test("ObjectProxy passes errors of the object on, with class and cause", async () => {
  const error = await assertRejects(
    () => counterOf(new Counter(4)).fail(),
    RangeError,
    "Cannot count: broken",
  );
  assertEquals(error.cause, { at: 4 });
});

Deno.test("ObjectProxy names what is not exposed, and what cannot travel", async () => {
  const counter = counterOf();
  for (
    const name of ["_private", "label", "constructor", "__proto__", "toString"]
  ) {
    await assertRejects(
      () => counter.callMethod(name),
      NotSupportedError,
      `Cannot call '${name}' of a Counter: it is not exposed`,
    );
  }
  await assertRejects(
    () => counter.handle(),
    SerializationError,
    "Cannot send result of Counter.handle()",
  );
  await assertRejects(
    () => counter.callMethod("add", new WeakMap()),
    SerializationError,
    "args[0]",
  );
});

Deno.test("ObjectProxy of a list of exposed methods has no others, and no transactions", async () => {
  const counter = counterOf(new Counter(), ["add"]);
  assertEquals(await counter.add(1), 1);
  assertEquals(counter.addLater, undefined);
  await assertRejects(() => counter.callMethod("fail"), NotSupportedError);
  await assertRejects(
    () => counter.transact((object) => object.add(1)),
    NotSupportedError,
  );
  assertThrows(
    () => counterOf(new Counter(), ["label"]),
    TypeError,
    "Cannot expose 'label' of a Counter",
  );
});

Deno.test("ObjectProxy.batch() gives what its function returns, in order", async () => {
  const list = listOf([1]);
  const [size, first, items] = await list.batch((it) => [
    it.push(2),
    it.at(0),
    it.slice(),
  ]);
  const numbers: number[] = [size, first!, ...items];
  assertEquals(numbers, [2, 1, 1, 2]);
  assertEquals(
    await list.batch((it) => {
      it.push(3);
      it.length();
    }),
    [3, 3],
  );
  assertEquals(await list.batch(() => {}), []);
});

Deno.test("ObjectProxy.batch() lets nobody in between, and ends at the first error", async () => {
  const list = listOf<number>([]);
  const batches = Array.from({ length: 20 }, (_, i) =>
    list.batch((it) => {
      it.push(i);
      it.push(i);
    }));
  await Promise.all(batches);
  const items = await list.slice();
  for (let i = 0; i < items.length; i += 2) {
    assertEquals(items[i], items[i + 1]);
  }

  await list.clear();
  await assertRejects(
    () => list.batch((it) => [it.push(1), it.set(5, 0), it.push(2)]),
    RangeError,
    "that of one of 1 items",
  );
  await assertRejects(
    () =>
      list.batch((it) => {
        it.set(5, 0);
        it.push(2);
      }),
    RangeError,
  );
  assertEquals(await list.slice(), [1]);
});

Deno.test("ObjectProxy.batch() waits for asynchronous methods", async () => {
  const counter = counterOf();
  assertEquals(
    await counter.batch((it) => [it.addLater(1), it.add(1), it.addLater(1)]),
    [1, 2, 3],
  );
});

Deno.test("ObjectProxy.batch() refuses asynchronous functions, and calls that come late", async () => {
  const list = listOf([1]);
  await assertRejects(
    () => list.batch(async (it) => void await it.push(2)),
    TypeError,
    "must not be asynchronous",
  );
  await assertRejects(
    () => list.batch((it) => it.push(2).then(() => {})),
    TypeError,
    "must return nothing or an array",
  );
  let kept: ListProxy<number> | undefined;
  await list.batch((it) => {
    kept = it;
  });
  await assertRejects(() => kept!.push(2), InvalidStateError, "was sent");
  // @ts-expect-error a number is no function
  await assertRejects(() => list.batch(1), TypeError, "'fn'");
  assertEquals(await list.slice(), [1]);
});

Deno.test("ObjectProxy.transact() runs where the object is", async () => {
  const array = [3, 1, 2];
  const list = listOf(array);
  const limit = 2;
  const kept = await list.transact((items, more) => {
    items.sort();
    items.length = limit;
    items.push(...more);
    return items.length;
  }, [7, 8]);
  assertEquals(kept, 4);
  assertEquals(array, [1, 2, 7, 8]);
  await assertRejects(
    () => list.transact(async (items) => void await items.push(1)),
    TypeError,
    "must not be asynchronous",
  );
  await assertRejects(
    () =>
      list.transact(() => {
        throw new RangeError("no");
      }),
    RangeError,
  );
});

Deno.test("IteratorProxy takes values one by one, ends and throws", async () => {
  const log: unknown[] = [];
  function* numbers(): Generator<number, string, unknown> {
    try {
      for (let i = 0;; i++) {
        try {
          log.push(yield i);
        } catch (error) {
          log.push((error as Error).message);
        }
      }
    } finally {
      log.push("end");
    }
  }
  const iterator = proxyOf<IteratorProxy<number>>(
    IteratorProxy,
    numbers(),
    ITERATOR,
  );
  assertEquals(await iterator.next(), { done: false, value: 0 });
  assertEquals(await iterator.next("sent"), { done: false, value: 1 });
  assertEquals((await iterator.throw(new RangeError("thrown"))).value, 2);
  for await (const value of iterator) if (value === 4) break;
  assertEquals(await iterator.next(), { done: true, value: undefined });
  assertEquals(log, ["sent", "thrown", undefined, undefined, "end"]);

  const plain = proxyOf<IteratorProxy<number>>(
    IteratorProxy,
    { next: () => ({ done: false, value: 1 }) },
    ITERATOR,
  );
  assertEquals(await plain.return(5), { done: true, value: 5 });
  await assertRejects(() => plain.throw(new RangeError("no")), RangeError);
});

Deno.test("Proxies of one thread wait for their turn behind one that needs a module", async () => {
  const list = listOf<number>([]);
  // The first call loads the module of the function.
  const url = new URL("_late_module.ts", import.meta.url).href;
  const { append } = await import(url);
  const calls = [
    list.transact(append, 1),
    list.push(2),
    list.transact(append, 3),
    list.push(4),
  ];
  await Promise.all(calls);
  assertEquals(await list.slice(), [1, 2, 3, 4]);
});

Deno.test("ObjectProxy has no name of its own that could be mistaken", () => {
  const dict = proxyOf(DictProxy, new Map(), DICT);
  assert(!("then" in dict));
  assertEquals(Object.keys(dict), []);
  assertEquals(Object.keys(counterOf()), []);
});
