// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The broker: a thread that a program has while objects of its shared memory
// (locks, queues, …) are used by other processes, or theirs by it.
//
//   thread --port--> broker --link--> station of another broker --> object
//                    broker <--link-- another broker                 (the same, seen from there)
//
// It serves the objects of its program out of their memory, so its program may
// compute or be blocked meanwhile. And it carries all calls of its program to
// others, so that they go one way, whether the caller blocks or awaits: what one
// thread asks of one object comes there in the order in which it was asked.
//
// Each thread of another process that uses an object gets a place among the agents
// of this program (`createDelegator()`): it waits in the same lines, in the order
// of arrival, and what it held when it ended is told as it is of threads.

import { neverHoldProgram } from "../base/registry.ts";
import {
  actAs,
  createDelegator,
  freeAgent,
  hideSelf,
  isGone,
  joinDomain,
  MAIL,
  raise,
} from "../memory/domain.ts";
import { abandonWaits, addDeathHandler } from "../memory/parking.ts";
import { ConditionCore } from "../memory/condition_core.ts";
import { endAgent } from "../memory/waiting.ts";
import type {
  BrokerStart,
  FromBroker,
  NewPort,
  ToBroker,
} from "./broker_messages.ts";
import type { AgentId } from "./frames.ts";
import { Link } from "./link.ts";
import { QueueRelay } from "./queue_relay.ts";
import { newId, newPin, type Reference } from "./reference.ts";
import type { CoreView } from "./core_view.ts";
import { viewOf } from "./served_cores.ts";
import { type Caller, type Peer, type Served, Station } from "./station.ts";
import { packError, packValue, unpackPlain } from "./values.ts";
import type { StationAddress } from "./reference.ts";

/** Starts to serve, as the first thing of the thread. */
export function runBroker(start: BrokerStart): Broker {
  joinDomain(start.domain, start.agent);
  hideSelf();
  neverHoldProgram();
  return new Broker(start);
}

/** The thread's only object. */
export class Broker {
  readonly #station: Station;
  readonly #ports = new Map<number, ThreadPort>();
  /** The places of those who use objects from outside. */
  readonly #agents = new Map<Peer, number>();
  readonly #pid: number;
  readonly #home: string;
  #served = 0;

  constructor({ station: { socket, key }, pid, home }: BrokerStart) {
    this.#pid = pid;
    this.#home = home;
    this.#station = new Station({
      key,
      address: socket,
      onIdle: () => this.#tellIdle(),
      onLeft: (peer, inOrder) => this.#left(peer, inOrder),
    });
    addDeathHandler(() => this.#reviewThreads());
  }

  /** Listens to one more thread. */
  addPort({ agent, name, port }: NewPort): void {
    const who = { id: newId(), pid: this.#pid, name };
    this.#ports.set(agent, new ThreadPort(this, agent, who, port));
  }

  serve(
    { object, pin, type, parts }: Extract<ToBroker, { kind: "serve" }>,
  ): void {
    this.#served++;
    this.#station.serve(
      object,
      pin,
      () => new ServedCore(this, type, object, parts),
    );
  }

  /** Serves a condition that somebody elsewhere has made of a lock of this program. */
  sendOut(core: ConditionCore, lock: ServedCore): Reference {
    const { serial: object, words } = core;
    const pin = newPin();
    const parts = [words.buffer, lock.type, lock.parts[0], lock.serial];
    this.#station.serve(
      object,
      pin,
      () => new ServedCore(this, "Condition", object, parts),
    );
    return { home: this.#home, station: this.#station.address, object, pin };
  }

  unpin(object: number, pin: number): void {
    this.#station.unpin(object, pin);
  }

  partsOf(object: number): readonly unknown[] | undefined {
    const served = this.#station.served(object);
    return served instanceof ServedCore ? served.parts : undefined;
  }

  /** The agent that stands for a peer. */
  agentOf(peer: Peer): number {
    let tag = this.#agents.get(peer);
    if (tag === undefined) {
      tag = createDelegator(`process ${peer.pid} ${peer.name}`.trim());
      this.#agents.set(peer, tag);
    }
    return tag;
  }

  #left(peer: Peer, inOrder: boolean): void {
    const tag = this.#agents.get(peer);
    if (tag === undefined) return;
    this.#agents.delete(peer);
    abandonWaits(tag);
    endAgent(tag, inOrder ? "ended" : "killed");
    // A wait for a condition wants its lock back before it ends.
    setTimeout(() => {
      abandonWaits(tag);
      freeAgent(tag);
    }, 0);
  }

  /** Some thread of the program has ended: what it held elsewhere is let go. */
  #reviewThreads(): void {
    for (const [agent, port] of this.#ports) {
      if (!isGone(agent)) continue;
      this.#ports.delete(agent);
      port.close();
    }
  }

  #tellIdle(): void {
    const [main] = this.#ports.values();
    main?.post({ kind: "idle", served: this.#served });
  }
}

/** What one thread of the program wants. */
class ThreadPort {
  readonly #broker: Broker;
  readonly #agent: number;
  readonly #who: AgentId;
  readonly #port: MessagePort;
  readonly #stations = new Map<number, Route>();
  readonly #relays = new Map<number, QueueRelay>();
  readonly #calls = new Map<number, AbortController>();

