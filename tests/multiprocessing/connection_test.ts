// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertThrows } from "@std/assert";
import { RemoteEnd } from "../../_internal/objects/remote_end.ts";
import {
  connectClient,
  Connection,
  Listener,
  pipe,
} from "../../multiprocessing/mod.ts";
import { named, over } from "../../multiprocessing/_connection_ends.ts";
import { testConnections } from "../_suites/connection_suite.ts";

testConnections("a pipe", () => {
  const [a, b] = pipe();
  return Promise.resolve({ a, b, [Symbol.dispose]: () => {} });
});

// As another thread has it: over a link to this thread's own station.
testConnections("a link to a pipe", () => {
  const [a, there] = pipe();
  const b = over(Connection, new RemoteEnd(named(there)));
  there.close();
  return Promise.resolve({ a, b, [Symbol.dispose]: () => {} });
});

testConnections("two links to a pipe", () => {
  const ends = pipe().map((there) => {
    const end = over(Connection, new RemoteEnd(named(there)));
    there.close();
    return end;
  });
  const [a, b] = ends as [Connection, Connection];
  return Promise.resolve({ a, b, [Symbol.dispose]: () => {} });
});

for (
  const family of Deno.build.os === "windows"
    ? ["tcp"] as const
    : ["unix", "tcp"] as const
) {
  testConnections(`a ${family} socket`, async () => {
    const listener = new Listener({ family });
    const { address, authKey } = listener;
    const [a, b] = await Promise.all([
      listener.accept(),
      connectClient({ address, authKey }),
    ]);
    return { a, b, [Symbol.dispose]: () => listener.close() };
  });
}

Deno.test("Connection is not made by users", () => {
  assertThrows(() => new Connection(), TypeError);
});
