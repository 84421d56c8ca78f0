// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import { TimeoutError } from "../../../_internal/base/errors.ts";
import {
  acceptHandshake,
  createKey,
  HandshakeError,
  KEY_SIZE,
  offerHandshake,
} from "../../../_internal/wire/handshake.ts";

/** Keys are worked with on other threads, which may have to wait for a core. */
const PATIENT = { deadline: 60_000 };

Deno.test("createKey() makes another 256-bit key each time", () => {
  assertEquals(createKey().length, KEY_SIZE);
  assertNotEquals(createKey(), createKey());
});

Deno.test("acceptHandshake() does not accept its own answer reflected", async () => {
  const key = createKey();
  const [host, stranger] = pair();
  const accepted = acceptHandshake(host, key, PATIENT);
  accepted.catch(() => {});
  await stranger.write(hello());
  const answer = await readExactly(stranger, 64);
  // The proof of the host's role is no proof of the guest's.
  await stranger.write(answer.subarray(32));
  await assertRejects(() => accepted, HandshakeError);
  assert(host.isClosed);
});

Deno.test("offerHandshake() does not accept a host without the key", async () => {
  const [guest, stranger] = pair();
  const offered = offerHandshake(guest, createKey());
  offered.catch(() => {});
  await readExactly(stranger, 40);
  await stranger.write(new Uint8Array(64));
  await assertRejects(() => offered, HandshakeError);
  assert(guest.isClosed);
});

Deno.test("acceptHandshake() takes a key of any length, and each is another one", async () => {
  const keys = [
    new Uint8Array(),
    new Uint8Array(1),
    new Uint8Array([97]),
    new Uint8Array([97, 0]),
    new Uint8Array(31),
    new Uint8Array(200),
  ];
  for (const key of keys) {
    const [host, guest] = pair();
    await Promise.all([
      acceptHandshake(host, key, PATIENT),
      offerHandshake(guest, key),
    ]);
    for (const other of keys) {
      if (other === key) continue;
      const [host, guest] = pair();
      const accepted = acceptHandshake(host, key, PATIENT);
      accepted.catch(() => {});
      await assertRejects(() => offerHandshake(guest, other), HandshakeError);
      await assertRejects(() => accepted, HandshakeError);
    }
  }
});

Deno.test("acceptHandshake() does not take the words of another handshake", async () => {
  const key = createKey();
  const [host, guest] = pair();
  const said: Uint8Array[] = [];
  const write = guest.write.bind(guest);
  guest.write = (bytes) => {
    said.push(bytes.slice());
    return write(bytes);
  };
  await Promise.all([
    acceptHandshake(host, key, PATIENT),
    offerHandshake(guest, key),
  ]);
  const [again, stranger] = pair();
  const accepted = acceptHandshake(again, key, PATIENT);
  accepted.catch(() => {});
  for (const bytes of said) await stranger.write(bytes);
  await assertRejects(() => accepted, HandshakeError);
  assert(again.isClosed);
});

Deno.test("acceptHandshake() and offerHandshake() close the socket at their deadline", async () => {
  for (const shake of [acceptHandshake, offerHandshake]) {
    const [socket] = pair();
    await assertRejects(
      () => shake(socket, createKey(), { deadline: 40 }),
      TimeoutError,
    );
    assert(socket.isClosed);
  }
});

/** A pair of sockets in memory that deliver at once. */
class Pipe {
  peer!: Pipe;
  isClosed = false;
  #bytes: number[] = [];
  #wake: (() => void) | undefined;

  async read(bytes: Uint8Array): Promise<number | null> {
    while (this.#bytes.length === 0) {
      if (this.isClosed) throw new Deno.errors.BadResource("closed");
      if (this.peer.isClosed) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    // One byte less than asked for, so that short reads are met too.
    const some = this.#bytes.splice(0, Math.max(1, bytes.length - 1));
    bytes.set(some);
    return some.length;
  }

  write(bytes: Uint8Array): Promise<number> {
    const count = Math.ceil(bytes.length / 2);
    this.peer.#bytes.push(...bytes.subarray(0, count));
    this.peer.#wake?.();
    return Promise.resolve(count);
  }

  close(): void {
    this.isClosed = true;
    this.#wake?.();
    this.peer.#wake?.();
  }

  static pair(): [Pipe, Pipe] {
    const a = new Pipe();
    const b = new Pipe();
    a.peer = b;
    b.peer = a;
    return [a, b];
  }
}

/** A pair whose second end writes all at once. */
function pair(): [Pipe, Pipe] {
  const [a, b] = Pipe.pair();
  const write = b.write.bind(b);
  b.write = async (bytes) => {
    let offset = 0;
    while (offset < bytes.length) offset += await write(bytes.subarray(offset));
    return offset;
  };
  return [a, b];
}

function hello(): Uint8Array {
  const bytes = new Uint8Array(40).fill(9);
  bytes.set(new TextEncoder().encode("cpar/1\r\n"));
  return bytes;
}

async function readExactly(socket: Pipe, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  for (let offset = 0; offset < size;) {
    offset += await socket.read(bytes.subarray(offset)) ?? size;
  }
  return bytes;
}
