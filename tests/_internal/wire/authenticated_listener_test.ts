// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { AuthenticatedListener } from "../../../_internal/wire/authenticated_listener.ts";
import {
  connectAuthenticated,
  connectTo,
  createKey,
  HandshakeError,
  type SocketTransport,
} from "../../../_internal/wire/handshake.ts";

const TRANSPORTS: SocketTransport[] = Deno.build.os === "windows"
  ? ["tcp"]
  : ["unix", "tcp"];

for (const transport of TRANSPORTS) {
  Deno.test(`AuthenticatedListener hands over everybody who has the key over ${transport}`, async () => {
    const key = createKey();
    const conns: Deno.Conn[] = [];
    const refused: unknown[] = [];
    const come = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    using listener = new AuthenticatedListener({
      key,
      transport,
      // Keys are worked with on other threads, which may have to wait for a core.
      hearing: 60_000,
      onConnection(conn) {
        if (conns.push(conn) === 3) come.resolve();
      },
      onRefused(error) {
        if (refused.push(error) === 3) gone.resolve();
      },
    });
    const guests: Deno.Conn[] = [];
    for (let i = 0; i < 3; i++) {
      await assertRejects(
        () => connectAuthenticated(listener.address, createKey()),
        HandshakeError,
      );
      guests.push(await connectAuthenticated(listener.address, key));
    }
    await Promise.all([come.promise, gone.promise]);
    assertEquals(refused.length, 3);
    assert(refused.every((error) => error instanceof HandshakeError));
    for (const conn of [...conns, ...guests]) conn.close();
  });

  Deno.test(`AuthenticatedListener.close() disconnects those who are heard over ${transport}`, async () => {
    const listener = new AuthenticatedListener({
      key: createKey(),
      transport,
      hearing: 60_000,
      onConnection: () => {},
    });
    using silent = await connectTo(listener.address);
    // The listener takes them in order: the one before is being heard now.
    await assertRejects(
      () => connectAuthenticated(listener.address, createKey()),
      HandshakeError,
    );
    listener.close();
    listener.close();
    assertEquals(await silent.read(new Uint8Array(1)), null);
    await assertRejects(() => connectTo(listener.address));
  });
}

Deno.test({
  name: "AuthenticatedListener removes the socket that its user has named",
  ignore: Deno.build.os === "windows",
  async fn() {
    const directory = await Deno.makeTempDir();
    const path = `${directory}/socket`;
    const options = {
      key: createKey(),
      address: { transport: "unix", path },
      hearing: 60_000,
      onConnection: (conn: Deno.Conn) => conn.close(),
    } as const;
    {
      using listener = new AuthenticatedListener(options);
      assertEquals(listener.address, { transport: "unix", path });
      assertThrows(
        () => new AuthenticatedListener(options),
        Deno.errors.AddrInUse,
      );
      (await connectAuthenticated(listener.address, options.key)).close();
    }
    assertEquals([...Deno.readDirSync(directory)], []);
    // The same place can be used again at once.
    new AuthenticatedListener(options).close();
    await Deno.remove(directory);
  },
});
