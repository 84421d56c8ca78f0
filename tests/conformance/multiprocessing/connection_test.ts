// Copyright 2026 the @concurrent/parallel authors. MIT license.

// CPython's _TestConnection, _TestPoll, _TestPicklingConnections and TestWait.

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  BufferTooShortError,
  connectClient,
  type Connection,
  ConnectionClosedError,
  InvalidStateError,
  Listener,
  pipe,
  Process,
  wait,
} from "../../../multiprocessing/mod.ts";
import { soon } from "../../_suites/_helpers.ts";

async function echo(connection: Connection): Promise<void> {
  for (;;) {
    let message: Uint8Array;
    try {
      message = await connection.recvBytes();
    } catch (error) {
      if (error instanceof ConnectionClosedError) return;
      await connection.send(await connection.recv());
      continue;
    }
    if (message.length === 0) return;
    await connection.sendBytes(message);
  }
}

Deno.test("test_connection", async () => {
  const [connection, child] = pipe();
  const process = new Process({ target: echo, args: [child], daemon: true })
    .start();
  const list = [1, 2.25, null];
  const message = new TextEncoder().encode("hello world");
  const numbers = new Int32Array(10);

  await connection.send(list);
  assertEquals(await connection.recv(), list);
  await connection.sendBytes(message);
  assertEquals(await connection.recvBytes(), message);

  // Into a buffer, with and without an offset.
  await connection.sendBytes(new Int32Array([0, 1, 2]));
  assertEquals(await connection.recvBytesInto(numbers), 12);
  assertEquals([...numbers], [0, 1, 2, 0, 0, 0, 0, 0, 0, 0]);
  await connection.sendBytes(new Int32Array([3, 4]));
  assertEquals(await connection.recvBytesInto(numbers, { offset: 12 }), 8);
  assertEquals([...numbers], [0, 1, 2, 3, 4, 0, 0, 0, 0, 0]);
  await connection.sendBytes(new Uint8Array(41).fill(32));
  const error = await assertRejects(
    () => connection.recvBytesInto(numbers),
    BufferTooShortError,
  );
  assertEquals(error.bytes, new Uint8Array(41).fill(32));

  assertEquals(await connection.poll(), false);
  await assertRejects(() => connection.poll({ timeout: -1 }), RangeError);
  assertEquals(await connection.poll({ timeout: 1 }), false);
  await connection.send("poll");
  assertEquals(await connection.poll({ timeout: 60_000 }), true);
  assertEquals(await connection.recv(), "poll");

  // 16 MiB, to see that nothing is cut.
  const large = new Uint8Array(16 << 20);
  for (let i = 0; i < large.length; i++) large[i] = i % 251;
  await connection.sendBytes(large);
  const back = await connection.recvBytes();
  assertEquals(back.length, large.length);
  assert(back.every((byte, i) => byte === i % 251));

  await connection.sendBytes(new Uint8Array());
  await soon("the end of the child", process.join());
  child.close();
  await assertRejects(() => connection.recv(), ConnectionClosedError);
  connection.close();
});

Deno.test("test_duplex_false", async () => {
  const [reader, writer] = pipe({ duplex: false });
  await writer.send(1);
  assertEquals(await reader.recv(), 1);
  assertEquals([reader.readable, reader.writable], [true, false]);
  assertEquals([writer.readable, writer.writable], [false, true]);
  await assertRejects(() => reader.send(2), InvalidStateError);
  await assertRejects(() => writer.recv(), InvalidStateError);
  await assertRejects(() => writer.poll(), InvalidStateError);
  reader.close();
  writer.close();
});

Deno.test("test_spawn_close", async () => {
  // The parent may close its copy at once, before the child has its own.
  const [connection, child] = pipe();
  const process = new Process({ target: echo, args: [child] }).start();
  child.close();
  const message = new TextEncoder().encode("hello");
  await connection.sendBytes(message);
  assertEquals(await connection.recvBytes(), message);
  await connection.sendBytes(new Uint8Array());
  connection.close();
  await process.join();
  assertEquals(process.exitCode, 0);
});

