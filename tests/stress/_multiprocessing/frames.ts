// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Bytes that no other side writes, against whoever listens: a Listener, and the
// control channel of a child. Whoever sends them is disconnected or told; nothing
// else happens, and others are served meanwhile.

import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import {
  ConnectionClosedError,
  ParallelError,
  SerializationError,
} from "../../../_internal/base/errors.ts";
import {
  acceptHandshake,
  connectAuthenticated,
  connectTo,
  type HandshakeSocket,
  offerHandshake,
  type SocketAddress,
} from "../../../_internal/wire/handshake.ts";
import {
  plainMessage,
  readGuestMessage,
  readHostMessage,
  Tag,
} from "../../../_internal/wire/messages.ts";
import { SocketChannel } from "../../../_internal/wire/socket_channel.ts";
import { encodeToBytes } from "../../../_internal/wire/values.ts";
import { ProcessHost } from "../../../_internal/worker/process_host.ts";
import {
  connectClient,
  type Connection,
  Listener,
} from "../../../multiprocessing/mod.ts";

/** How much is tried. */
export interface FramesOptions {
  readonly count: number;
  readonly seed: number;
}

/** What became of it. */
export interface FramesReport {
  /** Frames that were sent. */
  sent: number;
  /** Messages that a receiver was given, or told of: what is sent behind the frame that ends a connection is not read. */
  received: number;
  /** Messages that were refused, alone. */
  refused: number;
  /** Connections that were closed. */
  closed: number;
  /** Bytes that the program has grown by. */
  grown: number;
}

/** After so many frames memory is measured for the first time: caches are full by then. */
const WARM_UP = 0.3;
/** A program may grow by so many bytes, and a little for each frame: the collector takes its time. */
const ALLOWED = 96 << 20;

/** A small generator of the same numbers for the same seed (mulberry32). */
function randomOf(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % limit;
  };
}

type Random = ReturnType<typeof randomOf>;

/** Changes some bytes, cuts some off, or adds some. */
function mutated(bytes: Uint8Array, random: Random): Uint8Array<ArrayBuffer> {
  const cut = random(4) === 0 ? random(bytes.length + 1) : bytes.length;
  const added = random(4) === 0 ? random(20) : 0;
  const result = new Uint8Array(cut + added);
  result.set(bytes.subarray(0, cut));
  for (let i = cut; i < result.length; i++) result[i] = random(256);
  for (let n = 1 + random(4); n > 0 && result.length > 0; n--) {
    const at = random(result.length);
    result[at] = random(3) === 0 ? result[at]! ^ (1 << random(8)) : random(256);
  }
  return result;
}

/** A frame: its length, and its bytes. */
function framed(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(4 + bytes.length);
  new DataView(frame.buffer).setUint32(0, bytes.length, true);
  frame.set(bytes, 4);
  return frame;
}

const VALUES: readonly unknown[] = [
  1,
  "text",
  { list: [1, 2.5, null], map: new Map([["k", new Set([1n])]]) },
  new Float64Array([1, 2, 3]),
  new RangeError("far", { cause: new Error("near") }),
  [new Date(0), /x/g, new URL("https://example.com/")],
];

/** Sends frames to a listener: before, in and behind the handshake. */
export async function fuzzListener(
  { count, seed }: FramesOptions,
): Promise<FramesReport> {
  const random = randomOf(seed);
  const report = { sent: 0, received: 0, refused: 0, closed: 0, grown: 0 };
  const listener = new Listener({ authKey: "the key" });
  const address: SocketAddress = { transport: "unix", path: listener.address };
  const key = new TextEncoder().encode("the key");
  const transcript = await recordHandshake(key);
  const serving = serve(listener, report);
  const client = await connectClient<string>({
    address: listener.address,
    authKey: "the key",
  });
  const valid = VALUES.map((value) =>
    new Uint8Array([0, ...encodeToBytes(value, "value")])
  );
  let before = 0;
  while (report.received < count) {
    if (before === 0 && report.received > count * WARM_UP) {
      before = usedMemory();
    }
    if (random(8) === 0) {
      await sendStrange(address, transcript, random, report);
    } else {
      await sendFrames(address, key, valid, random, report);
    }
    await client.send(`still ${report.sent}`);
    assertEquals(await client.recv(), `still ${report.sent}`);
  }
  report.grown = usedMemory() - before;
  client.close();
  listener.close();
  await serving;
  assert(report.grown < ALLOWED, `memory grew by ${report.grown} bytes`);
  assertEquals(Object.hasOwn(Object.prototype, "polluted"), false);
  return report;
}

