// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertThrows } from "@std/assert";
import { isServing } from "../../_internal/objects/own_station.ts";
import { RemoteEnd } from "../../_internal/objects/remote_end.ts";
import {
  connectClient,
  Connection,
  Listener,
  pipe,
} from "../../multiprocessing/mod.ts";
import { named, over } from "../../multiprocessing/_connection_ends.ts";
import { socketsClosed, until } from "../_suites/_helpers.ts";
import { testConnections } from "../_suites/connection_suite.ts";

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

Deno.test("Connection is not made by users", () => {
  assertThrows(() => new Connection(), TypeError);
});
