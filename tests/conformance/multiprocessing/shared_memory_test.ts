// Copyright 2026 the @concurrent/parallel authors. MIT license.

// CPython's _test_multiprocessing.py, class _TestSharedMemory.

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  AlreadyExistsError,
  InvalidStateError,
  NotFoundError,
  Process,
  SharedMemory,
} from "../../../multiprocessing/mod.ts";
import { ChildProgram } from "../../multiprocessing/_child_program.ts";

const only = { ignore: Deno.build.os !== "linux" };
const newName = (label: string) => `${label}-${Deno.pid}-${Date.now()}`;

Deno.test("test_shared_memory_basics", only, () => {
  const name = newName("tsmb");
  const memory = SharedMemory.create({ size: 512, name });
  assertEquals(memory.name, name);
  assertEquals(memory.size, 512);
  const bytes = new Uint8Array(memory.buffer);
  bytes[0] = 42;

  const also = SharedMemory.open(name);
  assertEquals(also.size, 512);
  assertEquals(new Uint8Array(also.buffer)[0], 42);
  new Uint8Array(also.buffer)[0] = 43;
  assertEquals(bytes[0], 43);
  // A handle of its own.
  also.close();
  assertEquals(bytes[0], 43);

  assertThrows(
    () => SharedMemory.create({ size: 512, name }),
    AlreadyExistsError,
  );
  memory.close();
  memory.unlink();
  assertThrows(() => memory.unlink(), NotFoundError);
  assertThrows(() => SharedMemory.open(name), NotFoundError);
});

Deno.test("test_invalid_shared_memory_creation", only, () => {
  for (const size of [-1, 0]) {
    assertThrows(() => SharedMemory.create({ size }), RangeError);
  }
  assertThrows(() => SharedMemory.create(undefined as never), TypeError);
});

Deno.test("test_shared_memory_pickle_unpickle", only, async () => {
  using memory = SharedMemory.create({ size: 512 });
  new Uint8Array(memory.buffer).set([1, 2, 3]);
  const process = new Process({
    target: (received: SharedMemory) => {
      const bytes = new Uint8Array(received.buffer);
      bytes[3] = bytes[0]! + bytes[1]! + bytes[2]!;
      return [received.name, received.size];
    },
    args: [memory],
  }).start();
  assertEquals(await process.result(), [memory.name, 512]);
  await process.join();
  assertEquals(new Uint8Array(memory.buffer)[3], 6);
});

Deno.test("test_shared_memory_pickle_unpickle_dead_object", only, async () => {
  const memory = SharedMemory.create({ size: 512 });
  const process = new Process({
    target: (received: SharedMemory) => received.size,
    args: [memory],
  }).start();
  // It is not up yet.
  memory.close();
  memory.unlink();
  const error = await process.result().catch((error) => error);
  assert(error instanceof NotFoundError, String(error));
  await process.join();
});

Deno.test("test_shared_memory_across_processes", only, async () => {
  using memory = SharedMemory.create({ size: 512, name: newName("tsmap") });
  const attach = (name: string) => {
    using mine = SharedMemory.open(name);
    new Uint8Array(mine.buffer).set([104, 105]);
  };
  const process = new Process({ target: attach, args: [memory.name] }).start();
  await process.result();
  await process.join();
  assertEquals([...new Uint8Array(memory.buffer).subarray(0, 2)], [104, 105]);
});

Deno.test("test_shared_memory_recreate", only, () => {
  const names = new Set<string>();
  for (let i = 0; i < 50; i++) {
    using memory = SharedMemory.create({ size: 1 });
    names.add(memory.name);
  }
  assertEquals(names.size, 50);
});

Deno.test("test_shared_memory_name_with_embedded_null", only, () => {
  const name = `${newName("tsm")}\0`;
  assertThrows(() => SharedMemory.create({ size: 1, name }), RangeError);
  assertThrows(() => SharedMemory.open(name), RangeError);
});

Deno.test(
  "test_shared_memory_cleaned_after_process_termination",
  only,
  async () => {
    const name = newName("tsmct");
    await using program = await ChildProgram.start("own", name);
    SharedMemory.open(name).close();
    await program.kill();
    assertThrows(() => SharedMemory.open(name), NotFoundError);
  },
);

Deno.test(
  "test_shared_memory_untracking: one that opens and ends takes nothing away",
  only,
  async () => {
    using memory = SharedMemory.create({ size: 8, name: newName("tsmu") });
    new Uint8Array(memory.buffer)[0] = 42;
    await using program = await ChildProgram.start("borrow", memory.name);
    void program.tell("end");
    assertEquals(await program.line(), "(the end)");
    SharedMemory.open(memory.name).close();
  },
);

Deno.test("A closed SharedMemory raises instead of crashing", only, () => {
  const memory = SharedMemory.create({ size: 8 });
  memory[Symbol.dispose]();
  memory[Symbol.dispose]();
  assertThrows(() => memory.buffer, InvalidStateError);
});
