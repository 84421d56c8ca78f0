// Copyright 2026 the @concurrent/parallel authors. MIT license.

// CPython's _TestListener, _TestListenerClient, OtherTest and TestInvalidFamily.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  AuthenticationError,
  connectClient,
  type Connection,
  ConnectionClosedError,
  InvalidStateError,
  Listener,
  type ListenerOptions,
  pipe,
  Process,
  TimeoutError,
} from "../../../multiprocessing/mod.ts";

const isWindows = Deno.build.os === "windows";
const ADDRESSES: [string, ListenerOptions][] = [
  ["TCP", { address: "127.0.0.1:0" }],
  ["TCP, as an object", { address: { port: 0 } }],
  ["the default", {}],
  ...(isWindows ? [] : [["a Unix socket", { family: "unix" }]] as [
    string,
    ListenerOptions,
  ][]),
];

Deno.test("test_multiple_bind", () => {
  for (const [, options] of ADDRESSES) {
    using listener = new Listener(options);
    const { address } = listener;
    assertThrows(() => new Listener({ address }), Deno.errors.AddrInUse);
  }
});

Deno.test("test_context", async () => {
  let listener: Listener;
  {
    using used = new Listener();
    listener = used;
    const { address, authKey } = used;
    using client = await connectClient({ address, authKey });
    using accepted = await used.accept();
    await client.send(1729);
    assertEquals(await accepted.recv(), 1729);
  }
  await assertRejects(() => listener.accept(), InvalidStateError);
  listener.close();
});

Deno.test("test_empty_authkey", async () => {
  for (const authKey of ["", new Uint8Array(), "x".repeat(1000)]) {
    using listener = new Listener({ authKey });
    const { address } = listener;
    await assertRejects(
      () => connectClient({ address, authKey: "abc" }),
      AuthenticationError,
    );
    using client = await connectClient({ address, authKey });
    using accepted = await listener.accept();
    await accepted.send(1729);
    assertEquals(await client.recv(), 1729);
  }
  for (const authKey of [1729, null, ["key"]]) {
    assertThrows(
      () => new Listener({ authKey: authKey as never }),
      TypeError,
    );
    await assertRejects(
      () => connectClient({ address: "x", authKey: authKey as never }),
      TypeError,
    );
  }
});

Deno.test({
  name: "test_abstract_socket",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const address = `\0cpar-${crypto.randomUUID()}`;
    using listener = new Listener({ address, authKey: "key" });
    assertEquals(listener.address, address);
    using client = await connectClient({ address, authKey: "key" });
    using accepted = await listener.accept();
    await client.send("abstract");
    assertEquals(await accepted.recv(), "abstract");
  },
});

for (const [name, options] of ADDRESSES) {
  Deno.test(`test_listener_client over ${name}`, async () => {
    using listener = new Listener({ ...options, authKey: "key" });
    const process = new Process({
      target: async (address: string) => {
        using client = await connectClient({ address, authKey: "key" });
        await client.send("hello");
      },
      args: [listener.address],
    }).start();
    assertEquals(listener.lastAccepted, undefined);
    using connection = await listener.accept();
    assertEquals(await connection.recv(), "hello");
    assertEquals(typeof listener.lastAccepted, "string");
    await process.join();
    await assertRejects(() => connection.recv(), ConnectionClosedError);
  });
}

Deno.test("test_timeout: a client that comes late is waited for", async () => {
  using listener = new Listener({ family: "tcp", authKey: "key" });
  await assertRejects(() => listener.accept({ timeout: 20 }), TimeoutError);
  const [parent, child] = pipe<number>();
  const process = new Process({
    target: async (child: Connection<number>, address: string) => {
      await child.send(123);
      child.close();
      using client = await connectClient({ address, authKey: "key" });
      await client.send(456);
    },
    args: [child, listener.address],
  }).start();
  child.close();
  assertEquals(await parent.recv(), 123);
  using connection = await listener.accept({ timeout: 60_000 });
  assertEquals(await connection.recv(), 456);
  await process.join();
  parent.close();
});

