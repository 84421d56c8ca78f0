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

import { NotSupportedError } from "../base/errors.ts";
import {
  neverHoldProgram,
  setLinker,
  setSocketPlace,
} from "../base/registry.ts";
import {
  actAs,
  createDelegator,
  freeAgent,
  hideSelf,
  isGone,
  joinDomain,
  MAIL,
  raise,
  wasKilled,
} from "../memory/domain.ts";
import { abandonWaits, addDeathHandler } from "../memory/parking.ts";
import { ConditionCore } from "../memory/condition_core.ts";
import { RELAY_GONE, RelayStatus } from "../memory/relay_status.ts";
import { endAgent } from "../memory/waiting.ts";
import { readPort } from "../worker/mail.ts";
import type {
  BrokerStart,
  FromBroker,
  NewPort,
  ToBroker,
} from "./broker_messages.ts";
import type { AgentId } from "./frames.ts";
import { Link, ownerGone } from "./link.ts";
import { loseRelay, QueueRelay } from "./queue_relay.ts";
import { newId, newPin, type Reference } from "./reference.ts";
import type { CoreView } from "./core_view.ts";
import { viewOf } from "./served_cores.ts";
import {
  type Caller,
  type Peer,
  type Served,
  Station,
  STATION_ITSELF,
} from "./station.ts";
import { packError, packValue, unpackPlain } from "./values.ts";
import type { StationAddress } from "./reference.ts";

/** Starts to serve, as the first thing of the thread. */
export function runBroker(start: BrokerStart): Broker {
  joinDomain(start.domain, start.agent);
  if (start.place !== undefined) {
    setSocketPlace(start.place.known);
    setLinker(linkerOver(start.place.linker));
  }
  hideSelf();
  neverHoldProgram();
  return new Broker(start);
}

/** Asks the main thread, which may be blocked: what its code uses was asked for before. */
function linkerOver(
  port: MessagePort,
): (socket: string, door: string) => Promise<void> {
  const waiting = new Map<number, PromiseWithResolvers<void>>();
  let last = 0;
  port.onmessage = ({ data: [id, failure] }) => {
    const link = waiting.get(id);
    waiting.delete(id);
    if (failure === undefined) link?.resolve();
    else link?.reject(new NotSupportedError(`Cannot connect: ${failure}`));
  };
  return async (socket, door) => {
    const link = Promise.withResolvers<void>();
    waiting.set(++last, link);
    port.postMessage([last, socket, door]);
    await link.promise;
  };
}

/** The thread's only object. */
export class Broker {
  /** There is one once an object is served. */
  #station: Station | undefined;
  readonly #ports = new Map<number, ThreadPort>();
  /** The places of those who use objects from outside. */
  readonly #agents = new Map<Peer, number>();
  readonly #pid: number;
  readonly #home: string;
  #opened = 0;

