// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  ConnectionClosedError,
  InvalidStateError,
  SerializationError,
} from "../../../_internal/base/errors.ts";
import { Link } from "../../../_internal/objects/link.ts";
import {
  type Caller,
  type Peer,
  type Served,
  Station,
  STATION_ITSELF,
} from "../../../_internal/objects/station.ts";
import { packValue, unpackValue } from "../../../_internal/objects/values.ts";
import { connectAuthenticated } from "../../../_internal/wire/handshake.ts";
import { takeLinkRings } from "../../../_internal/wire/link_rings.ts";
import { ProcessChannel } from "../../../_internal/wire/process_channel.ts";
import { socketsClosed, until } from "../../_suites/_helpers.ts";

const AGENT = { id: "0".repeat(32), pid: 7, name: "tester" };

/** Answers with what it was called with, when it is told to. */
class Echo implements Served {
  readonly left_: [Peer, boolean][] = [];
  readonly casts: unknown[] = [];
  isUnheld = false;
  gate: Promise<void> | undefined;

  call(
    method: string,
    body: Uint8Array,
    { signal }: Caller,
  ): Uint8Array | Promise<Uint8Array> {
    const value = unpackValue(body);
    switch (method) {
      case "echo":
        return packValue(value, "result");
      case "note":
        this.casts.push(value);
        return packValue(undefined, "result");
      case "wait":
        return new Promise((resolve) => {
          signal.addEventListener(
            "abort",
            () => resolve(packValue("cancelled", "result")),
          );
        });
      default:
        throw new InvalidStateError(`Cannot ${method}: unknown`);
    }
  }

  left(peer: Peer, inOrder: boolean): void {
    this.left_.push([peer, inOrder]);
  }

  unheld(): void {
    this.isUnheld = true;
  }
}

function setUp(onIdle?: () => void) {
  const station = new Station({ onIdle });
  const echo = new Echo();
  station.serve(5, 77, () => echo);
  const link = Link.to(station.address);
  const agent = link.introduce(AGENT);
  const call = async (method: string, value: unknown, signal?: AbortSignal) =>
    unpackValue(
      await link.call(agent, 5, method, packValue(value, "args"), signal),
    );
  const itself = (method: string, ...args: number[]) =>
    link.cast(agent, STATION_ITSELF, method, packValue(args, "args"));
  return {
    station,
    echo,
    link,
    agent,
    call,
    itself,
    async [Symbol.asyncDispose]() {
      link.close();
      station.close();
      await socketsClosed();
    },
  };
}

Deno.test("Link.call() brings values and errors home", async () => {
  await using it = setUp();
  const value = { list: [1, "two", new Map([[3, 4n]])] };
  assertEquals(await it.call("echo", value), value);
  await assertRejects(() => it.call("dance", 1), InvalidStateError, "dance");
  await assertRejects(
    () => it.link.call(it.agent, 6, "echo", packValue(1, "args")),
    InvalidStateError,
    "the object is gone from its owner",
  );
});

Deno.test("Link.cast() keeps its order among calls", async () => {
  await using it = setUp();
  for (let i = 0; i < 100; i++) {
    it.link.cast(it.agent, 5, "note", packValue(i, "args"));
  }
  await it.call("echo", 0);
  assertEquals(it.echo.casts, Array.from({ length: 100 }, (_, i) => i));
});

Deno.test("Link.call() that is aborted asks for an early end, and takes the answer", async () => {
  await using it = setUp();
  const controller = new AbortController();
  const answer = it.call("wait", 0, controller.signal);
  controller.abort();
  assertEquals(await answer, "cancelled");
});

Deno.test("Link.call() fails when the station is gone, pending and later", async () => {
  await using it = setUp();
  await it.call("echo", 0);
  const pending = assertRejects(
    () => it.call("wait", 0),
    ConnectionClosedError,
  );
  it.station.close();
  await pending;
  assert(it.link.isClosed);
  await assertRejects(() => it.call("echo", 0), ConnectionClosedError);
});

Deno.test("Station takes a pin that was spent before it was set", async () => {
  await using it = setUp();
  it.itself("hold", 5, 77);
  // Whoever got the reference is faster than who sent it on.
  it.itself("hold", 5, 78);
  it.itself("pin", 5, 78);
  // One that came home.
  it.station.unpin(5, 79);
  it.itself("pin", 5, 79);
  it.itself("release", 5, 0);
  await it.call("echo", 0);
  assert(!it.echo.isUnheld);
  it.itself("release", 5, 0);
  await assertRejects(() => it.call("echo", 0), InvalidStateError);
  assert(it.echo.isUnheld);
});

Deno.test("Station drops an object that has neither pins nor holders", async () => {
  const idle = Promise.withResolvers<void>();
  await using it = setUp(() => idle.resolve());
  it.itself("hold", 5, 77);
  await it.call("echo", 0);
  assert(!it.echo.isUnheld);
  // Sent on: the next one holds it before this one lets go.
  it.itself("pin", 5, 78);
  it.itself("release", 5, 0);
  await it.call("echo", 0);
  assert(!it.echo.isUnheld);
  it.itself("hold", 5, 78);
  it.itself("release", 5, 0);
  await assertRejects(() => it.call("echo", 0), InvalidStateError, "gone");
  assert(it.echo.isUnheld);
  it.link.close();
  // Nothing keeps the program alive for it.
  const timer = setInterval(() => {}, 1_000);
  await idle.promise;
  clearInterval(timer);
});

Deno.test("Station tells objects that a peer has left, in order or not", async () => {
  await using it = setUp();
  const waiting = it.call("wait", 0);
  const other = it.link.introduce({ ...AGENT, id: "1".repeat(32) });
  it.link.leave(other, true);
  await it.call("echo", 0);
  assertEquals(it.echo.left_.map(([peer, inOrder]) => [peer.id[0], inOrder]), [
    ["1", true],
  ]);
  it.link.close();
  await assertRejects(() => waiting, ConnectionClosedError);
  await until("it is told of both", () => it.echo.left_.length === 2);
  assertEquals(it.echo.left_[1]![1], false);
});

Deno.test("Station.departed() has heard the end of a process, however long its own thread was busy", async () => {
  await using it = setUp();
  await it.call("echo", 0);
  it.link.close();
  const departed = it.station.departed(AGENT.pid);
  const end = performance.now() + 1_200;
  while (performance.now() < end);
  // Nothing keeps the program alive for it.
  const timer = setInterval(() => {}, 1_000);
  await departed;
  clearInterval(timer);
  assertEquals(it.echo.left_.length, 1);
});

Deno.test("Station disconnects a link that writes nonsense, and nobody else", async () => {
  await using it = setUp();
  await it.call("echo", 0);
  const { socket, key } = it.station.address;
  const conn = await connectAuthenticated(socket, key);
  const channel = new ProcessChannel();
  channel.attach(conn, await takeLinkRings(conn));
  channel.open();
  channel.send(new Uint8Array([99, 1, 2, 3]));
  await channel.ended;
  assertEquals(await it.call("echo", 1), 1);
});

Deno.test("unpackValue() refuses bytes that hold no value", async () => {
  for (const bytes of [[], [200], [3, 8, 104], [0]]) {
    await assertRejects(
      async () => await unpackValue(new Uint8Array(bytes)),
      SerializationError,
    );
  }
});
