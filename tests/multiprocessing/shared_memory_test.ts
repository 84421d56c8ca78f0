// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  AlreadyExistsError,
  InvalidStateError,
  NotFoundError,
  NotSupportedError,
  Process,
  SerializationError,
  SharedMemory,
} from "../../multiprocessing/mod.ts";
import { Thread } from "../../threading/mod.ts";
import { soon, until } from "../_suites/_helpers.ts";
import { ChildProgram, memoryFiles } from "./_child_program.ts";

const only = { ignore: Deno.build.os !== "linux" };

/** A name that no other run of the tests uses. */
const uniqueName = () => `test-${Deno.pid}-${crypto.randomUUID()}`;

function exists(name: string): boolean {
  try {
    SharedMemory.open(name).close();
    return true;
  } catch (error) {
    assert(error instanceof NotFoundError);
    return false;
  }
}

Deno.test("SharedMemory has the size that was asked for, zeroed", only, () => {
  for (const size of [1, 4095, 4097, 3_000_000]) {
    using memory = SharedMemory.create({ size });
    assertEquals(memory.size, size);
    assertEquals(memory.buffer.byteLength, size);
    assert(new Uint8Array(memory.buffer).every((byte) => byte === 0));
    using same = SharedMemory.open(memory.name);
    assertEquals(same.size, size);
    assertEquals([memory.isOwner, same.isOwner], [true, false]);
  }
});

Deno.test("SharedMemory.create() refuses what can be no memory", only, () => {
  const create = SharedMemory.create as (options?: unknown) => unknown;
  assertThrows(() => create(), TypeError, "'options' must be an object");
  assertThrows(() => create({}), TypeError, "'size'");
  assertThrows(() => create({ size: "1" }), TypeError, "'size'");
  for (const size of [0, -1, 1.5, NaN, Infinity, 2 ** 60]) {
    assertThrows(() => create({ size }), RangeError, "'size'");
  }
  assertThrows(() => create({ size: 1, name: 1 }), TypeError, "'name'");
  for (const name of ["", "a/b", "/a", "a\0b", "é".repeat(101)]) {
    assertThrows(() => create({ size: 1, name }), RangeError, "'name'");
    assertThrows(() => SharedMemory.open(name), RangeError, "'name'");
  }
  using longest = SharedMemory.create({
    size: 1,
    name: uniqueName().padEnd(200, "é").slice(0, 120),
  });
  assert(exists(longest.name));
});

Deno.test(
  "SharedMemory.create() finds that the name is taken, until it is unlinked",
  only,
  () => {
    const name = uniqueName();
    const first = SharedMemory.create({ size: 8, name });
    assertThrows(
      () => SharedMemory.create({ size: 8, name }),
      AlreadyExistsError,
      name,
    );
    first.unlink();
    using second = SharedMemory.create({ size: 16, name });
    using opened = SharedMemory.open(name);
    assertEquals(opened.size, second.size);
    // The first one goes on, on its own.
    new Uint8Array(first.buffer)[0] = 1;
    assertEquals(new Uint8Array(second.buffer)[0], 0);
    first.close();
  },
);

Deno.test(
  "SharedMemory.close() empties the buffer and its views, in this handle only",
  only,
  () => {
    using memory = SharedMemory.create({ size: 8 });
    const same = SharedMemory.open(memory.name);
    const { buffer } = same;
    const view = new Int32Array(buffer);
    same.close();
    same.close();
    assertEquals([buffer.byteLength, view.length, same.size], [0, 0, 8]);
    assertThrows(() => Atomics.load(view, 0), TypeError);
    assertThrows(() => same.buffer, InvalidStateError, "is closed");
    assertEquals(memory.buffer.byteLength, 8);
  },
);

Deno.test(
  "SharedMemory of an owner that has closed it can be opened until it is unlinked",
  only,
  () => {
    const memory = SharedMemory.create({ size: 8 });
    new Uint8Array(memory.buffer)[7] = 9;
    memory.close();
    using again = SharedMemory.open(memory.name);
    assertEquals(new Uint8Array(again.buffer)[7], 9);
    memory.unlink();
    assert(!exists(memory.name));
    assertThrows(() => memory.unlink(), NotFoundError, memory.name);
    assertThrows(() => again.unlink(), NotFoundError, memory.name);
  },
);

