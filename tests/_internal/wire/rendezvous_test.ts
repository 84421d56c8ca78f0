// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { TimeoutError } from "../../../_internal/base/errors.ts";
import {
  connectTo,
  createKey,
  HandshakeError,
  offerHandshake,
  type SocketTransport,
} from "../../../_internal/wire/handshake.ts";
import { Rendezvous } from "../../../_internal/wire/rendezvous.ts";

const TRANSPORTS: SocketTransport[] = Deno.build.os === "windows"
  ? ["tcp"]
  : ["unix", "tcp"];

for (const transport of TRANSPORTS) {
  Deno.test(`Rendezvous.accept() takes the guest that has the key over ${transport}`, async () => {
    const key = createKey();
    using rendezvous = new Rendezvous(key, { transport });
    const accepted = rendezvous.accept();
    using guest = await connectTo(rendezvous.address);
    await offerHandshake(guest, key);
    // What follows the handshake belongs to nobody but the channel.
    await guest.write(new Uint8Array([42]));
    using host = await accepted;
    const bytes = new Uint8Array(8);
    assertEquals(await host.read(bytes), 1);
    assertEquals(bytes[0], 42);
    await assertRejects(() => connectTo(rendezvous.address));
  });

  Deno.test(`Rendezvous.accept() turns strangers away and goes on waiting over ${transport}`, async () => {
    const key = createKey();
    using rendezvous = new Rendezvous(key, { transport });
    const accepted = rendezvous.accept();
    // One that says nothing, one that goes at once, one that talks nonsense,
    // one with another key.
    using silent = await connectTo(rendezvous.address);
    (await connectTo(rendezvous.address)).close();
    using noisy = await connectTo(rendezvous.address);
    await noisy.write(new Uint8Array(4096).fill(7));
    assert(await isEnded(noisy));
    using wrong = await connectTo(rendezvous.address);
    await assertRejects(
      () => offerHandshake(wrong, createKey()),
      HandshakeError,
    );

    using guest = await connectTo(rendezvous.address);
    await offerHandshake(guest, key);
    using host = await accepted;
    assert(await isEnded(silent));
    await host.write(new Uint8Array([1]));
    assertEquals(await guest.read(new Uint8Array(1)), 1);
  });

  Deno.test(`Rendezvous.accept() takes the guest behind a hundred silent strangers over ${transport}`, async () => {
    const key = createKey();
    using rendezvous = new Rendezvous(key, { transport });
    const accepted = rendezvous.accept();
    const strangers: Deno.Conn[] = [];
    for (let i = 0; i < 100; i++) {
      strangers.push(await connectTo(rendezvous.address));
    }
    using guest = await connectTo(rendezvous.address);
    await offerHandshake(guest, key);
    using _host = await accepted;
    for (const stranger of strangers) stranger.close();
  });

  Deno.test(`Rendezvous.accept() rejects when nobody comes before the deadline over ${transport}`, async () => {
    using rendezvous = new Rendezvous(createKey(), { transport });
    await assertRejects(
      () => rendezvous.accept({ deadline: 40 }),
      TimeoutError,
    );
    await assertRejects(() => connectTo(rendezvous.address));
  });

  Deno.test(`Rendezvous.close() makes accept() reject over ${transport}`, async () => {
    using rendezvous = new Rendezvous(createKey(), { transport });
    const accepted = rendezvous.accept();
    rendezvous.close();
    await assertRejects(() => accepted, HandshakeError);
  });
}

Deno.test({
  name: "Rendezvous keeps its socket in a directory of its own and removes it",
  ignore: Deno.build.os === "windows",
  async fn() {
    const key = createKey();
    const rendezvous = new Rendezvous(key, { transport: "unix" });
    assert(rendezvous.address.transport === "unix");
    const { path } = rendezvous.address;
    const directory = path.slice(0, path.lastIndexOf("/"));
    assert(directory.includes("/concurrent-parallel-"));
    assertEquals((await Deno.stat(directory)).mode! & 0o777, 0o700);
    const accepted = rendezvous.accept();
    using guest = await connectTo(rendezvous.address);
    await offerHandshake(guest, key);
    using _host = await accepted;
    await assertRejects(() => Deno.stat(directory), Deno.errors.NotFound);
  },
});

Deno.test({
  name:
    "Rendezvous takes TCP where the temporary directory's name is too long for a socket",
  ignore: Deno.build.os === "windows",
  async fn() {
    const directory = await Deno.makeTempDir();
    const long = `${directory}/${"x".repeat(100)}`;
    await Deno.mkdir(long);
    const before = Deno.env.get("TMPDIR");
    Deno.env.set("TMPDIR", long);
    try {
      using rendezvous = new Rendezvous(createKey());
      assertEquals(rendezvous.address.transport, "tcp");
      assertEquals([...Deno.readDirSync(long)], []);
    } finally {
      if (before === undefined) Deno.env.delete("TMPDIR");
      else Deno.env.set("TMPDIR", before);
      await Deno.remove(directory, { recursive: true });
    }
  },
});

Deno.test("Rendezvous.accept() hears a guest out that gets no core for seconds", async () => {
  const key = createKey();
  using rendezvous = new Rendezvous(key);
  const accepted = rendezvous.accept({ deadline: 60_000 });
  accepted.catch(() => {});
  using guest = await connectTo(rendezvous.address);
  await new Promise((resolve) => setTimeout(resolve, 3_500));
  await offerHandshake(guest, key);
  using _host = await accepted;
});

Deno.test("Rendezvous.accept() counts a busy loop of its own program as one step of the deadline", async () => {
  const key = createKey();
  using rendezvous = new Rendezvous(key);
  // Steps of 100 ms: those of the handshake are behind the loop.
  const accepted = rendezvous.accept({ deadline: 2_000 });
  accepted.catch(() => {});
  const offered = connectTo(rendezvous.address).then(async (guest) => {
    await offerHandshake(guest, key);
    return guest;
  });
  const end = performance.now() + 2_200;
  while (performance.now() < end);
  using _guest = await offered;
  using _host = await accepted;
});

/** True where the other side has closed; a reset counts. */
async function isEnded(conn: Deno.Conn): Promise<boolean> {
  try {
    return await conn.read(new Uint8Array(1)) === null;
  } catch (error) {
    return error instanceof Deno.errors.ConnectionReset;
  }
}
