// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals, assertRejects } from "@std/assert";
import { ConnectionClosedError } from "../../../_internal/base/errors.ts";
import { Link } from "../../../_internal/objects/link.ts";
import { type Served, Station } from "../../../_internal/objects/station.ts";
import { packValue, unpackValue } from "../../../_internal/objects/values.ts";
import { claimAddress } from "../../../_internal/wire/authenticated_listener.ts";
import { createKey } from "../../../_internal/wire/handshake.ts";
import { socketsClosed } from "../../_suites/_helpers.ts";

const AGENT = { id: "1".repeat(32), pid: 7, name: "tester" };
/** Longer than a socket may be bound without anybody who listens. */
const LONG_START = 450;

const echo: Served = { call: (_, body) => body.slice() };

/** Connects to a place where nobody listens yet, and calls an object there. */
function setUp() {
  const { address, release } = claimAddress("unix");
  if (address.transport !== "unix") throw new TypeError("no Unix socket");
  const key = createKey();
  const link = Link.to({ socket: address, key });
  const agent = link.introduce(AGENT);
  const body = packValue(["hello"], "args");
  const answer = link.call(agent, 5, "echo", body).then(unpackValue);
  return {
    path: address.path,
    listen() {
      const station = new Station({ key, address });
      station.serve(5, 77, () => echo);
      return station;
    },
    answer,
    async release() {
      link.close();
      release();
      await socketsClosed();
    },
  };
}

Deno.test("Link connects again when the station has not heard it out", async () => {
  const { path, listen, answer, release } = setUp();
  {
    using cold = Deno.listen({ transport: "unix", path });
    for (let i = 0; i < 3; i++) (await cold.accept()).close();
  }
  using station = listen();
  assertEquals(await answer, ["hello"]);
  station.close();
  await release();
});

Deno.test("Link waits for a station that has bound its socket and listens in a moment, however long it took to come up", async () => {
  const { path, listen, answer, release } = setUp();
  await new Promise((resolve) => setTimeout(resolve, LONG_START));
  // Bound, and nobody listens: under its first name it would be removed.
  const bound = Deno.listen({ transport: "unix", path: `${path}0` });
  // deno-lint-ignore no-sync-fn-in-async-fn -- only what passes in the timer below may count
  Deno.renameSync(`${path}0`, path);
  bound.close();
  await new Promise((resolve) => setTimeout(resolve, LONG_START / 3));
  // deno-lint-ignore no-sync-fn-in-async-fn -- likewise
  Deno.removeSync(path);
  using station = listen();
  assertEquals(await answer, ["hello"]);
  station.close();
  await release();
});

// The sanitizer of timers sees the pause before the next try.
Deno.test("Link.close() leaves nothing behind where nobody has listened yet", async () => {
  const { answer, release } = setUp();
  const ended = assertRejects(() => answer, ConnectionClosedError);
  await new Promise((resolve) => setTimeout(resolve, LONG_START));
  await release();
  await ended;
});