  constructor(
    broker: Broker,
    agent: number,
    who: AgentId,
    port: MessagePort,
  ) {
    this.#broker = broker;
    this.#agent = agent;
    this.#who = who;
    this.#port = port;
    port.onmessage = ({ data }) => {
      for (const message of data as ToBroker[]) this.#handle(message);
    };
  }

  post(message: FromBroker): void {
    this.#port.postMessage(message);
    raise(this.#agent, MAIL);
  }

  close(): void {
    this.#port.close();
    for (const relay of this.#relays.values()) relay.close();
    for (const route of this.#stations.values()) route.leave();
  }

  #handle(message: ToBroker): void {
    switch (message.kind) {
      case "look":
        void this.#relays.get(message.relay)!.look();
        return;
      case "want":
        this.#relays.get(message.relay)!.want();
        return;
      case "unwant":
        this.#relays.get(message.relay)!.unwant();
        return;
    }
    // What was put before comes before what is asked now.
    for (const relay of this.#relays.values()) relay.send(true);
    switch (message.kind) {
      case "serve":
        this.#broker.serve(message);
        break;
      case "unpin":
        this.#broker.unpin(message.object, message.pin);
        break;
      case "parts": {
        const { seq, object } = message;
        const parts = this.#broker.partsOf(object);
        this.post({ kind: "parts", seq, parts });
        break;
      }
      case "station":
        this.#stations.set(
          message.number,
          new Route(message.address, this.#who),
        );
        break;
      case "call":
        void this.#call(message);
        break;
      case "cast": {
        const { station, object, method, body } = message;
        const { link, agent } = this.#stations.get(station)!;
        link.cast(agent, object, method, body);
        break;
      }
      case "relay": {
        const { relay, station, object, memory } = message;
        const target = this.#stations.get(station)!;
        this.#relays.set(relay, new QueueRelay(target, object, memory));
        break;
      }
      case "unrelay":
        this.#relays.get(message.relay)?.close();
        this.#relays.delete(message.relay);
        break;
      case "cancel":
        this.#calls.get(message.seq)?.abort();
        break;
      case "flush":
        void this.#flush(message);
        break;
      default:
        message satisfies never;
    }
  }

  async #call(
    { seq, station, object, method, body }: Extract<
      ToBroker,
      { kind: "call" }
    >,
  ): Promise<void> {
    const { link, agent } = this.#stations.get(station)!;
    for (const relay of this.#relays.values()) {
      if (relay.object === object) relay.giveBack();
    }
    const controller = new AbortController();
    this.#calls.set(seq, controller);
    try {
      const { signal } = controller;
      const answer = await link.call(agent, object, method, body, signal);
      this.post({ kind: "answer", seq, body: answer });
    } catch (error) {
      this.post({ kind: "failed", seq, body: packError(error) });
    } finally {
      this.#calls.delete(seq);
    }
  }

  #giveBack(): void {
    for (const relay of this.#relays.values()) relay.giveBack();
  }

  async #flush(
    { seq, last }: Extract<ToBroker, { kind: "flush" }>,
  ): Promise<void> {
    if (last) this.#giveBack();
    const routes = [...this.#stations.values()];
    await Promise.all(routes.map(({ link }) => link.flush()));
    this.post({ kind: "answer", seq, body: new Uint8Array() });
  }
}

/** One station, for one thread. Once its link has ended, all its objects are gone. */
class Route {
  readonly link: Link;
  readonly agent: number;

  constructor(address: StationAddress, who: AgentId) {
    this.link = Link.to(address);
    this.agent = this.link.introduce(who);
    this.link.retain();
  }

  leave(): void {
    if (this.link.isClosed) return;
    this.link.leave(this.agent, true);
    this.link.unretain();
  }
}

/** An object of the program, as those outside use it. */
export class ServedCore implements Served {
  readonly parts: readonly unknown[];
  readonly type: string;
  readonly serial: number;
  readonly #broker: Broker;
  readonly #views = new Map<Peer, CoreView>();

  constructor(
    broker: Broker,
    type: string,
    serial: number,
    parts: readonly unknown[],
  ) {
    this.#broker = broker;
    this.type = type;
    this.serial = serial;
    this.parts = parts;
  }

  call(
    method: string,
    body: Uint8Array,
    caller: Caller,
  ): Uint8Array | Promise<Uint8Array> {
    const { peer } = caller;
    let view = this.#views.get(peer);
    if (view === undefined) {
      view = actAs(
        this.#broker.agentOf(peer),
        () => viewOf(this.type, this),
      );
      this.#views.set(peer, view);
    }
    const run = Object.hasOwn(view, method) ? view[method] : undefined;
    if (run === undefined) {
      throw new TypeError(
        `Cannot call an object of another process as 'method' must be one of its methods: current value is ${method}`,
      );
    }
    const made = run(unpackPlain(body) as unknown[], caller);
    const result = made instanceof ConditionCore
      ? this.#broker.sendOut(made, this)
      : made;
    return result instanceof Promise
      ? result.then((value) => packValue(value, "result"))
      : packValue(result, "result");
  }

  left(peer: Peer): void {
    this.#views.delete(peer);
  }
}
