// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertThrows,
} from "@std/assert";
import {
  NotSupportedError,
  SerializationError,
} from "../../../_internal/base/errors.ts";
import type { ChannelClose } from "../../../_internal/wire/channel.ts";
import {
  SocketChannel,
  type SocketChannelOptions,
  type SocketLike,
} from "../../../_internal/wire/socket_channel.ts";
import { until } from "../../_suites/_helpers.ts";

/** One end of a pair in memory. Writes take at most `limit` bytes. */
class FakeSocket implements SocketLike {
  peer!: FakeSocket;
  readonly writes: number[] = [];
  limit = Infinity;
  isRef = true;
  isClosed = false;
  #input: Uint8Array[] = [];
  #hasEnded = false;
  #wake: (() => void) | undefined;

  static pair(): [FakeSocket, FakeSocket] {
    const a = new FakeSocket();
    const b = new FakeSocket();
    a.peer = b;
    b.peer = a;
    return [a, b];
  }

  async read(bytes: Uint8Array): Promise<number | null> {
    while (this.#input.length === 0) {
      if (this.isClosed) throw new Deno.errors.Interrupted("closed");
      if (this.#hasEnded) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const first = this.#input[0]!;
    const count = Math.min(first.length, bytes.length);
    bytes.set(first.subarray(0, count));
    if (count === first.length) this.#input.shift();
    else this.#input[0] = first.subarray(count);
    return count;
  }

  async write(bytes: Uint8Array): Promise<number> {
    await Promise.resolve();
    if (this.isClosed || this.peer.isClosed) {
      throw new Deno.errors.BrokenPipe("broken");
    }
    const count = Math.min(bytes.length, this.limit);
    this.writes.push(count);
    this.peer.receive(bytes.slice(0, count));
    return count;
  }

  /** Puts bytes in as if the other side had written them. */
  receive(bytes: Uint8Array): void {
    this.#input.push(bytes);
    this.#wake?.();
  }

  end(): void {
    this.#hasEnded = true;
    this.#wake?.();
  }

  closeWrite(): Promise<void> {
    this.peer.end();
    return Promise.resolve();
  }

  close(): void {
    this.isClosed = true;
    this.#wake?.();
    this.peer.end();
  }

  ref(): void {
    this.isRef = true;
  }

  unref(): void {
    this.isRef = false;
  }
}

/** A channel that keeps what it gets. */
function listen(
  socket: SocketLike | undefined,
  options?: SocketChannelOptions,
): { channel: SocketChannel; messages: Uint8Array[]; closes: ChannelClose[] } {
  const channel = new SocketChannel(socket, options);
  const messages: Uint8Array[] = [];
  const closes: ChannelClose[] = [];
  channel.onMessage = (message) => messages.push(message.slice());
  channel.onClose = (close) => closes.push(close);
  channel.open();
  return { channel, messages, closes };
}

function message(length: number, seed = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + seed) & 0xff);
}

function frame(body: Uint8Array, length = body.length): Uint8Array {
  const bytes = new Uint8Array(4 + body.length);
  new DataView(bytes.buffer).setUint32(0, length, true);
  bytes.set(body, 4);
  return bytes;
}

Deno.test("SocketChannel.send() sends what one turn sends in one write", async () => {
  const [a, b] = FakeSocket.pair();
  const channel = new SocketChannel(a);
  const { channel: other, messages } = listen(b);
  for (let i = 0; i < 100; i++) channel.send(message(10, i));
  await channel.flush();
  assertEquals(a.writes, [100 * 14]);
  channel.close();
  await other.ended;
  assertEquals(messages, Array.from({ length: 100 }, (_, i) => message(10, i)));
});

Deno.test("SocketChannel.send() copies the bytes before it returns", async () => {
  const [a, b] = FakeSocket.pair();
  const channel = new SocketChannel(a);
  const { channel: other, messages } = listen(b);
  const sizes = [5, 100_000];
  for (const size of sizes) {
    const bytes = message(size);
    channel.send(bytes);
    bytes.fill(0);
  }
  channel.close();
  await other.ended;
  assertEquals(messages, sizes.map((size) => message(size)));
});

