// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A thread's way to the broker of its program (`broker.ts`). The main thread starts
// the broker with the first object that is sent out or arrives, and gives each
// thread that asks a port to it; it stops it when nobody needs it any more.
//
// Nobody listens to the port on the thread's side, since a blocked thread could not:
// the broker raises the MAIL flag of the thread (`domain.ts`), and the thread reads
// in its pump, or in its blocked wait.
//
//   awaited call   posted with what else this turn of the event loop has, answered in the pump
//   blocking call  posts all that waits and its own, then waits like for a lock
//
// A blocking call that is to end early (its task is cancelled) asks the broker for
// that, and waits for the answer: what was granted meanwhile counts.

import { ConnectionClosedError, InvalidStateError } from "../base/errors.ts";
import {
  beforeAnswer,
  beforeEndIsTold,
  beforeExit,
  holdProgram,
  releaseProgram,
  socketPlace,
  workerEnded,
  workerStarted,
} from "../base/registry.ts";
import {
  createAgent,
  domainMemory,
  freeAgent,
  isMainAgent,
  threadTag,
} from "../memory/domain.ts";
import { addMailHandler } from "../memory/parking.ts";
import { RelayStatus } from "../memory/relay_status.ts";
import { QUEUE_WORDS, WaitQueue } from "../memory/wait_queue.ts";
import { endAgent, newWords, Waitable } from "../memory/waiting.ts";
import { closeInspector } from "../wire/functions/inspector.ts";
import { createKey } from "../wire/handshake.ts";
import { claimAddress } from "../wire/authenticated_listener.ts";
import { linkSocket } from "../wire/socket_place.ts";
import { BROKER_ENTRY } from "../worker/entry_urls.ts";
import { collectSync, provideDeposit, readPort } from "../worker/mail.ts";
import {
  type PlatformThread,
  startWebThread,
} from "../worker/platform_thread.ts";
import type {
  BrokerStart,
  FromBroker,
  NewPort,
  ToBroker,
} from "./broker_messages.ts";
import { ownerGone } from "./link.ts";
import { newId, type StationAddress, stationName } from "./reference.ts";
import { STATION_ITSELF } from "./frames.ts";
import { unpackError } from "./values.ts";

/** The deposit under which threads find their port. No serial is negative. */
const PORT_TOKEN = -1;
/** And the one under which they find where the broker listens. */
const STATION_TOKEN = -2;

/** What a thread knows of the broker. */
export interface BrokerInfo {
  /** The name of the program, as a home of objects. */
  readonly home: string;
}

/** A station, as a port knows it. */
export interface PortRoute {
  readonly number: number;
  /** Its `state` says whether the link is there. */
  readonly status: RelayStatus;
  /** What the agents there call this thread; 0 while that is asked. */
  agent: number | undefined;
  /** What was said without an answer, and how much of it is known to be heard. */
  said: number;
  answered: number;
}

/** The message as the caller makes it; the number of the call is the port's matter. */
type CallMessage = Omit<Extract<ToBroker, { kind: "call" }>, "seq" | "kind">;

interface PendingCall {
  resolve(body: Uint8Array): void;
  reject(error: unknown): void;
}

let own: BrokerPort | undefined;

/**
 * This thread's port; the broker is started where there is none.
 *
 * @throws {NotSupportedError} If a permission is missing.
 */
export function brokerPort(): BrokerPort {
  return own ??= isMainAgent() ? startBroker() : joinBroker();
}

/** The name of this program as a home of objects; undefined where it has sent none out. */
export function brokerHome(): string | undefined {
  return own?.info.home;
}

/** One thread's port. */
export class BrokerPort {
  readonly info: BrokerInfo;
  readonly #port: MessagePort;
  readonly #replies: Replies;
  readonly #byName = new Map<string, PortRoute>();
  readonly #routes = new Map<number, PortRoute>();
  readonly #calls = new Map<number, PendingCall>();
  #outbox: ToBroker[] = [];
  #lastSeq = 0;
  #lastRelay = 0;
  #lastStation = 0;
  #isFlushing = false;
  #mustFlush = false;
  #isScheduled = false;
  #closedBy: unknown;
  readonly #unlisten: () => void;
  /** Something was said that has not been done for certain. */
  #isDirty = false;
  /** Where the broker listens for others; known once this thread has sent something out. */
  #station: StationAddress | undefined;
  /** Objects of others that this thread has, by station. */
  readonly #users = new Map<number, number>();
  /** Objects that were sent out so far. */
  served = 0;

