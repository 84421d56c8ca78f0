// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals, assertRejects } from "@std/assert";
import { hasWork, liveWorkers } from "../../../_internal/base/registry.ts";
import { liveAgents } from "../../../_internal/memory/domain.ts";
import { EventCore } from "../../../_internal/memory/event_core.ts";
import type { SemaphoreCore } from "../../../_internal/memory/semaphore_core.ts";
import { brokerPort } from "../../../_internal/objects/broker_port.ts";
import { Link } from "../../../_internal/objects/link.ts";
import { newId, newPin } from "../../../_internal/objects/reference.ts";
import { STATION_ITSELF } from "../../../_internal/objects/station.ts";
import { packValue, unpackPlain } from "../../../_internal/objects/values.ts";
import {
  ABANDONED,
  ACQUIRED,
  LockCore,
} from "../../../_internal/memory/lock_core.ts";
import { notedCore } from "../../../_internal/wire/shared_objects.ts";
import { Semaphore } from "../../../multiprocessing/mod.ts";
import { errorOf, soon, until } from "../../_suites/_helpers.ts";
import { untilWaiting } from "../../_suites/_crew.ts";

/** Has the broker of this program serve a core, and comes to it as another process would. */
function serve(
  type: string,
  core: {
    readonly words: Int32Array<SharedArrayBuffer>;
    readonly serial: number;
  },
) {
  const { serial: object, words } = core;
  const pin = newPin();
  const station = brokerPort().serve({
    object,
    pin,
    type,
    parts: [words.buffer],
  });
  const link = Link.to(station);
  link.retain();
  const introduce = () => {
    const agent = link.introduce({ id: newId(), pid: 7, name: "tester" });
    return {
      call: async (method: string, args: unknown[], signal?: AbortSignal) =>
        unpackPlain(
          await link.call(
            agent,
            object,
            method,
            packValue(args, "args"),
            signal,
          ),
        ),
      cast: (method: string, args: unknown[]) =>
        link.cast(agent, object, method, packValue(args, "args")),
      leave: (inOrder: boolean) => link.leave(agent, inOrder),
      itself: (method: string) =>
        link.cast(
          agent,
          STATION_ITSELF,
          method,
          packValue([object, pin], "args"),
        ),
    };
  };
  return {
    introduce,
    async [Symbol.asyncDispose]() {
      link.unretain();
      brokerPort().post({ kind: "unpin", object, pin });
      await link.closed;
      await until(
        "the broker has stopped",
        () => liveWorkers() === 0 && !hasWork(),
      );
    },
  };
}

const NO_TIMEOUT = [0, undefined];

/** A link to the broker of this very program ends when it has looked for what a dead owner may have left: after the test. */
function peerTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, fn, sanitizeOps: false, sanitizeResources: false });
}

peerTest(
  "Broker gives the places of those who have left to those who come",
  async () => {
    const core = new LockCore();
    await using it = serve("Lock", core);
    await it.introduce().call("isLocked", []);
    const before = liveAgents().length;
    // More than there are records.
    for (let i = 0; i < 1_500; i++) {
      const peer = it.introduce();
      const granted = await peer.call("wait", NO_TIMEOUT);
      assertEquals(granted, i === 0 || i % 3 !== 1 ? ACQUIRED : ABANDONED);
      // Every third one keeps it.
      if (i % 3 !== 0) peer.cast("release", []);
      peer.leave(i % 2 === 0);
    }
    await until("all have left", () => liveAgents().length === before);
  },
);

peerTest(
  "Broker grants nothing to those who have left, in the middle of a wait",
  async () => {
    const core = notedCore<SemaphoreCore>(new Semaphore(0));
    await using it = serve("Semaphore", core);
    const [doomed, next] = [it.introduce(), it.introduce()];
    const lost = [1, 2, 3].map(() => errorOf(doomed.call("wait", NO_TIMEOUT)));
    const mine = next.call("wait", NO_TIMEOUT);
    await untilWaiting("Semaphore", 4);
    doomed.leave(false);
    await untilWaiting("Semaphore", 1);
    core.release(1);
    assertEquals(await soon("the next one", mine), 1);
    await soon("the ends of the others", Promise.all(lost));
    assertEquals(core.value, 0);
  },
);

peerTest(
  "Broker ends a wait that is cancelled, unless it was granted before",
  async () => {
    const core = new EventCore();
    await using it = serve("Event", core);
    const peer = it.introduce();
    const controller = new AbortController();
    const wait = peer.call("wait", NO_TIMEOUT, controller.signal);
    await untilWaiting("Event", 1);
    controller.abort();
    await assertRejects(() => soon("its end", wait));
    const late = new AbortController();
    const granted = peer.call("wait", NO_TIMEOUT, late.signal);
    peer.cast("set", []);
    late.abort();
    assertEquals(await soon("the grant", granted), 1);
    await untilWaiting("Event", 0);
  },
);

peerTest(
  "Broker calls what is a method of an object, and nothing else",
  async () => {
    await using it = serve("Event", new EventCore());
    const peer = it.introduce();
    for (const method of ["constructor", "toString", "__proto__", "release"]) {
      await assertRejects(() => peer.call(method, []), TypeError, method);
    }
  },
);