Deno.test("SocketChannel keeps order and bytes for every size when writes and reads are cut short", async () => {
  const [a, b] = FakeSocket.pair();
  a.limit = 1021;
  const channel = new SocketChannel(a);
  const { channel: other, messages, closes } = listen(b);
  const sizes = [
    1,
    2,
    3,
    1017,
    16_379,
    16_380,
    16_381,
    65_531,
    65_532,
    65_533,
    65_536,
    200_000,
    1,
    7,
  ];
  for (const [i, size] of sizes.entries()) {
    channel.send(message(size, i));
    if (i % 3 === 0) await channel.flush();
  }
  channel.close();
  await other.ended;
  assertEquals(messages.map((m) => m.length), sizes);
  assert(messages.every((m, i) => equal(m, message(sizes[i]!, i))));
  assertEquals(closes, [{}]);
});

Deno.test("SocketChannel takes frames that arrive byte by byte", async () => {
  const [a, b] = FakeSocket.pair();
  const { messages } = listen(b);
  for (const byte of [...frame(message(9)), ...frame(message(3, 1))]) {
    b.receive(new Uint8Array([byte]));
  }
  a.close();
  await until("all has come", () => messages.length === 2);
  assertEquals(messages, [message(9), message(3, 1)]);
});

Deno.test("SocketChannel ends with a SerializationError when a frame is too long, empty or cut", async () => {
  const cases = [
    { bytes: frame(message(8), 1025), reason: "length" },
    { bytes: frame(message(0)), reason: "empty" },
    { bytes: frame(message(8), 9), reason: "ended" },
    { bytes: new Uint8Array([1, 0]), reason: "ended" },
  ];
  for (const { bytes, reason } of cases) {
    const [a, b] = FakeSocket.pair();
    const { channel, messages, closes } = listen(b, { maxFrame: 1024 });
    b.receive(frame(message(4)));
    b.receive(bytes);
    a.close();
    assertEquals(await channel.ended, closes[0]);
    assertEquals(messages, [message(4)]);
    assertEquals(closes.length, 1);
    assertInstanceOf(closes[0]!.error, SerializationError);
    assert(closes[0]!.error.reason.includes(reason));
    assert(b.isClosed);
  }
});

Deno.test("SocketChannel.send() refuses what cannot be a frame", () => {
  const [a] = FakeSocket.pair();
  const channel = new SocketChannel(a, { maxFrame: 100 });
  assertThrows(() => channel.send(message(0)), SerializationError);
  assertThrows(() => channel.send(message(101)), SerializationError);
  assertThrows(() => channel.send(message(1), [1]), NotSupportedError);
  channel.close();
});

Deno.test("SocketChannel.close() delivers nothing afterwards, not even onClose", async () => {
  const [a, b] = FakeSocket.pair();
  const { channel, messages, closes } = listen(b);
  channel.onMessage = (bytes) => {
    messages.push(bytes.slice());
    channel.close();
  };
  const both = [...frame(message(2)), ...frame(message(3))];
  b.receive(new Uint8Array(both));
  b.receive(frame(message(4)));
  await until("all has come", () => messages.length === 1);
  a.close();
  await channel.ended;
  assertEquals(messages, [message(2)]);
  assertEquals(closes, []);
});

Deno.test("SocketChannel delivers what the other side sent before it went when writing fails", async () => {
  const [a, b] = FakeSocket.pair();
  const { channel, messages, closes } = listen(b);
  b.receive(frame(message(4)));
  a.close();
  channel.send(message(1));
  await channel.ended;
  assertEquals(messages, [message(4)]);
  assertEquals(closes, [{}]);
  channel.send(message(1));
  await channel.flush();
});

Deno.test("SocketChannel ends where writing fails, and not for the other side's sake", async () => {
  const [a, b] = FakeSocket.pair();
  const near = listen(b);
  const far = listen(a);
  const error = new TypeError("segments.push is not a function");
  b.write = () => Promise.reject(error);
  near.channel.send(message(1));
  await near.channel.ended;
  await far.channel.ended;
  assertEquals(near.closes, [{ error }]);
  assertEquals(far.closes, [{}]);
});