Deno.test(
  "SharedMemory.unlink() works in every handle, open or closed",
  only,
  () => {
    const before = memoryFiles(Deno.pid);
    for (const closeFirst of [true, false]) {
      const memory = SharedMemory.create({ size: 8 });
      const other = SharedMemory.open(memory.name);
      if (closeFirst) other.close();
      other.unlink();
      assert(!exists(memory.name));
      other.close();
      memory.close();
    }
    assertEquals(memoryFiles(Deno.pid), before);
  },
);

Deno.test(
  "SharedMemory sent to a thread is the same memory, and comes home as the same object",
  only,
  async () => {
    using memory = SharedMemory.create({ size: 8 });
    const thread = new Thread({
      target: (received: SharedMemory) => {
        // Captured, it is the object that has arrived as an argument.
        new Uint8Array(received.buffer)[0] = received === memory ? 1 : 2;
        const back = { received, isOwner: received.isOwner };
        return back;
      },
      args: [memory],
    }).start();
    const back = await thread.result();
    await thread.join();
    assert(back.received === memory);
    assertEquals(back.isOwner, false);
    assertEquals(new Uint8Array(memory.buffer)[0], 1);
  },
);

Deno.test(
  "SharedMemory that a thread has received and not closed keeps no descriptor",
  only,
  async () => {
    using memory = SharedMemory.create({ size: 8 });
    const before = memoryFiles(Deno.pid);
    for (let i = 0; i < 3; i++) {
      const thread = new Thread({
        target: (memory: SharedMemory) => {
          using same = SharedMemory.open(memory.name);
          return same.buffer.byteLength + memory.buffer.byteLength;
        },
        args: [memory],
      }).start();
      assertEquals(await thread.result(), 16);
      await thread.join();
    }
    assertEquals(memoryFiles(Deno.pid), before);
  },
);

Deno.test(
  "SharedMemory sent to a process may be closed at once",
  only,
  async () => {
    const memory = SharedMemory.create({ size: 1 << 20 });
    new Uint8Array(memory.buffer).fill(3);
    const process = new Process({
      target: (received: SharedMemory) => {
        using mine = received;
        const bytes = new Uint8Array(mine.buffer);
        const sum = bytes.reduce((sum, byte) => sum + byte, 0);
        bytes[0] = 77;
        return sum;
      },
      args: [memory],
    }).start();
    memory.close();
    assertEquals(await process.result(), 3 << 20);
    await process.join();
    {
      using again = SharedMemory.open(memory.name);
      assertEquals(new Uint8Array(again.buffer)[0], 77);
    }
    memory.unlink();
  },
);

Deno.test(
  "SharedMemory that is closed cannot be sent, one that was unlinked not received",
  only,
  async () => {
    const memory = SharedMemory.create({ size: 8 });
    memory.unlink();
    const process = new Process({
      target: (received: SharedMemory) => received.size,
      args: [memory],
    }).start();
    const error = await process.result().catch((error) => error);
    assert(error instanceof NotFoundError, String(error));
    await process.join();
    memory.close();
    const closed = assertThrows(
      () => new Process({ target: () => memory.size }).start(),
      SerializationError,
    );
    assert(closed.message.includes("is closed"), closed.message);
  },
);

Deno.test(
  "SharedMemory goes on to a grandchild from a child that has closed it",
  only,
  async () => {
    using memory = SharedMemory.create({ size: 8 });
    const process = new Process({
      target: async (received: SharedMemory) => {
        const child = new Process({
          target: (own: SharedMemory) => {
            new Uint8Array(own.buffer)[0]! += 5;
          },
          args: [received],
        }).start();
        received.close();
        await child.result();
        await child.join();
      },
      args: [memory],
    }).start();
    await process.result();
    await process.join();
    assertEquals(new Uint8Array(memory.buffer)[0], 5);
  },
);

