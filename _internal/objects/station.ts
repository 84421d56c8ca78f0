// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Where a thread serves objects to other processes: it listens, and calls the
// objects for whoever has proved the key. `link.ts` is the other side.
//
//   user                                    station
//   introduce n, agent               --->   a peer: it waits, holds and dies as one
//   call id, n, object, method, args --->   object.call()
//                                    <---   answer id | failed id
//   cast n, object, method, args     --->   object.call(); an error goes nowhere
//   cancel id                        --->   the signal of the call fires; its end is the answer
//   leave n, or the link ends        --->   its calls are cancelled, object.left(peer)
//
// Who uses an object says so to object 0, STATION_ITSELF:
//
//   hold object, pin    a reference was read       the link is a holder, the pin is spent
//   pin object, pin     it is sent on to others
//   unpin object, pin   it is not any more
//   release object      nobody here has it any more
//   sync                answered when all that came before it was done
//
// A reference in flight is a pin, so an object is dropped when it has neither pins
// nor holders: whoever sends a reference on holds the object until its own
// `release`, which comes behind the `pin` on the same link. Whoever reads it may be
// faster than the `pin`: what is spent before it is set is not set any more. Of a
// reference that is never read the pin remains: too much is kept then, never too
// little. What is dropped can be served again: its owner has it, and says so with
// each reference.
//
// One link that writes what no link writes is disconnected, and nobody else.

import { afterTurns } from "../base/deadline.ts";
import { SerializationError } from "../base/errors.ts";
import { InvalidStateError } from "../base/errors.ts";
import {
  AuthenticatedListener,
  type AuthenticatedListenerOptions,
} from "../wire/authenticated_listener.ts";
import { joined } from "../wire/bytes.ts";
import { createKey } from "../wire/handshake.ts";
import { type LinkRings, offerLinkRings } from "../wire/link_rings.ts";
import { ProcessChannel } from "../wire/process_channel.ts";
import {
  type AgentId,
  Frame,
  readFrame,
  type Request,
  type Response,
  STATION_ITSELF,
  writeFrame,
} from "./frames.ts";

export { STATION_ITSELF } from "./frames.ts";
import { NO_PIN, type StationAddress } from "./reference.ts";
import { packError, unpackPlain } from "./values.ts";

/** Who uses objects over one link. */
export interface Peer extends AgentId {
  /** Tells it something about an object that it has. */
  push(object: number, body: Uint8Array): void;
}

/** Who calls, and how. */
export interface Caller {
  readonly peer: Peer;
  /** Fires where the answer is not wanted any more, or the peer is gone. */
  readonly signal: AbortSignal;
}

/** A result in two parts, which arrive as one: so the second, which may be large, need not be copied behind the first. */
export class Parts {
  readonly head: Uint8Array;
  readonly body: Uint8Array;

  constructor(head: Uint8Array, body: Uint8Array) {
    this.head = head;
    this.body = body;
  }
}

/** The bytes of a result. */
export type ResultBytes = Uint8Array | Parts;

/** An object that is served. */
export interface Served {
  /**
   * Runs a method for a peer, and returns the bytes of its result. The body holds
   * until it returns. What it throws is the answer too.
   */
  call(
    method: string,
    body: Uint8Array,
    caller: Caller,
  ): ResultBytes | Promise<ResultBytes>;
  /** A peer that may have used it is gone; `inOrder` where it has said so before. */
  left?(peer: Peer, inOrder: boolean): void;
  /** Nobody has it any more, and it was dropped. */
  unheld?(): void;
}

interface Entry {
  readonly served: Served;
  readonly pins: Set<number>;
  /** Pins that were spent before they were set. */
  readonly spent: Set<number>;
  readonly holders: Map<StationLink, number>;
}

/** Options for {@linkcode Station}. */
export interface StationOptions
  extends Pick<AuthenticatedListenerOptions, "transport" | "address"> {
  readonly key?: Uint8Array<ArrayBuffer> | undefined;
  /** Called when the last object was dropped and the last link has ended. */
  readonly onIdle?: (() => void) | undefined;
  /** Called when a peer has gone, after its objects were told. */
  readonly onLeft?: ((peer: Peer, inOrder: boolean) => void) | undefined;
  /** True where a reference may be read before this thread has heard that its object is served. */
  readonly hearsLate?: boolean | undefined;
}

