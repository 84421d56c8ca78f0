// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What every channel between threads does: order, attachments, close.

import { assertEquals, assertInstanceOf } from "@std/assert";
import type { Channel } from "../../_internal/wire/channel.ts";
import { soon } from "./_helpers.ts";

/** Two ends that belong together. */
export interface Pair extends AsyncDisposable {
  readonly a: Channel;
  readonly b: Channel;
  /** Opens both. */
  open(): void;
}

function bytes(length: number, number: number): Uint8Array {
  return new Uint8Array(length).fill(number);
}

/** Takes so many messages: their lengths, first bytes and attachments. */
function take(
  channel: Channel,
  count: number,
): Promise<[number, number | undefined, readonly unknown[]][]> {
  const found: [number, number | undefined, readonly unknown[]][] = [];
  const all = Promise.withResolvers<typeof found>();
  channel.onMessage = (message, attachments) => {
    found.push([message.length, message[0], [...attachments]]);
    if (found.length === count) all.resolve(found);
  };
  return soon(`${count} messages`, all.promise);
}

/** Tests of one implementation. */
export function channelSuite(name: string, create: () => Pair): void {
  const test = (criterion: string, fn: () => Promise<void>) =>
    Deno.test(`${name} ${criterion}`, fn);

  test("delivers small, large and attached messages in the order of sending", async () => {
    await using pair = create();
    const { a, b } = pair;
    const found = take(b, 120);
    pair.open();
    const expected: [number, number | undefined, unknown[]][] = [];
    for (let i = 0; i < 120; i++) {
      const length = [1, 40, 700, 100_000, 0, 255, 256, 257][i % 8]!;
      const attachments = i % 5 === 0 ? [{ number: i }] : [];
      a.send(bytes(length, i), attachments);
      expected.push([length, length === 0 ? undefined : i, attachments]);
    }
    assertEquals(await found, expected);
  });

  test("delivers what was sent before it was opened", async () => {
    await using pair = create();
    const { a, b } = pair;
    a.send(bytes(3, 1));
    a.send(bytes(100_000, 2));
    a.send(bytes(3, 3), ["attached"]);
    a.send(bytes(3, 4));
    const found = take(b, 4);
    pair.open();
    assertEquals((await found).map(([, first]) => first), [1, 2, 3, 4]);
  });

  test("carries both directions at the same time", async () => {
    await using pair = create();
    const { a, b } = pair;
    const [there, back] = [take(b, 500), take(a, 500)];
    pair.open();
    for (let i = 0; i < 500; i++) {
      a.send(bytes(i % 90, i));
      b.send(bytes(i % 70, i));
    }
    assertEquals(
      (await there).map(([length]) => length),
      Array.from({ length: 500 }, (_, i) => i % 90),
    );
    assertEquals(
      (await back).map(([length]) => length),
      Array.from({ length: 500 }, (_, i) => i % 70),
    );
  });

  test("answers from within a message", async () => {
    await using pair = create();
    const { a, b } = pair;
    const end = Promise.withResolvers<number>();
    b.onMessage = (message) => b.send(message);
    let rounds = 0;
    a.onMessage = (message) => {
      if (++rounds === 300) end.resolve(message[0]!);
      else a.send(bytes(rounds % 400, rounds % 256 || 1));
    };
    pair.open();
    a.send(bytes(1, 1));
    await soon("300 rounds", end.promise);
    assertEquals(rounds, 300);
  });

  test("copies the bytes before send() returns", async () => {
    await using pair = create();
    const { a, b } = pair;
    const found = take(b, 2);
    pair.open();
    for (const length of [10, 100_000]) {
      const message = bytes(length, 1);
      a.send(message);
      message.fill(2);
    }
    assertEquals((await found).map(([, first]) => first), [1, 1]);
  });

  test("moves what is to be transferred", async () => {
    await using pair = create();
    const { a, b } = pair;
    const found = take(b, 1);
    pair.open();
    const buffer = new ArrayBuffer(64);
    a.send(bytes(1, 1), [buffer], [buffer]);
    const [[, , [moved]]] = await found as [[number, number, unknown[]]];
    assertInstanceOf(moved, ArrayBuffer);
    assertEquals([moved.byteLength, buffer.byteLength], [64, 0]);
  });

  test("delivers nothing after close()", async () => {
    await using pair = create();
    const { a, b } = pair;
    let count = 0;
    const first = Promise.withResolvers<void>();
    b.onMessage = () => {
      count++;
      b.close();
      first.resolve();
    };
    pair.open();
    for (let i = 0; i < 20; i++) a.send(bytes(i * 40, i));
    await soon("the first", first.promise);
    for (let i = 0; i < 5; i++) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assertEquals(count, 1);
    // Neither end minds.
    a.send(bytes(1, 1));
    b.send(bytes(1, 1));
    b.close();
  });
}
