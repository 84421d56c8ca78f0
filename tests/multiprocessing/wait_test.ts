// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals, assertRejects } from "@std/assert";
import {
  connectClient,
  type Connection,
  Listener,
  pipe,
  Process,
  wait,
} from "../../multiprocessing/mod.ts";
import { soon } from "../_suites/_helpers.ts";

Deno.test("wait() gives what is ready, in the order of the objects", async () => {
  const [a, b] = pipe();
  const [c, d] = pipe();
  const never = new Promise(() => {});
  const settled = Promise.resolve();
  const failed = Promise.reject(new RangeError("far"));
  failed.catch(() => {});
  await b.send(1);
  await d.send(2);
  assertEquals(await wait([never, c, settled, a, failed]), [
    c,
    settled,
    a,
    failed,
  ]);
  // Nothing was taken.
  assertEquals([await a.recv(), await c.recv()], [1, 2]);
  assertEquals(await wait([a, c], { timeout: 0 }), []);
  assertEquals(await wait([], { timeout: 0 }), []);
  for (const connection of [a, b, c, d]) connection.close();
});

Deno.test("wait() wakes for the first that becomes ready", async () => {
  using listener = new Listener();
  const [a, b] = pipe();
  const { address, authKey } = listener;
  const first = wait([a, listener]);
  using client = await connectClient({ address, authKey });
  assertEquals(await soon("a client", first), [listener]);
  using server = await listener.accept();
  const second = wait([a, client, server]);
  b.close();
  assertEquals(await soon("the end", second), [a]);
  const third = wait([client, server]);
  await server.send(1);
  assertEquals(await soon("a message", third), [client]);
  const fourth = wait([listener]);
  listener.close();
  assertEquals(await soon("the end of the listener", fourth), [listener]);
  a.close();
});

Deno.test("wait() looks at what another process has, once or until it is ready", async () => {
  const [a, b] = pipe();
  const process = new Process({
    target: async (connection: Connection) => {
      const counts = [(await wait([connection], { timeout: 0 })).length];
      await connection.send("ask");
      counts.push((await wait([connection])).length);
      counts.push((await wait([connection], { timeout: 0 })).length);
      await connection.recv();
      return counts;
    },
    args: [b],
  }).start();
  assertEquals(await a.recv(), "ask");
  await a.send("answer");
  assertEquals(await process.result(), [0, 1, 1]);
  await process.join();
  // That the process has ended says nothing about when its end is heard of here.
  assertEquals(await soon("the end", wait([a])), [a]);
  assertEquals(await wait([process, a]), [process, a]);
  a.close();
  b.close();
});

Deno.test("wait() ends at an abort, and leaves nothing behind", async () => {
  const [a, b] = pipe();
  const controller = new AbortController();
  const waiting = wait([a, b], { signal: controller.signal });
  controller.abort("enough");
  assertEquals(await waiting.catch((reason) => reason), "enough");
  await assertRejects(() => wait([a, "text" as never]), TypeError);
  await b.send(1);
  assertEquals(await a.recv(), 1);
  a.close();
  b.close();
});