  constructor(info: BrokerInfo, port: MessagePort) {
    this.info = info;
    this.#port = port;
    this.#replies = new Replies();
    const undo = [
      addMailHandler(() => this.#read()),
      beforeExit(() => this.flush("last")),
      beforeAnswer(() => this.#isDirty ? this.flush("done") : undefined),
    ];
    this.#unlisten = () => {
      for (const take of undo) take();
    };
  }

  /** True while somebody waits for an answer. */
  get isBusy(): boolean {
    return this.#calls.size > 0 || this.#outbox.length > 0 ||
      this.#users.size > 0;
  }

  /**
   * Has the broker serve an object, for one receiver.
   *
   * @throws {NotSupportedError} If a permission is missing.
   */
  serve(
    message: Omit<Extract<ToBroker, { kind: "serve" }>, "kind" | "station">,
  ): StationAddress {
    const station = this.#station ??= stationAddress();
    this.served++;
    // At once: the reference may go where others read it before this turn ends.
    this.postNow({ kind: "serve", ...message, station });
    return station;
  }

  /** This thread has one more object of a station. */
  retain(station: number): void {
    this.#users.set(station, (this.#users.get(station) ?? 0) + 1);
  }

  /** It has one less. */
  unretain(station: number): void {
    const users = this.#users.get(station);
    if (users === undefined) return;
    if (users > 1) this.#users.set(station, users - 1);
    else this.#users.delete(station);
    this.#review();
  }

  /** How this port knows a station. */
  route(address: StationAddress): PortRoute {
    const name = stationName(address);
    let route = this.#byName.get(name);
    if (route === undefined) {
      const number = ++this.#lastStation;
      const status = new RelayStatus();
      route = { number, status, agent: undefined, said: 0, answered: 0 };
      this.#byName.set(name, route);
      this.#routes.set(number, route);
      this.post({ kind: "station", number, address, status: status.words });
    }
    return route;
  }

  /** Says something to which there is no answer. */
  post(message: ToBroker): void {
    this.#enqueue(message);
    if (message.kind !== "cast") return;
    const route = this.#routes.get(message.station);
    if (route !== undefined && (message.counts ?? true)) route.said++;
    // What a call has brought is held here before the call ends.
    this.#isDirty = true;
    // Others may wait for it, and this thread may compute from now on.
    if (message.object !== STATION_ITSELF) this.#send();
    void this.#holdUntilSent();
  }

  /** As {@linkcode post}, at once: the thread may be busy from now on. */
  postNow(message: ToBroker): void {
    if (message.kind === "look") this.#isDirty = true;
    this.#enqueue(message);
    this.#send();
    // What was put must leave before the program ends.
    if (message.kind === "look") void this.#holdUntilSent();
  }

  /** Has the broker empty and fill the boxes of a queue; returns the relay's number. */
  openRelay(
    relay: Omit<Extract<ToBroker, { kind: "relay" }>, "kind" | "relay">,
  ): number {
    const number = ++this.#lastRelay;
    this.post({ kind: "relay", relay: number, ...relay });
    return number;
  }

  /** Calls a method of an object of another program. */
  call(message: CallMessage, signal?: AbortSignal): Promise<Uint8Array> {
    const route = this.#routes.get(message.station);
    const said = route?.said ?? 0;
    const answer = this.#request(
      (seq) => ({ kind: "call", seq, ...message }),
      signal,
    );
    const onAnswer = () => heard(route, said);
    answer.then(onAnswer, onAnswer);
    return answer;
  }