/** Serves the objects of one thread. It does not keep the program alive. */
export class Station implements Disposable {
  readonly address: StationAddress;
  readonly hearsLate: boolean;
  readonly #listener: AuthenticatedListener;
  readonly #entries = new Map<number, Entry>();
  readonly #links = new Set<StationLink>();
  /** Connections that have proved the key and are no links yet. */
  #arriving = 0;
  #isClosed = false;
  readonly #onIdle: () => void;
  readonly #onLeft: (peer: Peer, inOrder: boolean) => void;

  /**
   * Starts to listen.
   *
   * @throws {NotSupportedError} If a permission is missing.
   */
  constructor(options: StationOptions = {}) {
    const { key = createKey(), transport, address, onIdle } = options;
    this.#onIdle = onIdle ?? (() => {});
    this.#onLeft = options.onLeft ?? (() => {});
    this.hearsLate = options.hearsLate ?? false;
    this.#listener = new AuthenticatedListener({
      key,
      transport,
      address,
      onConnection: (conn) => void this.#welcome(conn),
    });
    this.address = { socket: this.#listener.address, key };
  }

  /** Serves an object, where it does not yet; `pin` is that of a reference that is about to be sent. */
  serve(object: number, pin: number, make: () => Served): void {
    let entry = this.#entries.get(object);
    if (entry === undefined) {
      entry = {
        served: make(),
        pins: new Set(),
        spent: new Set(),
        holders: new Map(),
      };
      this.#entries.set(object, entry);
    }
    pinEntry(entry, pin);
  }

  /** A reference with this pin will not be held: it has come home, or was not sent. */
  unpin(object: number, pin: number): void {
    const entry = this.#entries.get(object);
    if (entry === undefined) return;
    spend(entry, pin);
    this.#review(object, entry);
  }

  /** The call that carried a reference with this pin is over: where nobody has spent it, nobody will. */
  letGo(object: number, pin: number): void {
    const entry = this.#entries.get(object);
    entry?.pins.delete(pin);
    this.#review(object, entry);
  }

  /** What is served under a number. */
  served(object: number): Served | undefined {
    return this.#entries.get(object)?.served;
  }

  /** Tells all who hold an object. */
  push(object: number, body: Uint8Array): void {
    const holders = this.#entries.get(object)?.holders.keys() ?? [];
    for (const link of holders) link.push(object, body);
  }

  /** Resolves when nobody of a process is connected any more: it has ended. */
  async departed(pid: number): Promise<void> {
    // A link of nobody may be his, who has not been read yet.
    const links = [...this.#links].filter((link) => link.isOf(pid));
    let cancel = () => {};
    await Promise.race([
      Promise.all(links.map((link) => link.ended)),
      // Its end may lie here unread, where this thread was busy for so long.
      new Promise<void>((resolve) => cancel = afterTurns(FAREWELL, resolve)),
    ]);
    cancel();
  }

  /** True where no object is served and nobody is connected. */
  get isIdle(): boolean {
    return this.#entries.size === 0 && this.#links.size === 0 &&
      this.#arriving === 0;
  }

  /** Ends all links, and listens no more. */
  close(): void {
    this.#isClosed = true;
    this.#listener.close();
    for (const link of this.#links) link.close();
    this.#entries.clear();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  // For the links of this station

  /** @throws {InvalidStateError} If there is no such object. */
  call(
    object: number,
    method: string,
    body: Uint8Array,
    caller: Caller,
    link: StationLink,
  ): ResultBytes | Promise<ResultBytes> {
    if (object === STATION_ITSELF) {
      const [target, pin] = unpackPlain(body) as [number, number];
      this.#count(method, target, pin, link);
      return NO_RESULT;
    }
    const entry = this.#entries.get(object);
    if (entry === undefined) {
      throw new InvalidStateError(
        `Cannot call '${method}': the object is gone from its owner`,
      );
    }
    return entry.served.call(method, body, caller);
  }

  peerLeft(peer: Peer, inOrder: boolean): void {
    for (const { served } of [...this.#entries.values()]) {
      served.left?.(peer, inOrder);
    }
    this.#onLeft(peer, inOrder);
  }

  linkEnded(link: StationLink): void {
    this.#links.delete(link);
    for (const [object, entry] of [...this.#entries]) {
      if (entry.holders.delete(link)) this.#review(object, entry);
    }
    this.#reviewIdle();
  }

  async #welcome(conn: Deno.Conn): Promise<void> {
    conn.unref();
    this.#arriving++;
    const rings = await offerLinkRings(conn);
    this.#arriving--;
    const link = new StationLink(this, conn, rings);
    if (this.#isClosed) link.close();
    else this.#links.add(link);
  }

  #count(
    method: string,
    object: number,
    pin: number,
    link: StationLink,
  ): void {
    const entry = this.#entries.get(object);
    if (entry === undefined || method === "sync") return;
    const { holders } = entry;
    const held = holders.get(link) ?? 0;
    if (method === "hold") {
      spend(entry, pin);
      holders.set(link, held + 1);
    } else if (method === "pin") pinEntry(entry, pin);
    else if (method === "unpin") entry.pins.delete(pin);
    else if (held > 1) holders.set(link, held - 1);
    else holders.delete(link);
    this.#review(object, entry);
  }

  /** Drops an object that nobody has. */
  #review(object: number, entry: Entry | undefined): void {
    if (
      entry === undefined || entry.pins.size > 0 || entry.holders.size > 0 ||
      this.#entries.get(object) !== entry
    ) return;
    this.#entries.delete(object);
    entry.served.unheld?.();
    this.#reviewIdle();
  }

  #reviewIdle(): void {
    if (this.isIdle) this.#onIdle();
  }
}

function pinEntry({ pins, spent }: Entry, pin: number): void {
  if (!spent.delete(pin)) pins.add(pin);
}

function spend({ pins, spent }: Entry, pin: number): void {
  if (pin !== NO_PIN && !pins.delete(pin)) spent.add(pin);
}

/** The object that a frame needs; undefined where it needs none. */
function usedBy(frame: Request): number | undefined {
  if (frame.tag !== Frame.call && frame.tag !== Frame.cast) return undefined;
  if (frame.object !== STATION_ITSELF) return frame.object;
  if (frame.method !== "hold") return undefined;
  const [object] = unpackPlain(frame.body) as [number, number];
  return object;
}

const NO_RESULT = new Uint8Array();
/** Turns of the event loop after which an object that was not heard of is gone. */
const LATE_TURNS = 50;
/** How long the end of a link is waited for whose process has ended, in ms. */
const FAREWELL = 1_000;

/** The station's end of a link. */
class StationLink {
  readonly #station: Station;
  readonly #channel: ProcessChannel;
  readonly #rings: LinkRings | undefined;
  readonly #peers = new Map<number, LinkPeer>();
  readonly #calls = new Map<number, CallState>();
  readonly #ending = Promise.withResolvers<void>();
  /** What has come behind the first frame whose object is not served yet, with that. */
  #late: Uint8Array[] | undefined;
  #wasIntroduced = false;

  constructor(
    station: Station,
    conn: Deno.Conn,
    rings: LinkRings | undefined,
  ) {
    this.#station = station;
    const channel = new ProcessChannel();
    this.#channel = channel;
    this.#rings = rings;
    channel.attach(conn, rings);
    channel.unref();
    channel.onMessage = (bytes) => this.#receive(bytes);
    channel.onClose = () => this.#end();
    channel.open();
  }

  /** Resolves when it has ended, and what was held over it was given up. */
  get ended(): Promise<void> {
    return this.#ending.promise;
  }

  /** True where somebody of that process uses it, or nobody has said so yet. */
  isOf(pid: number): boolean {
    if (this.#peers.size === 0) return !this.#wasIntroduced;
    return this.#peers.values().some((peer) => peer.pid === pid);
  }

  push(object: number, body: Uint8Array): void {
    this.#send({ tag: Frame.push, object, body });
  }

  close(): void {
    this.#channel.close();
    this.#end();
  }

  #receive(bytes: Uint8Array): void {
    if (this.#late !== undefined) this.#late.push(bytes.slice());
    else this.#handle(bytes, this.#station.hearsLate);
  }

  /** Waits for what its thread has said of an object before somebody else could use it. */
  async #await(object: number): Promise<void> {
    for (let turn = 0; turn < LATE_TURNS; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      if (this.#station.served(object) !== undefined) break;
    }
    this.#catchUp();
  }

  /** Handles what has come meanwhile. The first frame is not waited for again. */
  #catchUp(): void {
    const [first, ...others] = this.#late ?? [];
    this.#late = undefined;
    if (first === undefined) return;
    this.#handle(first, false);
    for (const bytes of others) this.#receive(bytes);
  }

  #handle(bytes: Uint8Array, mayWait: boolean): void {
    try {
      const frame = readFrame(bytes);
      if (mayWait) {
        const object = usedBy(frame as Request);
        if (
          object !== undefined && this.#station.served(object) === undefined
        ) {
          this.#late = [bytes.slice()];
          void this.#await(object);
          return;
        }
      }
      switch (frame.tag) {
        case Frame.introduce:
          this.#wasIntroduced = true;
          this.#peers.set(
            frame.number,
            new LinkPeer(frame.agent, (object, body) => {
              this.push(object, body);
            }),
          );
          break;
        case Frame.leave:
          this.#leave(frame.number, frame.inOrder);
          break;
        case Frame.call:
          this.#call(frame.id, this.#peer(frame.agent), frame);
          break;
        case Frame.cast:
          this.#cast(this.#peer(frame.agent), frame);
          break;
        case Frame.cancel:
          this.#calls.get(frame.id)?.abort();
          break;
        default:
          throw badFrame(`it has the tag ${frame.tag}`);
      }
    } catch (error) {
      // Nobody else is to suffer from it.
      this.#channel.fail(error);
    }
  }

  #peer(number: number): LinkPeer {
    const peer = this.#peers.get(number);
    if (peer === undefined) throw badFrame(`nobody is introduced as ${number}`);
    return peer;
  }

  #call(
    id: number,
    peer: LinkPeer,
    { object, method, body }: {
      object: number;
      method: string;
      body: Uint8Array;
    },
  ): void {
    if (this.#calls.has(id)) throw badFrame(`the call ${id} is under way`);
    const state = new CallState(peer);
    this.#calls.set(id, state);
    let result: ResultBytes | Promise<ResultBytes>;
    try {
      result = this.#station.call(object, method, body, state, this);
    } catch (error) {
      this.#fail(id, error);
      return;
    }
    if (result instanceof Promise) {
      result.then(
        (body) => this.#answer(id, body),
        (error) => this.#fail(id, error),
      );
    } else this.#answer(id, result);
  }

  #cast(
    peer: LinkPeer,
    { object, method, body }: {
      object: number;
      method: string;
      body: Uint8Array;
    },
  ): void {
    const state = new CallState(peer);
    try {
      const result = this.#station.call(object, method, body, state, this);
      // Whoever casts has said that it wants to hear of nothing.
      if (result instanceof Promise) result.catch(() => {});
    } catch {
      // The same.
    }
  }

  #answer(id: number, result: ResultBytes): void {
    if (!this.#calls.delete(id)) return;
    if (result instanceof Parts) {
      const { head, body } = result;
      this.#send({ tag: Frame.answer, id, body }, head);
    } else this.#send({ tag: Frame.answer, id, body: result });
  }

  #fail(id: number, error: unknown): void {
    if (!this.#calls.delete(id)) return;
    this.#send({ tag: Frame.failed, id, body: packError(error) });
  }

  #send(frame: Response, head?: Uint8Array): void {
    try {
      let message = writeFrame(frame);
      if (head !== undefined) {
        const whole = new Uint8Array(message.length + head.length);
        message = joined(whole, message, head);
      }
      this.#channel.send(message, undefined, undefined, frame.body);
    } catch (error) {
      if (frame.tag !== Frame.answer) return;
      // Longer than a frame may be.
      const { id } = frame;
      this.#send({ tag: Frame.failed, id, body: packError(error) });
    }
  }

  #leave(number: number, inOrder: boolean): void {
    const peer = this.#peers.get(number);
    if (peer === undefined) return;
    this.#peers.delete(number);
    for (const state of this.#calls.values()) {
      if (state.peer === peer) state.abort();
    }
    this.#station.peerLeft(peer, inOrder);
  }

  #end(): void {
    // What it has said still counts, and is waited for no more.
    const late = this.#late ?? [];
    this.#late = undefined;
    for (const bytes of late) this.#handle(bytes, false);
    for (const number of [...this.#peers.keys()]) this.#leave(number, false);
    this.#calls.clear();
    this.#rings?.release();
    this.#station.linkEnded(this);
    this.#ending.resolve();
  }
}

class LinkPeer implements Peer {
  readonly id: string;
  readonly pid: number;
  readonly name: string;
  readonly push: Peer["push"];

  constructor({ id, pid, name }: AgentId, push: Peer["push"]) {
    this.id = id;
    this.pid = pid;
    this.name = name;
    this.push = push;
  }
}

/** One call. Its signal is made when it is asked for: hardly any call does. */
class CallState implements Caller {
  readonly peer: LinkPeer;
  #controller: AbortController | undefined;
  #isAborted = false;

  constructor(peer: LinkPeer) {
    this.peer = peer;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#isAborted) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  abort(): void {
    this.#isAborted = true;
    this.#controller?.abort();
  }
}

function badFrame(reason: string): SerializationError {
  return new SerializationError(`Cannot read a frame: ${reason}`, { reason });
}