Deno.test("test_sendbytes", async () => {
  const [a, b] = pipe();
  const message = new TextEncoder().encode("abcdefghijklmnopqrstuvwxyz");
  const send = async (options?: { offset?: number; size?: number }) => {
    await a.sendBytes(message, options);
    return new TextDecoder().decode(await b.recvBytes());
  };
  assertEquals(await send(), "abcdefghijklmnopqrstuvwxyz");
  assertEquals(await send({ offset: 5 }), "fghijklmnopqrstuvwxyz");
  assertEquals(await send({ offset: 7, size: 8 }), "hijklmno");
  assertEquals(await send({ offset: 26 }), "");
  assertEquals(await send({ offset: 26, size: 0 }), "");
  for (
    const options of [
      { offset: 27 },
      { offset: 22, size: 5 },
      { offset: 26, size: 1 },
      { offset: -1 },
      { offset: 4, size: -1 },
    ]
  ) {
    await assertRejects(() => a.sendBytes(message, options), RangeError);
  }
  a.close();
  b.close();
});

Deno.test("test_context", async () => {
  const [a, b] = pipe();
  {
    using first = a;
    using second = b;
    await first.send(1729);
    assertEquals(await second.recv(), 1729);
  }
  assert(a.closed && b.closed);
  await assertRejects(() => a.recv(), ConnectionClosedError);
  a.close();
});

Deno.test("test_empty_string", async () => {
  const [a, b] = pipe();
  await a.sendBytes(new Uint8Array());
  assertEquals(await b.poll(), true);
  assertEquals((await b.recvBytes()).length, 0);
  assertEquals(await b.poll(), false);
  a.close();
  b.close();
});

Deno.test("test_strings, test_boundaries, test_dont_merge", async () => {
  const [a, b] = pipe();
  const process = new Process({
    target: async (connection: Connection) => {
      for (const text of ["hello", "", "a", "b", "", "bye"]) {
        await connection.sendBytes(new TextEncoder().encode(text));
      }
    },
    args: [b],
  }).start();
  for (const text of ["hello", "", "a", "b", "", "bye"]) {
    // Polling more than once takes nothing.
    assertEquals(await a.poll({ timeout: 60_000 }), true);
    assertEquals(await a.poll({ timeout: 60_000 }), true);
    assertEquals(new TextDecoder().decode(await a.recvBytes()), text);
  }
  await process.join();
  b.close();
  assertEquals(await a.poll({ timeout: 60_000 }), true);
  await assertRejects(() => a.recvBytes(), ConnectionClosedError);
  a.close();
});

Deno.test("test_pickling: a connection is sent through a connection", async () => {
  const [toListen, listening] = pipe();
  const [toConnect, connecting] = pipe();
  const listener = new Process({
    target: async (connection: Connection) => {
      using listener = new Listener({ authKey: "key" });
      await connection.send(listener.address);
      const accepted = await listener.accept();
      await connection.send(accepted);
      accepted.close();
      // What a socket is over stays with who has it.
      await connection.recv();
    },
    args: [listening],
  }).start();
  const remote = new Process({
    target: async (connection: Connection) => {
      const [address, message] = await connection.recv() as [string, string];
      using client = await connectClient({ address, authKey: "key" });
      await client.send(message.toUpperCase());
      await connection.recv();
    },
    args: [connecting],
  }).start();
  const address = await toListen.recv() as string;
  await toConnect.send([address, "This connection uses some family"]);
  const accepted = await toListen.recv() as Connection;
  assertEquals(await accepted.recv(), "THIS CONNECTION USES SOME FAMILY");
  accepted.close();
  await toListen.send(null);
  await toConnect.send(null);
  await listener.join();
  await remote.join();
  for (const connection of [toListen, listening, toConnect, connecting]) {
    connection.close();
  }
});

Deno.test("test_access: an end that only sends and one that only receives", async () => {
  const [connection, child] = pipe();
  const process = new Process({
    target: async (connection: Connection) => {
      const writer = await connection.recv() as Connection;
      await writer.send("spam");
      writer.close();
      const reader = await connection.recv() as Connection<string>;
      const message = await reader.recv();
      reader.close();
      await connection.send(message.repeat(2));
    },
    args: [child],
  }).start();
  const [outReader, outWriter] = pipe({ duplex: false });
  await connection.send(outWriter);
  outWriter.close();
  assertEquals(await outReader.recv(), "spam");
  await assertRejects(() => outReader.recv(), ConnectionClosedError);
  outReader.close();
  const [inReader, inWriter] = pipe({ duplex: false });
  await connection.send(inReader);
  inReader.close();
  await inWriter.send("foobar");
  inWriter.close();
  assertEquals(await connection.recv(), "foobarfoobar");
  connection.close();
  child.close();
  await process.join();
});