  /** As {@linkcode call}, and blocks the thread. */
  callSync(message: CallMessage): Uint8Array {
    const route = this.#routes.get(message.station);
    const said = route?.said ?? 0;
    const reply = this.#requestSync((seq) => ({
      kind: "call",
      seq,
      ...message,
    }));
    heard(route, said);
    if (reply.kind === "answer") return reply.body;
    throw reply.kind === "failed" ? unpackError(reply.body) : unexpected(reply);
  }

  /** What an object of this program is made of; undefined where nobody has it any more. */
  partsSync(object: number): readonly unknown[] | undefined {
    const reply = this.#requestSync((seq) => ({ kind: "parts", seq, object }));
    if (reply.kind === "parts") return reply.parts;
    throw unexpected(reply);
  }

  /** Resolves when all that was said has left the program; or was done where it went. */
  async flush(until: "sent" | "done" | "last" = "sent"): Promise<void> {
    if (this.#closedBy !== undefined) return;
    if (until !== "sent") this.#isDirty = false;
    await this.#request((seq) => ({ kind: "flush", seq, until }));
  }

  /** Resolves when a process that has ended uses nothing of this program any more. */
  async departed(pid: number): Promise<void> {
    await this.#request((seq) => ({ kind: "gone", seq, pid }));
  }

  /** The broker is gone: nobody answers any more. */
  close(error: unknown): void {
    this.#closedBy = error;
    this.#unlisten();
    this.#port.close();
    for (const call of [...this.#calls.values()]) call.reject(error);
  }

  #request(
    make: (seq: number) => ToBroker,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    if (this.#closedBy !== undefined) return Promise.reject(this.#closedBy);
    const seq = ++this.#lastSeq;
    this.#enqueue(make(seq));
    holdProgram();
    return new Promise<Uint8Array>((resolve, reject) => {
      const onAbort = () => this.#enqueue({ kind: "cancel", seq });
      const end = () => {
        this.#calls.delete(seq);
        signal?.removeEventListener("abort", onAbort);
        releaseProgram();
        this.#review();
      };
      this.#calls.set(seq, {
        resolve(body) {
          end();
          resolve(body);
        },
        reject(error) {
          end();
          reject(error);
        },
      });
      if (signal?.aborted) onAbort();
      else signal?.addEventListener("abort", onAbort);
    });
  }

  #requestSync(make: (seq: number) => ToBroker): FromBroker {
    if (this.#closedBy !== undefined) throw this.#closedBy;
    const seq = ++this.#lastSeq;
    this.#enqueue(make(seq));
    this.#send();
    try {
      this.#replies.waitSync(seq, {});
      return this.#replies.take(seq);
    } catch (error) {
      // The task is to end, but what it was given must not be lost.
      this.#enqueue({ kind: "cancel", seq });
      this.#send();
      this.#replies.waitSync(seq, {}, false, { isForced: true });
      const reply = this.#replies.take(seq);
      if (reply.kind === "failed") throw error;
      return reply;
    }
  }

  /** The owner of what is at a station is gone. Its number is not used again. */
  #lose(station: number): void {
    this.#routes.delete(station);
    for (const [name, { number }] of this.#byName) {
      if (number === station) this.#byName.delete(name);
    }
    if (this.#users.delete(station)) this.#review();
  }

  /** Asks whether anybody needs the broker, where this thread does not. */
  #review(): void {
    if (this.#closedBy !== undefined || this.isBusy || !isMainAgent()) return;
    this.#port.postMessage([{ kind: "review" }]);
  }

  #enqueue(message: ToBroker): void {
    this.#outbox.push(message);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#send();
    });
  }

  #send(): void {
    if (this.#outbox.length === 0) return;
    const outbox = this.#outbox;
    this.#outbox = [];
    this.#port.postMessage(outbox);
  }

  /** Keeps the program until what nobody waits for has left. */
  async #holdUntilSent(): Promise<void> {
    this.#mustFlush = true;
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    while (this.#mustFlush) {
      // Behind what else is said in this turn.
      await Promise.resolve();
      this.#mustFlush = false;
      await this.flush().catch(() => {});
    }
    this.#isFlushing = false;
  }

  #read(): void {
    let isBlocked = false;
    for (
      let mail = readPort(this.#port);
      mail !== undefined;
      mail = readPort(this.#port)
    ) {
      const message = mail.message as FromBroker;
      if (message.kind === "idle") {
        stopBroker(message.served, message.ports);
        // It may be the last message that this port ever reads.
        if (this.#closedBy !== undefined) break;
        continue;
      }
      if (message.kind === "lost") {
        this.#lose(message.station);
        continue;
      }
      const call = this.#calls.get(message.seq);
      if (call === undefined) {
        this.#replies.put(message);
        isBlocked = true;
      } else if (message.kind === "answer") call.resolve(message.body);
      else if (message.kind === "failed") {
        call.reject(unpackError(message.body));
      }
    }
    if (isBlocked) this.#replies.settleGuarded();
  }
}

/** What was said until then has been heard. */
function heard(route: PortRoute | undefined, said: number): void {
  if (route !== undefined) route.answered = Math.max(route.answered, said);
}

/** Answers for blocking calls. */
class Replies extends Waitable {
  readonly #arrived = new Map<number, FromBroker & { readonly seq: number }>();

  constructor() {
    const { words, serial } = newWords(QUEUE_WORDS);
    super("mail", words, new WaitQueue(words, 0), serial);
  }

  put(reply: FromBroker & { readonly seq: number }): void {
    this.#arrived.set(reply.seq, reply);
  }

  take(seq: number): FromBroker {
    const reply = this.#arrived.get(seq)!;
    this.#arrived.delete(seq);
    return reply;
  }

  override grant(seq: number): number {
    return this.#arrived.has(seq) ? 1 : 0;
  }
}

function unexpected(reply: FromBroker): InvalidStateError {
  return new InvalidStateError(
    `Cannot take an answer of the broker: it is of the kind ${reply.kind}`,
  );
}

// -- Main thread --

let thread:
  | { readonly platform: PlatformThread; readonly agent: number }
  | undefined;
/** Where it listens, once something is sent out. */
let place: { readonly station: StationAddress; release(): void } | undefined;
/** Ports that were opened to it. */
let ports = 0;
let forgetEnds = () => {};

function startBroker(): BrokerPort {
  closeInspector();
  const agent = createAgent("broker", true);
  let platform: PlatformThread;
  try {
    platform = startWebThread(BROKER_ENTRY, "broker", {
      failed: (message) => lose(message),
      overflowed() {},
      exited() {},
    });
  } catch (error) {
    endAgent(agent, "ended");
    freeAgent(agent);
    throw error;
  }
  workerStarted();
  thread = { platform, agent };
  ports = 0;
  const domain = domainMemory();
  const info = { home: newId() };
  const known = socketPlace();
  const linker = known === undefined ? undefined : serveLinks();
  const start: BrokerStart = {
    domain,
    agent,
    pid: Deno.pid,
    ...info,
    ...(linker === undefined ? {} : { place: { known: known!, linker } }),
  };
  platform.port.postMessage(start, linker === undefined ? [] : [linker]);
  const port = openPort(threadTag(), "main");
  const opened = new BrokerPort(info, port);
  forgetEnds = beforeEndIsTold((pid) => opened.departed(pid));
  return opened;
}

/** Has links made for the broker. The port holds a child process only, which ends when it is told. */
function serveLinks(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = async ({ data: [id, socket, door] }) => {
    try {
      await linkSocket(socket, door);
      port1.postMessage([id]);
    } catch (error) {
      port1.postMessage([id, String(error)]);
    }
  };
  return port2;
}

function openPort(agent: number, name: string): MessagePort {
  ports++;
  const { port1, port2 } = new MessageChannel();
  const message: NewPort = { agent, name, port: port2 };
  thread!.platform.port.postMessage(message, [port2]);
  return port1;
}

/** Nobody needs the broker any more: was that after the last object was sent out, and the last port opened? */
function stopBroker(served: number, opened: number): void {
  if (own === undefined || own.isBusy) return;
  if (own.served !== served || ports !== opened) return;
  end(ownerGone());
}

/** Main thread: where others find the broker. It listens there with the first object that it serves. */
function claimStation(): StationAddress {
  if (place === undefined) {
    const { address: socket, release } = claimAddress();
    place = { station: { socket, key: createKey() }, release };
  }
  return place.station;
}

function stationAddress(): StationAddress {
  if (isMainAgent()) return claimStation();
  const [station] = collectSync(STATION_TOKEN, true);
  return station as StationAddress;
}

function lose(message: string): void {
  end(
    new ConnectionClosedError(
      `Cannot use an object of another process: the thread that serves them has failed: ${message}`,
    ),
  );
}

function end(error: unknown): void {
  if (thread === undefined) return;
  const { platform, agent } = thread;
  thread = undefined;
  place?.release();
  place = undefined;
  forgetEnds();
  own?.close(error);
  own = undefined;
  platform.kill();
  endAgent(agent, "ended");
  freeAgent(agent);
  workerEnded();
}

provideDeposit(PORT_TOKEN, (asker) => {
  const { info } = brokerPort();
  return [info, openPort(asker, "")];
});
provideDeposit(STATION_TOKEN, () => [claimStation()]);

// -- Other threads --

function joinBroker(): BrokerPort {
  const [info, port] = collectSync(PORT_TOKEN, true);
  return new BrokerPort(info as BrokerInfo, port as MessagePort);
}
