// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { delivered } from "../../_internal/base/registry.ts";
import { isServing } from "../../_internal/objects/own_station.ts";
import { RemoteEnd } from "../../_internal/objects/remote_end.ts";
import {
  connectClient,
  Connection,
  Listener,
  pipe,
} from "../../multiprocessing/mod.ts";
import { Event, Thread } from "../../threading/mod.ts";
import { named, over } from "../../multiprocessing/_connection_ends.ts";
import { turn } from "../_suites/_crew.ts";
import { socketsClosed, until } from "../_suites/_helpers.ts";
import { testConnections } from "../_suites/connection_suite.ts";
import { isPending } from "../_suites/queue_suite.ts";

/** Links and stations end when those who had an object have said so. */
async function stationClosed(): Promise<void> {
  await until("the station is closed", () => !isServing());
  await socketsClosed();
}

testConnections("a pipe", () => {
  const [a, b] = pipe();
  return { a, b };
});

// As another thread has it: over a link to this thread's own station.
testConnections("a link to a pipe", () => {
  const [a, there] = pipe();
  return { a, b: overLink(there) };
}, stationClosed);

testConnections("two links to a pipe", () => {
  const [a, b] = pipe();
  return { a: overLink(a), b: overLink(b) };
}, stationClosed);

function overLink(there: Connection): Connection {
  const end = over(Connection, new RemoteEnd(named(there)));
  there.close();
  return end;
}

for (
  const family of Deno.build.os === "windows"
    ? ["tcp"] as const
    : ["unix", "tcp"] as const
) {
  testConnections(`a ${family} socket`, async () => {
    using listener = new Listener({ family });
    const { address, authKey } = listener;
    const [a, b] = await Promise.all([
      listener.accept(),
      connectClient({ address, authKey }),
    ]);
    return { a, b };
  }, stationClosed);
}

Deno.test("Connection that is closed by a call has told so when the call is over, and when another one is", async () => {
  const [ours, theirs] = pipe<Connection<number>>();
  const [ask, blocked, go] = [new Event(), new Event(), new Event()];
  const thread = new Thread({
    target: async () => {
      const [kept, sent] = pipe<number>();
      await theirs.send(sent);
      sent.close();
      await ask.wait();
      blocked.set();
      // From here on it hears nobody.
      go.waitSync();
      return await kept.recv();
    },
  }).start();
  const connection = await ours.recv();
  // The link is there, and ends when nobody uses it any more.
  assertEquals(await connection.poll(), false);
  ask.set();
  await blocked.wait();
  await connection.send(1);
  connection.close();
  await turn();
  // Else the end of the call would let go of what is on its way.
  const told = [delivered()!, delivered()!];
  for (const one of told) assert(await isPending(one));
  go.set();
  await Promise.all(told);
  assertEquals(await thread.result(), 1);
  await thread.join();
  for (const end of [ours, theirs]) end.close();
  await stationClosed();
});

Deno.test("Connection is not made by users", () => {
  assertThrows(() => new Connection(), TypeError);
});