Deno.test("test_wait: several readers until the end", async () => {
  const readers: Connection<[number, number]>[] = [];
  const processes = [0, 1, 2, 3].map((index) => {
    const [reader, writer] = pipe<[number, number]>({ duplex: false });
    const process = new Process({
      target: async (writer: Connection<[number, number]>, index: number) => {
        for (let i = 0; i < 10; i++) await writer.send([i, index]);
      },
      args: [writer, index],
    }).start();
    writer.close();
    readers.push(reader);
    return process;
  });
  const messages: [number, number][] = [];
  let open = [...readers];
  while (open.length > 0) {
    for (const reader of await soon("a message", wait(open))) {
      try {
        messages.push(await reader.recv());
      } catch (error) {
        assert(error instanceof ConnectionClosedError);
        open = open.filter((other) => other !== reader);
        reader.close();
      }
    }
  }
  messages.sort(([a, b], [c, d]) => a - c || b - d);
  const expected = Array.from({ length: 40 }, (_, i) => [i >> 2, i & 3]);
  assertEquals(messages, expected as [number, number][]);
  for (const process of processes) await process.join();
});

Deno.test("test_wait_socket: several clients until the end", async () => {
  using listener = new Listener();
  const { address, authKey } = listener;
  const clients = Array.from({ length: 4 }, async () => {
    using client = await connectClient({ address, authKey });
    for (let i = 0; i < 10; i++) await client.send(i);
  });
  const open = new Set<Connection | Listener>([listener]);
  let accepted = 0;
  let received = 0;
  while (open.size > 0) {
    for (const ready of await soon("a message", wait(open))) {
      if (ready === listener) {
        open.add(await listener.accept());
        if (++accepted === 4) open.delete(listener);
        continue;
      }
      const connection = ready as Connection;
      try {
        await connection.recv();
        received++;
      } catch (error) {
        assert(error instanceof ConnectionClosedError);
        open.delete(connection);
        connection.close();
      }
    }
  }
  assertEquals(received, 40);
  await Promise.all(clients);
});

Deno.test("test_wait_slow, test_wait_socket_slow: whoever sends late is not missed", async () => {
  using listener = new Listener();
  const { address, authKey } = listener;
  const [reader, writer] = pipe<number>({ duplex: false });
  const process = new Process({
    target: async (
      writer: Connection<number>,
      address: string,
      authKey: Uint8Array<ArrayBuffer>,
    ) => {
      const later = () =>
        new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
      using client = await connectClient({ address, authKey });
      for (let i = 0; i < 10; i++) {
        await later();
        await writer.send(i);
        await later();
        await client.send(i + 10);
      }
    },
    args: [writer, address, authKey],
  }).start();
  writer.close();
  using accepted = await soon("the client", listener.accept());
  const open = new Set<Connection>([reader, accepted]);
  const received: number[] = [];
  while (open.size > 0) {
    for (const ready of await soon("a message", wait(open)) as Connection[]) {
      try {
        received.push(await ready.recv() as number);
      } catch (error) {
        assert(error instanceof ConnectionClosedError);
        open.delete(ready);
        ready.close();
      }
    }
  }
  received.sort((a, b) => a - b);
  assertEquals(received, Array.from({ length: 20 }, (_, i) => i));
  await process.join();
});

Deno.test("test_wait_timeout", async () => {
  const [a, b] = pipe();
  const start = performance.now();
  assertEquals(await wait([a, b], { timeout: 50 }), []);
  assert(performance.now() - start >= 49);
  await b.send(null);
  assertEquals(await wait([a, b], { timeout: 60_000 }), [a]);
  a.close();
  b.close();
});

Deno.test("test_wait_integer: the end of a process", async () => {
  const [a, b] = pipe();
  const process = new Process({
    target: async (connection: Connection) => {
      await connection.recv();
    },
    args: [b],
  }).start();
  const objects = [a, process, b];
  assertEquals(await wait(objects, { timeout: 0 }), []);
  await a.send(null);
  const { sentinel } = process;
  assertEquals(await soon("the end", wait([a, sentinel])), [sentinel]);
  await process.join();
  assert((await wait(objects)).includes(process));
  a.close();
  b.close();
});

Deno.test("test_neg_timeout: a timeout below 0 is refused", async () => {
  const [a, b] = pipe();
  await assertRejects(() => wait([a], { timeout: -1 }), RangeError);
  await assertRejects(() => wait([{} as never]), TypeError);
  a.close();
  await assertRejects(() => wait([a]), ConnectionClosedError);
  b.close();
});
