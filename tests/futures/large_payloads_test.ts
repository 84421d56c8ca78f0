// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Large values between threads: what arrives is what was there at the submit,
// and the memory that they travel in is free again however a call ends.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { segments } from "../../_internal/memory/segments.ts";
import {
  CancelledError,
  type Future,
  InvalidStateError,
  ProcessPoolExecutor,
  task,
  TaskTimeoutError,
  ThreadPoolExecutor,
  WorkerCrashedError,
} from "../../futures/mod.ts";
import { Thread } from "../../threading/mod.ts";
import { errorOf, soon, until } from "../_suites/_helpers.ts";

const SIZE = 300_000;

function large(fill = 1): Uint8Array<ArrayBuffer> {
  return new Uint8Array(SIZE).fill(fill);
}

function sum(bytes: Uint8Array): number {
  let total = 0;
  for (const byte of bytes) total += byte;
  return total;
}

const sumOf = task(sum, { name: "sum" });

/** A call that runs until its signal fires, and one that does not care. */
async function waits(_bytes: Uint8Array, open: Int32Array): Promise<never> {
  const { current } = await import("../../threading/mod.ts");
  Atomics.store(open, 0, 1);
  await new Promise((_, reject) => {
    current.signal.addEventListener(
      "abort",
      () => reject(current.signal.reason),
    );
  });
  throw new TypeError("unreachable");
}

function ignores(_bytes: Uint8Array, open: Int32Array): void {
  Atomics.store(open, 0, 1);
  while (Atomics.load(open, 1) === 0);
}

function gate(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(8));
}

async function entered(open: Int32Array): Promise<void> {
  await until("it runs", () => Atomics.load(open, 0) === 1);
}