Deno.test("SocketChannel ends with the error that a handler throws", async () => {
  const [, b] = FakeSocket.pair();
  const { channel, closes } = listen(b);
  const error = new RangeError("Cannot read 4 bytes: 0 bytes are left");
  channel.onMessage = () => {
    throw error;
  };
  b.receive(frame(message(4)));
  await channel.ended;
  assertEquals(closes, [{ error }]);
});

Deno.test("SocketChannel.attach() sends what was sent before and takes unref() over", async () => {
  const [a, b] = FakeSocket.pair();
  const { channel } = listen(undefined);
  channel.unref();
  channel.send(message(4));
  const { messages } = listen(b);
  assertEquals(channel.isConnected, false);
  channel.attach(a);
  assertEquals(channel.isConnected, true);
  assertEquals(a.isRef, false);
  await channel.flush();
  await until("all has come", () => messages.length === 1);
  channel.ref();
  assertEquals(a.isRef, true);
  channel.close();
  await channel.ended;
});

Deno.test("SocketChannel.attach() closes the socket when the channel has ended", async () => {
  const [a] = FakeSocket.pair();
  const { channel, closes } = listen(undefined);
  const error = new TypeError("Cannot start");
  channel.fail(error);
  await channel.ended;
  assertEquals(closes, [{ error }]);
  channel.attach(a);
  assert(a.isClosed);
});

Deno.test("SocketChannel.fence() keeps its place among the messages", async () => {
  const [a, b] = FakeSocket.pair();
  const channel = new SocketChannel(a);
  a.limit = 3;
  const seen: unknown[] = [];
  const { channel: other } = listen(b);
  other.onMessage = (bytes) => seen.push(bytes[0]);
  other.onFence = (count) => seen.push(`fence ${count}`);
  channel.send(new Uint8Array([1]));
  channel.fence(7);
  channel.send(new Uint8Array([2]));
  channel.fence(2 ** 32 - 1);
  channel.close();
  await other.ended;
  assertEquals(seen, [1, "fence 7", 2, "fence 4294967295"]);
});

for (const transport of ["unix", "tcp"] as const) {
  Deno.test({
    name:
      `SocketChannel carries large and many messages both ways over ${transport}`,
    ignore: transport === "unix" && Deno.build.os === "windows",
    async fn() {
      const [left, right] = await connect(transport);
      const a = listen(left);
      const b = listen(right);
      b.channel.onMessage = (bytes) => b.channel.send(bytes);
      const sizes = Array.from({ length: 2000 }, (_, i) => 1 + i % 300);
      sizes.splice(1000, 0, 3_000_001);
      for (const [i, size] of sizes.entries()) a.channel.send(message(size, i));
      await until("all has come", () => a.messages.length === sizes.length);
      assert(a.messages.every((m, i) => equal(m, message(sizes[i]!, i))));
      a.channel.close();
      await Promise.all([a.channel.ended, b.channel.ended]);
      assertEquals(a.closes, []);
      assertEquals(b.closes, [{}]);
    },
  });

  Deno.test({
    name: `SocketChannel.close() loses nothing that was sent over ${transport}`,
    ignore: transport === "unix" && Deno.build.os === "windows",
    async fn() {
      const [left, right] = await connect(transport);
      const a = listen(left);
      const b = listen(right);
      // Unread input on the closing side must not reset the connection.
      for (let i = 0; i < 50; i++) b.channel.send(message(1000));
      for (let i = 0; i < 50; i++) a.channel.send(message(50_000, i));
      a.channel.close();
      await Promise.all([a.channel.ended, b.channel.ended]);
      assertEquals(b.messages.length, 50);
      assertEquals(b.closes, [{}]);
    },
  });
}

async function connect(
  transport: "unix" | "tcp",
): Promise<[Deno.Conn, Deno.Conn]> {
  if (transport === "tcp") {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    return await Promise.all([
      listener.accept(),
      Deno.connect({ hostname: "127.0.0.1", port }),
    ]);
  }
  const directory = await Deno.makeTempDir();
  const path = `${directory}/s`;
  using listener = Deno.listen({ transport, path });
  const pair = await Promise.all([
    listener.accept(),
    Deno.connect({ transport, path }),
  ]);
  await Deno.remove(directory, { recursive: true });
  return pair;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