Deno.test("test_issue14725: what was sent before the accept can be read", async () => {
  using listener = new Listener({ authKey: "key" });
  const { address } = listener;
  const process = new Process({
    target: async (address: string) => {
      using client = await connectClient({ address, authKey: "key" });
      await client.send("hello");
    },
    args: [address],
  }).start();
  await process.join();
  using connection = await listener.accept();
  assertEquals(await connection.recv(), "hello");
});

Deno.test("test_issue16955: poll() behind the handshake", async () => {
  using listener = new Listener();
  const { address, authKey } = listener;
  using client = await connectClient({ address, authKey });
  using accepted = await listener.accept();
  await accepted.send("hello");
  assertEquals(await client.poll({ timeout: 60_000 }), true);
  assertEquals(await client.recv(), "hello");
});

Deno.test("test_invalid_family", () => {
  assertThrows(() => new Listener({ family: "pipe" as never }), RangeError);
  assertThrows(
    () => new Listener({ family: "unix", address: "127.0.0.1:0" }),
    RangeError,
  );
  assertThrows(
    () => new Listener({ family: "tcp", address: "/tmp/x" }),
    RangeError,
  );
  assertThrows(() => new Listener({ address: "" }), TypeError);
  assertThrows(() => new Listener({ address: 5 as never }), TypeError);
  assertThrows(() => new Listener({ address: "localhost:70000" }), RangeError);
  assertThrows(() => new Listener({ backlog: 0 }), RangeError);
});

Deno.test("test_deliver_challenge_auth_failure, test_answer_challenge_auth_failure", async () => {
  // One who listens without the key convinces nobody.
  const server = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = server.addr as Deno.NetAddr;
  const answered = (async () => {
    using conn = await server.accept();
    await conn.read(new Uint8Array(1024));
    await conn.write(new TextEncoder().encode("#WELCOME#".repeat(20)));
    try {
      while (await conn.read(new Uint8Array(1024)) !== null);
    } catch {
      // Reset: what was written was not read to its end.
    }
  })();
  await assertRejects(
    () => connectClient({ address: { port }, authKey: "key" }),
    AuthenticationError,
  );
  await answered;
  server.close();
});

Deno.test("Listener.accept() waits, gives up, and serves in order", async () => {
  using listener = new Listener();
  const { address, authKey } = listener;
  await assertRejects(() => listener.accept({ timeout: 0 }), TimeoutError);
  const controller = new AbortController();
  const aborted = listener.accept({ signal: controller.signal });
  const first = listener.accept();
  const second = listener.accept();
  controller.abort("enough");
  assertEquals(await aborted.catch((reason) => reason), "enough");
  using one = await connectClient({ address, authKey });
  await one.send(1);
  using accepted = await first;
  using two = await connectClient({ address, authKey });
  await two.send(2);
  using other = await second;
  assertEquals([await accepted.recv(), await other.recv()], [1, 2]);
});

Deno.test("Listener is iterated until it is closed, and closes who was not accepted", async () => {
  const listener = new Listener();
  const { address, authKey } = listener;
  const clients: Connection[] = [];
  let served = 0;
  const serving = (async () => {
    for await (const connection of listener) {
      served++;
      connection.close();
    }
  })();
  for (let i = 0; i < 3; i++) {
    const client = await connectClient({ address, authKey });
    await assertRejects(() => client.recv(), ConnectionClosedError);
    clients.push(client);
  }
  listener.close();
  await serving;
  assertEquals(served, 3);
  await assertRejects(() => connectClient({ address, authKey }));

  const other = new Listener({ backlog: 1 });
  const options = { address: other.address, authKey: other.authKey };
  clients.push(await connectClient(options));
  const late = await connectClient(options);
  clients.push(late);
  // Beyond the backlog.
  await assertRejects(() => late.recv(), ConnectionClosedError);
  other.close();
  await assertRejects(() => clients[3]!.recv(), ConnectionClosedError);
  for (const client of clients) client.close();
});

Deno.test("connectClient() gives up after its timeout", async () => {
  // Nobody answers there, but the kernel takes the connection.
  const server = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = server.addr as Deno.NetAddr;
  await assertRejects(
    () => connectClient({ address: { port }, authKey: "key", timeout: 20 }),
    TimeoutError,
  );
  using conn = await server.accept();
  server.close();
  assert(conn.remoteAddr !== undefined);
});
