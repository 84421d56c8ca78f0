// Copyright 2026 the @concurrent/parallel authors. MIT license.

// CPython's _test_multiprocessing.py: what _TestSharedMemory says of ShareableList
// and SharedMemoryManager.

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  AlreadyExistsError,
  InvalidStateError,
  NotFoundError,
  Process,
  type ShareableItem,
  ShareableList,
  SharedMemory,
} from "../../../multiprocessing/mod.ts";
import { Thread } from "../../../threading/mod.ts";

const only = { ignore: Deno.build.os !== "linux" };
const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("test_shared_memory_ShareableList_basics", only, () => {
  using list = new ShareableList<ShareableItem>([
    "howdy",
    bytes("HoWdY"),
    -273.154,
    100n,
    null,
    true,
    42,
  ]);
  assertEquals(list.length, 7);
  assertEquals(list.get(0), "howdy");
  assertEquals(list.get(-1), 42);
  assertEquals(list.indexOf(42), 6);
  assertEquals(list.indexOf("none"), -1);
  assertEquals(list.count("howdy"), 1);
  assertEquals(list.count(bytes("HoWdY")), 1);
  for (const index of [7, -8, 0.5, NaN]) {
    assertThrows(() => list.get(index), RangeError, "'index'");
    assertThrows(() => list.set(index, 1), RangeError, "'index'");
  }

  // A longer string than the first one, in the same room; then no room is left.
  list.set(0, "12345678");
  assertThrows(() => list.set(0, "123456789"), RangeError, "at most 8 bytes");
  // Counted in bytes of UTF-8.
  assertThrows(() => list.set(0, "ééééé"), RangeError, "has 10");
  assertEquals([...list], [
    "12345678",
    bytes("HoWdY"),
    -273.154,
    100n,
    null,
    true,
    42,
  ]);
  // Types may change.
  list.set(0, 1.5);
  list.set(2, "some");
  list.set(4, -(2n ** 63n));
  list.set(5, false);
  list.set(6, null);
  assertEquals([...list].toSpliced(1, 1), [
    1.5,
    "some",
    100n,
    -(2n ** 63n),
    false,
    null,
  ]);

  // Another handle, the same items.
  using also = ShareableList.open(list.memory.name);
  also.set(-1, 7);
  assertEquals(list.get(6), 7);
  assertEquals(also.length, 7);
});

Deno.test(
  "Footgun 23: ShareableList keeps what is behind the last visible character",
  only,
  () => {
    const items = ["a\0", "\0", "", bytes("b\0\0"), bytes(""), "\ufeffx", NaN];
    using list = new ShareableList(items);
    assertEquals([...list], items);
    assertEquals(list.count(NaN), 1);
  },
);

Deno.test("ShareableList refuses what it cannot hold", only, () => {
  for (const item of [undefined, {}, [1], Symbol(), "\ud800", new Date()]) {
    assertThrows(
      () => new ShareableList([1, item as never]),
      TypeError,
      "'items[1]'",
    );
  }
  assertThrows(() => new ShareableList([2n ** 63n]), RangeError, "64 bits");
  assertThrows(() => new ShareableList(5 as never), TypeError, "'items'");
  using empty = new ShareableList([]);
  assertEquals([empty.length, ...empty], [0]);
  const { name } = empty.memory;
  assertThrows(() => new ShareableList([1], { name }), AlreadyExistsError);
  using other = SharedMemory.create({ size: 4 });
  assertThrows(() => ShareableList.open(other.name), InvalidStateError);
});

Deno.test(
  "test_shared_memory_ShareableList_pickling: the same list in a child and in a thread",
  only,
  async () => {
    using list = new ShareableList<number | string>([1, "two"]);
    const change = (list: ShareableList, index: number) => {
      list.set(index, "2");
      return [...list];
    };
    const process = new Process({ target: change, args: [list, 0] }).start();
    assertEquals(await process.result(), ["2", "two"]);
    await process.join();
    const thread = new Thread({ target: change, args: [list, 1] }).start();
    assertEquals(await thread.result(), ["2", "2"]);
    await thread.join();
    assertEquals([...list], ["2", "2"]);
  },
);

Deno.test(
  "test_shared_memory_ShareableList_pickling_dead_object",
  only,
  async () => {
    const list = new ShareableList([1]);
    const process = new Process({
      target: (list: ShareableList) => list.length,
      args: [list],
    }).start();
    list[Symbol.dispose]();
    const error = await process.result().catch((error) => error);
    assert(error instanceof NotFoundError, String(error));
    await process.join();
    assertThrows(() => list.get(0), InvalidStateError, "is closed");
  },
);

Deno.test(
  "test_shared_memory_SharedMemoryManager_basics: a DisposableStack",
  only,
  () => {
    let name: string;
    {
      using stack = new DisposableStack();
      const list = stack.use(new ShareableList([0, 1, 2]));
      stack.use(SharedMemory.create({ size: 8 }));
      ({ name } = list.memory);
      ShareableList.open(name)[Symbol.dispose]();
    }
    assertThrows(() => ShareableList.open(name), NotFoundError);
  },
);