Deno.test(
  "SharedMemory goes on when its owner is killed, and is gone with the last",
  only,
  async () => {
    const name = uniqueName();
    await using owner = await ChildProgram.start("own", name);
    await using borrower = await ChildProgram.start("borrow", name);
    await owner.kill();
    {
      using memory = SharedMemory.open(name);
      assertEquals(new Uint8Array(memory.buffer)[0], 42);
      await borrower.kill();
      assertThrows(
        () => SharedMemory.create({ size: 8, name }),
        AlreadyExistsError,
      );
    }
    assert(!exists(name));
    SharedMemory.create({ size: 8, name })[Symbol.dispose]();
  },
);

Deno.test(
  "SharedMemory: a killed borrower takes nothing away",
  only,
  async () => {
    using memory = SharedMemory.create({ size: 8, name: uniqueName() });
    new Uint8Array(memory.buffer)[0] = 42;
    await using borrower = await ChildProgram.start("borrow", memory.name);
    await borrower.kill();
    assert(exists(memory.name));
    assertEquals(new Uint8Array(memory.buffer)[0], 42);
  },
);

Deno.test(
  "SharedMemory leaves nothing when all its processes are killed at once",
  only,
  async () => {
    const files = () =>
      ["/dev/shm", "/tmp"].flatMap((folder) =>
        Array.from(Deno.readDirSync(folder), ({ name }) => name)
          .filter((name) => name.startsWith("concurrent-parallel-"))
          // Of the tests of somebody else, who runs them now.
          .filter((name) => name.includes(`${Deno.pid}`))
      );
    const before = files();
    const name = uniqueName();
    await using owner = await ChildProgram.start("own", name);
    await using first = await ChildProgram.start("borrow", name);
    await using second = await ChildProgram.start("borrow", name);
    const all = [owner, first, second];
    await Promise.all(all.map((program) => program.kill()));
    assert(!exists(name));
    assertEquals(files(), before);
  },
);

Deno.test(
  "SharedMemory: of many that make one name at a time, one does",
  only,
  async () => {
    const name = uniqueName();
    const programs = await Promise.all(
      Array.from({ length: 3 }, () => ChildProgram.start("race", name)),
    );
    for (const program of programs) program.tell("go");
    const ends = await Promise.all(programs.map((program) => program.line()));
    for (const program of programs) await program[Symbol.asyncDispose]();
    // Each made the name of each round, or found that somebody else had.
    const made = ends.map((end) => JSON.parse(end) as boolean[]);
    const rounds = made[0]!.map((_, i) => made.filter((one) => one[i]).length);
    assertEquals(rounds, rounds.map(() => 1));
  },
);

Deno.test(
  "SharedMemory that another process unlinks is given back by an owner that has closed it",
  only,
  async () => {
    const before = memoryFiles(Deno.pid);
    const memory = SharedMemory.create({ size: 8, name: uniqueName() });
    memory.close();
    await using other = await ChildProgram.start("unlink", memory.name);
    assertEquals(await other.line(), "unlinked");
    // What it has kept goes when it makes or opens something the next time.
    SharedMemory.create({ size: 8 })[Symbol.dispose]();
    assertEquals(memoryFiles(Deno.pid), before);
  },
);

Deno.test(
  "SharedMemory without --allow-ffi names the permission",
  only,
  async () => {
    using memory = SharedMemory.create({ size: 8 });
    const process = new Process({
      target: (received: SharedMemory) => received.size,
      args: [memory],
      permissions: { read: true, env: true, net: true, write: true },
    }).start();
    const error = await soon(
      "an end",
      process.result().catch((error) => error),
    );
    assert(error instanceof NotSupportedError, String(error));
    assert(error.message.includes("--allow-ffi"), error.message);
    await process.join();

    await using program = await ChildProgram.start("make", "", [
      "--allow-read",
      "--allow-env",
    ]);
    const line = await program.line();
    assertEquals(
      line,
      "NotSupportedError: Cannot create shared memory: it takes Linux and the permission --allow-ffi",
    );
    await until("it has ended", () => program.hasEnded);
  },
);