  constructor({ pid, home }: BrokerStart) {
    this.#pid = pid;
    this.#home = home;
    addDeathHandler(() => this.#reviewThreads());
  }

  /** Listens to one more thread. */
  addPort({ agent, name, port }: NewPort): void {
    this.#opened++;
    const who = { id: newId(), pid: this.#pid, name };
    this.#ports.set(agent, new ThreadPort(this, agent, who, port));
  }

  serve(
    { object, pin, type, parts, station }: Extract<
      ToBroker,
      { kind: "serve" }
    >,
  ): void {
    this.#station ??= this.#listen(station);
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
    const parts = [words.buffer, lock.type, lock.serial, ...lock.parts];
    // It is the station that is being called.
    const station = this.#station!;
    station.serve(
      object,
      pin,
      () => new ServedCore(this, "Condition", object, parts),
    );
    return { home: this.#home, station: station.address, object, pin };
  }

  unpin(object: number, pin: number): void {
    this.#station?.unpin(object, pin);
  }

  /** Resolves when nobody of a process is left that has ended. */
  async departed(pid: number): Promise<void> {
    await this.#station?.departed(pid);
  }

  partsOf(object: number): readonly unknown[] | undefined {
    const served = this.#station?.served(object);
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

  /** Says so where nothing needs this thread any more. */
  review(): void {
    if (this.#station?.isIdle === false || this.#ports.size > 1) return;
    const [main] = this.#ports.values();
    if (main === undefined) return;
    main.post({ kind: "idle", served: main.served, ports: this.#opened });
  }

  /** The program ends: whoever serves its threads is told so. */
  leaveAll(): void {
    for (const port of this.#ports.values()) port.leave();
  }

  #listen({ socket, key }: StationAddress): Station {
    return new Station({
      key,
      address: socket,
      onIdle: () => this.review(),
      onLeft: (peer, inOrder) => this.#left(peer, inOrder),
      // A queue in shared memory may be faster than what its thread says.
      hearsLate: true,
    });
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
    this.review();
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
  /** Objects that it has sent out. */
  served = 0;

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
    port.onmessage = ({ data }) => this.#take(data as ToBroker[]);
  }

  post(message: FromBroker): void {
    this.#port.postMessage(message);
    raise(this.#agent, MAIL);
  }

  /** The thread is gone. What it has said before counts. */
  close(): void {
    for (
      let mail = readPort(this.#port);
      mail !== undefined;
      mail = readPort(this.#port)
    ) this.#take(mail.message as ToBroker[]);
    this.#port.close();
    for (const relay of this.#relays.values()) relay.close();
    this.leave();
  }

  /** Whoever is used by the thread is told of its end. */
  leave(): void {
    const inOrder = !wasKilled(this.#agent);
    for (const route of this.#stations.values()) route.leave(inOrder);
    this.#stations.clear();
  }

  #take(messages: readonly ToBroker[]): void {
    for (const message of messages) this.#handle(message);
  }

  #handle(message: ToBroker): void {
    switch (message.kind) {
      case "look":
        void this.#relays.get(message.relay)?.look();
        return;
      case "want":
        this.#relays.get(message.relay)?.want();
        return;
      case "unwant":
        this.#relays.get(message.relay)?.unwant();
        return;
    }
    // What was put before comes before what is asked now.
    for (const relay of this.#relays.values()) relay.send(true);
    switch (message.kind) {
      case "serve":
        this.served++;
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
        this.#open(message);
        break;
      case "call":
        void this.#call(message);
        break;
      case "cast": {
        const { station, object, method, body } = message;
        // Where the owner is gone it goes nowhere.
        this.#stations.get(station)?.cast(object, method, body);
        break;
      }
      case "relay": {
        const { relay, station, object, memory } = message;
        const target = this.#stations.get(station);
        if (target === undefined) loseRelay(memory);
        else this.#relays.set(relay, new QueueRelay(target, object, memory));
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
      case "gone":
        void this.#broker.departed(message.pid).then(() =>
          this.#answer(message.seq)
        );
        break;
      case "review":
        this.#broker.review();
        break;
      default:
        message satisfies never;
    }
  }

  #open(
    { number, address, status }: Extract<ToBroker, { kind: "station" }>,
  ): void {
    const route = new Route(address, this.#who, status);
    this.#stations.set(number, route);
    void route.link.closed.then(() => {
      this.#stations.delete(number);
      this.post({ kind: "lost", station: number });
    });
  }

  #answer(seq: number): void {
    this.post({ kind: "answer", seq, body: new Uint8Array() });
  }

  async #call(
    { seq, station, object, method, body }: Extract<
      ToBroker,
      { kind: "call" }
    >,
  ): Promise<void> {
    const route = this.#stations.get(station);
    if (route === undefined) {
      this.post({ kind: "failed", seq, body: packError(ownerGone()) });
      return;
    }
    for (const relay of this.#relays.values()) {
      if (relay.object === object) relay.giveBack();
    }
    const controller = new AbortController();
    this.#calls.set(seq, controller);
    try {
      const { signal } = controller;
      const answer = await route.call(object, method, body, signal);
      this.post({ kind: "answer", seq, body: answer });
    } catch (error) {
      this.post({ kind: "failed", seq, body: packError(error) });
    } finally {
      this.#calls.delete(seq);
    }
  }

  async #flush(
    { seq, until }: Extract<ToBroker, { kind: "flush" }>,
  ): Promise<void> {
    if (until === "last") {
      const relays = [...this.#relays.values()];
      await Promise.allSettled(relays.map((relay) => relay.end()));
    }
    const routes = [...this.#stations.values()];
    // What fails is told to those who wait for it: this thread must go on.
    await Promise.allSettled(
      routes.map((route) =>
        until === "sent" ? route.link.flush() : route.sync()
      ),
    );
    if (until === "last") {
      // The process ends in order: so do the agents that stand for its threads.
      this.#broker.leaveAll();
      await Promise.allSettled(routes.map(({ link }) => link.flush()));
    }
    this.#answer(seq);
  }
}

const NO_ARGS = packValue([0, 0], "args");

/** One station, for one thread. Once its link has ended, all its objects are gone. */
class Route {
  readonly link: Link;
  readonly agent: number;

  constructor(
    address: StationAddress,
    who: AgentId,
    words: Int32Array<SharedArrayBuffer>,
  ) {
    this.link = Link.to(address);
    const status = new RelayStatus(words);
    void this.link.closed.then(() => status.state = RELAY_GONE);
    this.agent = this.link.introduce(who);
    this.link.retain();
  }

  call(
    object: number,
    method: string,
    body: Uint8Array,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    return this.link.call(this.agent, object, method, body, signal);
  }

  cast(object: number, method: string, body: Uint8Array): void {
    this.link.cast(this.agent, object, method, body);
  }

  /** Resolves when all that was said has been done, or the owner is gone. */
  async sync(): Promise<void> {
    const { link } = this;
    await link.call(this.agent, STATION_ITSELF, "sync", NO_ARGS).catch(
      (error) => {
        if (!link.isClosed) throw error;
      },
    );
  }

  leave(inOrder: boolean): void {
    if (this.link.isClosed) return;
    this.link.leave(this.agent, inOrder);
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
