// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What two connections that belong together do, whatever is between them.

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  BufferTooShortError,
  type Connection,
  ConnectionClosedError,
  InvalidStateError,
  SerializationError,
  TimeoutError,
} from "../../multiprocessing/mod.ts";
import { until } from "./_helpers.ts";

/** Two ends that belong together. */
export interface Pair {
  // deno-lint-ignore no-explicit-any -- every test sends something else
  readonly a: Connection<any>;
  // deno-lint-ignore no-explicit-any -- the same
  readonly b: Connection<any>;
}

const MB = 1 << 20;

/**
 * Registers the tests.
 *
 * @param done Resolves when nothing is left of what was closed.
 */
export function testConnections(
  what: string,
  make: () => Pair | Promise<Pair>,
  done: () => Promise<void> = () => Promise.resolve(),
): void {
  function test(name: string, fn: (pair: Pair) => Promise<void>): void {
    Deno.test(`Connection over ${what} ${name}`, async () => {
      const pair = await make();
      try {
        await fn(pair);
      } finally {
        pair.a.close();
        pair.b.close();
        await done();
      }
    });
  }

  test("carries any value, both ways and in order", async ({ a, b }) => {
    const values = [
      0,
      -0,
      undefined,
      null,
      "text",
      { list: [1, 2n, new Map([["k", new Set([1])]])] },
      new Float64Array([1.5, 2.5]),
      new RangeError("far"),
    ];
    for (const value of values) await a.send(value);
    for (const value of values) {
      const received = await b.recv();
      assertEquals(received, value);
      await b.send(received);
    }
    for (const value of values) assertEquals(await a.recv(), value);
  });

  test("carries functions with what they captured", async ({ a, b }) => {
    const factor = 3;
    await a.send((n: number) => n * factor);
    const times = await b.recv();
    assertEquals(times(14), 42);
  });

  test("copies a value at send()", async ({ a, b }) => {
    const value = { n: 1 };
    const bytes = new Uint8Array(100_000).fill(1);
    const sent = [a.send(value), a.sendBytes(bytes)];
    value.n = 2;
    bytes.fill(2);
    await Promise.all(sent);
    assertEquals(await b.recv(), { n: 1 });
    assertEquals((await b.recvBytes()).every((byte) => byte === 1), true);
  });

  test("keeps messages apart, empty ones and large ones too", async ({ a, b }) => {
    const sizes = [0, 1, 16_383, 16_384, 65_531, 65_536, 65_537, 3 * MB, 0, 5];
    const sending = (async () => {
      for (const [i, size] of sizes.entries()) {
        await a.sendBytes(new Uint8Array(size).fill(i));
      }
    })();
    for (const [i, size] of sizes.entries()) {
      const bytes = await b.recvBytes();
      assertEquals(bytes.length, size);
      assertEquals(bytes.buffer.byteLength, size);
      assert(bytes.every((byte) => byte === i));
    }
    await sending;
  });

  test("carries 16 MB as a value and as bytes", async ({ a, b }) => {
    const numbers = Float64Array.from({ length: 2 * MB }, (_, i) => i);
    const sent = a.send(numbers);
    const value = await b.recv() as Float64Array;
    assertEquals(value.length, numbers.length);
    assert(value.every((n, i) => n === i));
    await sent;
    const again = a.sendBytes(numbers);
    const bytes = await b.recvBytes();
    assert(new Float64Array(bytes.buffer).every((n, i) => n === i));
    await again;
  });

  test("does not lose its place where a value cannot travel", async ({ a, b }) => {
    await a.send(1);
    const error = await assertRejects(
      () => a.send({ deep: [new WeakMap()] }),
      SerializationError,
    );
    assertEquals(error.path, "message.deep[0]");
    await a.send(2);
    assertEquals([await b.recv(), await b.recv()], [1, 2]);
  });

  test("refuses to send what is longer than a message may be", async ({ a, b }) => {
    // Nobody touches it, so it takes no memory.
    const long = new ArrayBuffer(1024 * MB);
    await assertRejects(
      () => a.sendBytes(long),
      SerializationError,
      "Cannot send to a connection as a message must be at most",
    );
    await a.sendBytes(long, { size: 3 });
    assertEquals((await b.recvBytes()).length, 3);
  });

  test("sends the part of a buffer that is asked for", async ({ a, b }) => {
    const bytes = Uint8Array.from({ length: 10 }, (_, i) => i);
    await a.sendBytes(bytes, { offset: 7 });
    await a.sendBytes(bytes, { offset: 2, size: 3 });
    await a.sendBytes(bytes, { offset: 10 });
    await a.sendBytes(bytes.subarray(4, 6));
    await a.sendBytes(new Uint16Array([0x0201]));
    assertEquals([...await b.recvBytes()], [7, 8, 9]);
    assertEquals([...await b.recvBytes()], [2, 3, 4]);
    assertEquals([...await b.recvBytes()], []);
    assertEquals([...await b.recvBytes()], [4, 5]);
    assertEquals([...await b.recvBytes()], [1, 2]);
    for (
      const options of [
        { offset: 11 },
        { offset: -1 },
        { size: 11 },
        { size: -1 },
        { offset: 8, size: 3 },
      ]
    ) {
      await assertRejects(() => a.sendBytes(bytes, options), RangeError);
    }
    await assertRejects(() => a.sendBytes("text" as never), TypeError);
    assertEquals(await b.poll(), false);
  });

  test("recvBytes() refuses what is too long, and goes on", async ({ a, b }) => {
    await a.sendBytes(new Uint8Array(20).fill(7));
    await a.sendBytes(new Uint8Array(10));
    const error = await assertRejects(
      () => b.recvBytes({ maxLength: 10 }),
      BufferTooShortError,
    );
    assertEquals(error.bytes, new Uint8Array(20).fill(7));
    assertEquals((await b.recvBytes({ maxLength: 10 })).length, 10);
    await assertRejects(() => b.recvBytes({ maxLength: -1 }), RangeError);
  });

  test("recvBytesInto() fills a buffer", async ({ a, b }) => {
    const numbers = new Int32Array(10);
    await a.sendBytes(new Int32Array([1, 2, 3]));
    assertEquals(await b.recvBytesInto(numbers), 12);
    await a.sendBytes(new Int32Array([4]));
    assertEquals(await b.recvBytesInto(numbers, { offset: 12 }), 4);
    assertEquals([...numbers], [1, 2, 3, 4, 0, 0, 0, 0, 0, 0]);
    await a.sendBytes(new Uint8Array(41).fill(9));
    const error = await assertRejects(
      () => b.recvBytesInto(numbers),
      BufferTooShortError,
    );
    assertEquals(error.bytes.length, 41);
    await assertRejects(
      () => b.recvBytesInto(numbers, { offset: 41 }),
      RangeError,
    );
  });

  test("recvBytes() leaves a value to recv(), which takes bytes too", async ({ a, b }) => {
    await a.send("value");
    await assertRejects(() => b.recvBytes(), InvalidStateError);
    assertEquals(await b.recv(), "value");
    await a.sendBytes(new Uint8Array([1]));
    assertEquals(await b.recv(), new Uint8Array([1]));
  });

  test("recv() gives up after its timeout or at an abort, and takes nothing", async ({ a, b }) => {
    await assertRejects(() => b.recv({ timeout: 0 }), TimeoutError);
    await assertRejects(() => b.recv({ timeout: 5 }), TimeoutError);
    const controller = new AbortController();
    const aborted = b.recv({ signal: controller.signal });
    controller.abort("enough");
    assertEquals(await aborted.catch((reason) => reason), "enough");
    assertEquals(
      await b.recv({ signal: controller.signal }).catch((reason) => reason),
      "enough",
    );
    await assertRejects(() => b.recv({ timeout: -1 }), RangeError);
    await assertRejects(() => b.recv({ timeout: NaN }), RangeError);
    await a.send(1);
    await a.send(2);
    assertEquals([await b.recv(), await b.recv()], [1, 2]);
  });

  test("serves several receivers in the order in which they came", async ({ a, b }) => {
    const given = new AbortController();
    const received = [b.recv(), b.recv({ signal: given.signal }), b.recv()];
    given.abort("gone");
    received[1]!.catch(() => {});
    await a.send("first");
    await a.send("second");
    assertEquals(await received[0], "first");
    assertEquals(await received[2], "second");
  });

  test("poll() tells of a message and takes none", async ({ a, b }) => {
    assertEquals(await b.poll(), false);
    assertEquals(await b.poll({ timeout: 1 }), false);
    const polled = b.poll({ timeout: Infinity });
    await a.sendBytes(new Uint8Array());
    assertEquals(await polled, true);
    assertEquals(await b.poll(), true);
    assertEquals((await b.recvBytes()).length, 0);
    assertEquals(await b.poll(), false);
    await assertRejects(() => b.poll({ timeout: -1 }), RangeError);
  });

  test("gives what was sent before the end, then the end", async ({ a, b }) => {
    await a.send(1);
    await a.sendBytes(new Uint8Array(2 * MB));
    a.close();
    assertEquals(await b.recv(), 1);
    assertEquals((await b.recvBytes()).length, 2 * MB);
    assertEquals(await b.poll({ timeout: Infinity }), true);
    await assertRejects(() => b.recv(), ConnectionClosedError);
    await assertRejects(() => b.recv({ timeout: 0 }), ConnectionClosedError);
    assertEquals(await b.poll(), true);
    await assertRejects(async () => {
      // Whoever sends learns of it when the word has come.
      for (;;) {
        await b.send(1);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }, ConnectionClosedError);
  });

  test("ends the waits of the other side when it is closed", async ({ a, b }) => {
    const waits = [b.recv(), b.recvBytes(), b.recv({ timeout: 60_000 })];
    const polled = b.poll({ timeout: Infinity });
    a.close();
    for (const wait of waits) {
      await assertRejects(() => wait, ConnectionClosedError);
    }
    assertEquals(await polled, true);
  });

  test("refuses everything after close(), and ends its own waits", async ({ a, b }) => {
    const waiting = a.recv();
    assertEquals(a.closed, false);
    a.close();
    a.close();
    assertEquals(a.closed, true);
    await assertRejects(() => waiting, ConnectionClosedError);
    await assertRejects(() => a.recv(), ConnectionClosedError);
    await assertRejects(() => a.recvBytes(), ConnectionClosedError);
    await assertRejects(() => a.send(1), ConnectionClosedError);
    await assertRejects(
      () => a.sendBytes(new Uint8Array()),
      ConnectionClosedError,
    );
    await assertRejects(() => a.poll(), ConnectionClosedError);
    await assertRejects(() => b.send(a), SerializationError);
    {
      using again = b;
      assertEquals(again.closed, false);
    }
    assertEquals(b.closed, true);
  });

  test("is iterated until the other side is closed", async ({ a, b }) => {
    for (let i = 0; i < 3; i++) await a.send(i);
    a.close();
    assertEquals(await Array.fromAsync(b), [0, 1, 2]);
  });

  test("makes those wait who send more than there is room for", async ({ a, b }) => {
    const chunk = new Uint8Array(256 * 1024);
    let sent = 0;
    const sending = (async () => {
      for (let i = 0; i < 64; i++) {
        await a.sendBytes(chunk);
        sent++;
      }
    })();
    // Until nothing moves any more, and not only since the machine is busy.
    await until("some are sent", () => sent >= 2);
    for (let before = -1; before !== sent;) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert(sent < 60, `${sent} of 64 were sent`);
    for (let i = 0; i < 64; i++) await b.recvBytes();
    await sending;
  });

  test("carries connections", async ({ a, b }) => {
    const other = await make();
    await a.send({ connection: other.a });
    const { connection } = await b.recv();
    await connection.send("through");
    assertEquals(await other.b.recv(), "through");
    await other.b.send("back");
    assertEquals(await connection.recv(), "back");
    connection.close();
    other.a.close();
    other.b.close();
  });

  test("loses nothing of 10 000 small messages", async ({ a, b }) => {
    const sending = (async () => {
      for (let i = 0; i < 10_000; i++) await a.send(i);
      a.close();
    })();
    let next = 0;
    for await (const n of b) assertEquals(n, next++);
    assertEquals(next, 10_000);
    await sending;
  });
}