/** Every way in which a call can end. */
const ENDS: Record<string, (pool: ThreadPoolExecutor) => Promise<void>> = {
  "a value": async (pool) => {
    assertEquals(await pool.submit(sum, large(2)), 2 * SIZE);
  },
  "a large value": async (pool) => {
    const value = await pool.submit((bytes: Uint8Array) => bytes, large(3));
    assertEquals(sum(value), 3 * SIZE);
  },
  "an error": async (pool) => {
    await assertRejects(
      () => pool.submit((_: Uint8Array) => [].at(0)!["x"], large()),
      TypeError,
    );
  },
  "an error that holds a large value": async (pool) => {
    const error = await errorOf(
      pool.submit((bytes: Uint8Array) => {
        throw Object.assign(new RangeError("large"), { bytes });
      }, large(4)),
    ) as RangeError & { bytes: Uint8Array };
    assertEquals(sum(error.bytes), 4 * SIZE);
  },
  "retries": async (pool) => {
    const count = gate();
    const flaky = task((bytes: Uint8Array, count: Int32Array) => {
      if (Atomics.add(count, 0, 1) < 2) throw new RangeError("again");
      return bytes.length;
    }, { retries: 3 });
    assertEquals(await pool.submit(flaky, large(), count), SIZE);
  },
  "a refused argument behind it": (pool) => {
    const both = (_: Uint8Array, __: unknown) => 0;
    assertThrows(() => pool.submit(both, large(), new WeakMap()));
    return Promise.resolve();
  },
  "a signal that has fired": async (pool) => {
    const late = task(sum, { signal: AbortSignal.abort() });
    await assertRejects(() => pool.submit(late, large()));
  },
  "a cancel while it waits": async (pool) => {
    const open = gate();
    const running = pool.submit(ignores, large(), open);
    await entered(open);
    const waiting = Array.from({ length: 5 }, () => pool.submit(sum, large()));
    for (const future of waiting) assert(future.cancel());
    Atomics.store(open, 1, 1);
    await running;
    for (const future of waiting) await assertRejects(() => future);
  },
  "a cancel while it runs": async (pool) => {
    const open = gate();
    const future = pool.submit(waits, large(), open);
    await entered(open);
    future.cancel();
    await assertRejects(() => future, CancelledError);
  },
  "a timeout that it ignores": async (pool) => {
    const open = gate();
    const slow = task(ignores, { timeout: 20 });
    await assertRejects(
      () => pool.submit(slow, large(), open),
      TaskTimeoutError,
    );
    // What runs on may read its arguments, not the next one's.
    assertEquals(await pool.submit(sum, large(5)), 5 * SIZE);
    Atomics.store(open, 1, 1);
  },
  "the end of its worker": async (pool) => {
    await assertRejects(
      () =>
        pool.submit((_: Uint8Array) => {
          Deno.exit(3);
        }, large()),
      WorkerCrashedError,
    );
  },
  "the end of the worker that it waits at": async (pool) => {
    await pool.submit(sumOf, large());
    const open = gate();
    const ends = pool.submit(
      (bytes: Uint8Array, open: Int32Array) => {
        Atomics.store(open, 0, 1);
        while (Atomics.load(open, 1) === 0);
        Deno.exit(bytes[0]);
      },
      large(),
      open,
    );
    await entered(open);
    const behind = pool.submit(sumOf, large(2));
    Atomics.store(open, 1, 1);
    await assertRejects(() => ends, WorkerCrashedError);
    assertEquals(await behind, 2 * SIZE);
  },
  "chunks of a map": async (pool) => {
    const length = (bytes: Uint8Array) => bytes.slice(0, 20_000);
    const items = Array.from({ length: 40 }, (_, i) => large(i));
    let i = 0;
    for await (const part of pool.map(length, items, { chunkSize: 7 })) {
      assertEquals([part.length, part[0], part.at(-1)], [20_000, i, i]);
      i++;
    }
    assertEquals(i, items.length);
  },
  "a map that is left": async (pool) => {
    const items = Array.from({ length: 20 }, () => large());
    for await (const _ of pool.map(sum, items)) break;
  },
  "the values of a stream": async (pool) => {
    function* parts(bytes: Uint8Array) {
      for (let i = 0; i < 12; i++) yield bytes.slice().fill(i);
    }
    let i = 0;
    for await (const part of pool.stream(parts, large())) {
      assertEquals([part.length, part[0], part.at(-1)], [SIZE, i, i]);
      if (++i === 10) break;
    }
  },
  "a task of a task": async (pool) => {
    const nested = async (inner: ThreadPoolExecutor, bytes: Uint8Array) => {
      const back = await inner.submit((it: Uint8Array) => it.fill(6), bytes);
      return back;
    };
    const value = await pool.submit(nested, pool, large(1));
    assertEquals(sum(value), 6 * SIZE);
  },
  "a string": async (pool) => {
    const text = "aé€😀".repeat(20_000);
    assertEquals(await pool.submit((it: string) => it + "!", text), text + "!");
  },
};

for (const [end, run] of Object.entries(ENDS)) {
  Deno.test(`ThreadPoolExecutor has no memory in use after ${end}`, async () => {
    const before = segments.inUse;
    await using pool = new ThreadPoolExecutor({
      maxWorkers: 1,
      cancelGrace: 20,
    });
    await soon(end, run(pool));
    await until("it is free", () => segments.inUse === before);
  });
}

Deno.test("ProcessPoolExecutor has no memory in use after calls have ended", async () => {
  const before = segments.inUse;
  await using pool = new ProcessPoolExecutor({ maxWorkers: 1 });
  const value = await pool.submit((bytes: Uint8Array) => bytes, large(3));
  assertEquals(sum(value), 3 * SIZE);
  await assertRejects(
    () => pool.submit((_: Uint8Array) => [].at(0)!["x"], large()),
    TypeError,
  );
  const items = Array.from({ length: 5 }, (_, i) => large(i));
  const sums = await Array.fromAsync(pool.map(sum, items, { chunkSize: 2 }));
  assertEquals(sums, items.map(sum));
  await assertRejects(
    () => pool.submit((_: Uint8Array) => Deno.exit(3), large()),
    WorkerCrashedError,
  );
  await until("it is free", () => segments.inUse === before);
});

Deno.test("ThreadPoolExecutor has no memory in use after submit() was refused", async () => {
  const before = segments.inUse;
  const open = gate();
  {
    await using pool = new ThreadPoolExecutor({ maxWorkers: 1, queueLimit: 1 });
    const first = pool.submit(ignores, large(), open);
    await entered(open);
    const second = pool.submit(sum, large());
    assertThrows(() => pool.submit(sum, large()), InvalidStateError);
    Atomics.store(open, 1, 1);
    await first;
    await second;
  }
  assertEquals(segments.inUse, before);
});