/** What is received is sent back; whatever is wrong with it concerns its sender only. */
async function serve(listener: Listener, report: FramesReport): Promise<void> {
  const serving: Promise<void>[] = [];
  for await (const connection of listener) {
    const one = echo(connection, report);
    serving.push(one);
    void one.finally(() => serving.splice(serving.indexOf(one), 1));
  }
  await Promise.all(serving);
}

async function echo(
  connection: Connection,
  report: FramesReport,
): Promise<void> {
  for (;;) {
    let value: unknown;
    try {
      value = await connection.recv();
    } catch (error) {
      assertInstanceOf(error, ParallelError);
      if (error instanceof ConnectionClosedError) {
        connection.close();
        return;
      }
      assertInstanceOf(error, SerializationError);
      report.refused++;
      report.received++;
      continue;
    }
    report.received++;
    if (typeof value !== "string") continue;
    await connection.send(value).catch((error) =>
      assertInstanceOf(error, ConnectionClosedError)
    );
  }
}

/** One that does not know the key: nonsense, a changed handshake, or one that was heard before. */
async function sendStrange(
  address: SocketAddress,
  transcript: readonly Uint8Array[],
  random: Random,
  report: FramesReport,
): Promise<void> {
  using conn = await connectTo(address);
  const isReplay = random(2) === 0;
  try {
    for (const said of transcript) {
      await conn.write(isReplay ? said : mutated(said, random));
      report.sent++;
    }
    await conn.closeWrite();
    // It is told nothing but the host's part of the handshake.
    let heard = 0;
    for (const buffer = new Uint8Array(256);;) {
      const count = await conn.read(buffer);
      if (count === null) break;
      heard += count;
    }
    assert(heard === 0 || heard === 64, `${heard} bytes were answered`);
  } catch (error) {
    assert(isDisconnection(error), String(error));
  }
  report.closed++;
}

/** One that knows the key and sends what no other side does, until it is disconnected. */
async function sendFrames(
  address: SocketAddress,
  key: Uint8Array<ArrayBuffer>,
  valid: readonly Uint8Array[],
  random: Random,
  report: FramesReport,
): Promise<void> {
  using conn = await connectAuthenticated(address, key);
  let isOpen = true;
  const reading = (async () => {
    const buffer = new Uint8Array(4096);
    try {
      while (await conn.read(buffer) !== null);
    } catch (error) {
      assert(isDisconnection(error), String(error));
    }
    isOpen = false;
  })();
  try {
    for (let n = 0; n < 200 && isOpen; n++) {
      const body = valid[random(valid.length)]!;
      // With the length what follows is cut anywhere; with the first byte the kind
      // is one that there is not. Both end the connection.
      const frame = random(200) === 0
        ? mutated(framed(body), random)
        : random(200) === 0
        ? framed(mutated(body, random))
        : framed(
          new Uint8Array([
            random(8) >> 2,
            ...mutated(body.subarray(1), random),
          ]),
        );
      await conn.write(frame);
      report.sent++;
    }
    await conn.closeWrite();
  } catch (error) {
    assert(isDisconnection(error), String(error));
  }
  await reading;
  report.closed++;
}

/** What a guest says in a handshake that succeeds. */
async function recordHandshake(
  key: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array[]> {
  const [host, guest] = [new Wire(), new Wire()];
  host.peer = guest;
  guest.peer = host;
  await Promise.all([acceptHandshake(host, key), offerHandshake(guest, key)]);
  return guest.said;
}

/** One end of a socket in memory. */
class Wire implements HandshakeSocket {
  peer!: Wire;
  readonly said: Uint8Array[] = [];
  #stream = new TransformStream<Uint8Array, Uint8Array>(undefined, {
    highWaterMark: 16,
  });
  #writer = this.#stream.writable.getWriter();
  #reader = this.#stream.readable.getReader();
  #rest = new Uint8Array();

  async read(bytes: Uint8Array): Promise<number | null> {
    if (this.#rest.length === 0) {
      this.#rest = new Uint8Array((await this.peer.#reader.read()).value!);
    }
    const some = this.#rest.subarray(0, bytes.length);
    bytes.set(some);
    this.#rest = this.#rest.subarray(some.length);
    return some.length;
  }

  async write(bytes: Uint8Array): Promise<number> {
    this.said.push(bytes.slice());
    await this.#writer.write(bytes.slice());
    return bytes.length;
  }

  close(): void {
    void this.#writer.close();
  }
}

/** Sends messages to the reader of a control channel, and to some children whom they end. */
export async function fuzzControlChannel(
  { count, seed, children }: FramesOptions & { readonly children: number },
): Promise<FramesReport> {
  const random = randomOf(seed);
  const report = { sent: 0, received: 0, refused: 0, closed: 0, grown: 0 };
  const valid = [
    plainMessage({ tag: Tag.ping }),
    plainMessage({ tag: Tag.forget, definition: 3 }),
    plainMessage({ tag: Tag.credit, slot: 1, items: 5 }),
    new Uint8Array([Tag.call, 0, 0, 1, 0, 1, 2, 3]),
    new Uint8Array([Tag.define, 1, 0, 0, 7, 7, 7]),
  ].map((message) => message.slice());
  let before = 0;
  while (report.sent < count) {
    if (before === 0 && report.sent > count * WARM_UP) before = usedMemory();
    const message = mutated(valid[random(valid.length)]!, random);
    report.sent++;
    for (const read of [readHostMessage, readGuestMessage]) {
      try {
        read(message);
      } catch (error) {
        assert(
          error instanceof SerializationError || error instanceof RangeError,
          String(error),
        );
        report.refused++;
      }
    }
    if (report.sent % 64 === 0) await cutFrames(valid, random, report);
  }
  report.grown = usedMemory() - before;
  assert(report.grown < ALLOWED, `memory grew by ${report.grown} bytes`);
  for (let n = 0; n < children; n++) await endChild(valid, random, report);
  return report;
}

/** Frames with wrong lengths, in pieces, to the reader of a socket. */
async function cutFrames(
  valid: readonly Uint8Array[],
  random: Random,
  report: FramesReport,
): Promise<void> {
  const pieces = Array.from(
    { length: 4 },
    () => mutated(framed(valid[random(valid.length)]!), random),
  );
  const channel = new SocketChannel({
    read(bytes) {
      const piece = pieces.shift();
      if (piece === undefined) return Promise.resolve(null);
      bytes.set(piece.subarray(0, bytes.length));
      return Promise.resolve(Math.min(piece.length, bytes.length));
    },
    write: (bytes) => Promise.resolve(bytes.length),
    closeWrite: () => Promise.resolve(),
    close: () => {},
    ref: () => {},
    unref: () => {},
  }, { maxFrame: 1 << 20 });
  channel.open();
  const { error } = await channel.ended;
  report.sent += 4;
  if (error === undefined) return;
  assertInstanceOf(error, SerializationError);
  report.closed++;
}

/** A child that gets what it cannot read ends; nothing else does. */
async function endChild(
  valid: readonly Uint8Array[],
  random: Random,
  report: FramesReport,
): Promise<void> {
  const host = new ProcessHost({
    id: 1,
    name: "fuzzed",
    sharesMemory: random(2) === 0,
  });
  host.channel.onMessage = () => {};
  host.channel.onClose = () => {};
  host.open();
  await host.ready;
  let isOver = false;
  const exited = host.exited.then(() => isOver = true);
  for (let n = 0; n < 500 && !isOver; n++) {
    const message = mutated(valid[random(2)]!, random);
    if (message.length > 0) host.channel.send(message);
    report.sent++;
    if (n % 8 === 0) await new Promise((resolve) => setTimeout(resolve));
  }
  host.terminate();
  await exited;
  report.closed++;
}

function usedMemory(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return Deno.memoryUsage().rss;
}

function isDisconnection(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.NotConnected ||
    error instanceof Deno.errors.BadResource ||
    error instanceof Deno.errors.Interrupted;
}