Deno.test("ThreadPoolExecutor has no memory in use after terminate()", async () => {
  const before = segments.inUse;
  const open = gate();
  const pool = new ThreadPoolExecutor({ maxWorkers: 1, cancelGrace: 20 });
  const futures: Future<unknown>[] = [pool.submit(waits, large(), open)];
  await entered(open);
  for (let i = 0; i < 5; i++) futures.push(pool.submit(sum, large()));
  await pool.terminate();
  for (const future of futures) await assertRejects(() => future);
  assertEquals(segments.inUse, before);
});

Deno.test("Thread has no memory in use after its end", async () => {
  const before = segments.inUse;
  const thread = new Thread({
    target: (bytes: Uint8Array) => bytes.length,
    args: [large()],
  });
  thread.start();
  assertEquals(await thread.result(), SIZE);
  await thread.join();
  await until("it is free", () => segments.inUse === before);
});

Deno.test("ThreadPoolExecutor.submit() sends what was there at the submit", async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 2 });
  const bytes = large();
  const futures: Future<number>[] = [];
  for (let i = 0; i < 60; i++) {
    bytes.fill(i);
    futures.push(pool.submit(sum, bytes));
  }
  bytes.fill(99);
  assertEquals(
    await Promise.all(futures),
    Array.from({ length: 60 }, (_, i) => i * SIZE),
  );
});

Deno.test("ThreadPoolExecutor.submit() takes a burst of large calls, and has no memory in use after it", async () => {
  const before = segments.inUse;
  await using pool = new ThreadPoolExecutor({ maxWorkers: 2 });
  const bytes = new Uint8Array(100_000);
  const futures: Future<number>[] = [];
  for (let i = 0; i < 200; i++) {
    const part = bytes.subarray(0, 10_000 + i * 400).fill(i % 100);
    futures.push(pool.submit(sum, part));
  }
  bytes.fill(99);
  assertEquals(
    await Promise.all(futures),
    Array.from({ length: 200 }, (_, i) => (10_000 + i * 400) * (i % 100)),
  );
  await until("it is free", () => segments.inUse === before);
});

Deno.test("ThreadPoolExecutor.submit() gives each call an array of its own", async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  // It keeps what it gets, and looks at it later.
  const keep = (bytes: Uint8Array) => {
    const scope = globalThis as { kept?: Uint8Array[] };
    (scope.kept ??= []).push(bytes);
    return scope.kept.map((it) => it[it.length - 1]);
  };
  for (let i = 1; i <= 4; i++) {
    const kept = await pool.submit(keep, large(i));
    assertEquals(kept, Array.from({ length: i }, (_, j) => j + 1));
  }
});

Deno.test("ThreadPoolExecutor.submit() keeps what views of a large buffer share", async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  const buffer = new ArrayBuffer(80_000, { maxByteLength: 100_000 });
  const whole = new Float64Array(50_000);
  whole[49_999] = 7;
  const found = await pool.submit(
    (a: Uint8Array, b: DataView, c: Float64Array, d: Float64Array) => {
      a[0] = 5;
      return [
        b.getUint8(0),
        a.buffer === b.buffer,
        (a.buffer as ArrayBuffer).maxByteLength,
        c.buffer === d.buffer,
        d.at(-1)!,
        c.byteOffset,
        a,
      ] as const;
    },
    new Uint8Array(buffer, 0, 10),
    new DataView(buffer),
    whole,
    whole.subarray(25_000),
  );
  assertEquals(found.slice(0, 6), [5, true, 100_000, true, 7, 0]);
  const [first] = found[6];
  assertEquals(first, 5);
});

Deno.test("ThreadPoolExecutor.submit() sends parts at any offset", async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  const bytes = Uint8Array.from({ length: 200_000 }, (_, i) => i % 251);
  for (const start of [1, 3, 8, 20_001]) {
    const part = bytes.subarray(start, start + 150_000);
    const back = await pool.submit((it: Uint8Array) => it, part);
    assertEquals(back.length, part.length);
    assert(back.every((byte, i) => byte === part[i]));
  }
});
