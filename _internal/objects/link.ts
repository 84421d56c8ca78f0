// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A connection to a station (`station.ts`), for those who use the objects there.
// One for each station and thread. It connects when it is first used; what is sent
// meanwhile waits in the channel.
//
// state    meaning                              leaves by
// open     connecting or connected              the end of the connection, close() -> closed
// closed   every call has failed, and fails     never; the next user gets a new link
//
// A pending call keeps the program alive, and so does what has not left yet; an
// idle link does not.

import { afterUnheld } from "../base/deadline.ts";
import { ConnectionClosedError, TimeoutError } from "../base/errors.ts";
import {
  beforeAnswer,
  beforeExit,
  holdProgram,
  releaseProgram,
  workerEnded,
  workerStarted,
} from "../base/registry.ts";
import {
  closeQuietly,
  connectAuthenticated,
  connectTo,
  HandshakeError,
} from "../wire/handshake.ts";
import { type LinkRings, takeLinkRings } from "../wire/link_rings.ts";
import { ProcessChannel } from "../wire/process_channel.ts";
import { isDisconnection } from "../wire/socket_channel.ts";
import { removeSocket } from "../wire/socket_place.ts";
import { type AgentId, Frame, readFrame, writeFrame } from "./frames.ts";
import { type StationAddress, stationName } from "./reference.ts";
import { unpackError } from "./values.ts";

/** How long a station that is about to listen is waited for, in ms: its code may have to be compiled before. */
const PATIENCE = 60_000;
/** How long there may be a socket's file before somebody listens, in ms. */
const BIND_TIME = 250;
/** The first pause before connecting again, in ms; each is half as long again as the one before. */
const FIRST_PAUSE = 2;
/** The longest one. */
const MAX_PAUSE = 50;

interface PendingCall {
  resolve(body: Uint8Array): void;
  reject(error: unknown): void;
}

const links = new Map<string, Link>();
/** Those that are writing what was sent before they were closed. */
const leaving = new Set<Link>();

/** The user's end of a link. */
export class Link {
  readonly #channel = new ProcessChannel();
  #rings: LinkRings | undefined;
  readonly #calls = new Map<number, PendingCall>();
  readonly #subscribers = new Map<number, (body: Uint8Array) => void>();
  readonly #name: string;
  #lastCall = 0;
  #lastAgent = 0;
  #isFlushing = false;
  #users = 0;
  #wasUsed = false;
  #closedBy: ConnectionClosedError | undefined;
  readonly #closing = Promise.withResolvers<void>();
  /** Ends the pause between two tries to connect. */
  #endRest = () => {};

  /** The link of this thread to a station. */
  static to(address: StationAddress): Link {
    const name = stationName(address);
    let link = links.get(name);
    if (link === undefined) {
      link = new Link(name, address);
      links.set(name, link);
    }
    return link;
  }

  private constructor(name: string, address: StationAddress) {
    this.#name = name;
    const channel = this.#channel;
    channel.unref();
    channel.onMessage = (bytes) => this.#handle(bytes);
    channel.onClose = ({ error }) => {
      this.#end(error);
      void sweep(address.socket);
    };
    channel.open();
    // Somebody else, who may do what is waited for here.
    workerStarted();
    void this.#connect(address);
  }

  /** Resolves when the link has ended. */
  get closed(): Promise<void> {
    return this.#closing.promise;
  }

  /** True where it has ended. */
  get isClosed(): boolean {
    return this.#closedBy !== undefined;
  }

  /** Introduces somebody who uses objects here; returns its number on this link. */
  introduce(agent: AgentId): number {
    const number = ++this.#lastAgent;
    this.#channel.send(writeFrame({ tag: Frame.introduce, number, agent }));
    return number;
  }

  /** Somebody who was introduced has ended. */
  leave(number: number, inOrder: boolean): void {
    this.#channel.send(writeFrame({ tag: Frame.leave, number, inOrder }));
    this.#hold();
  }

  /**
   * Calls a method of an object. The body is copied before it returns.
   *
   * @param signal Asks for an early end. What counts is the answer, which comes all the same.
   * @param read Makes something of the bytes of the result, which hold during the call. By default it copies them.
   * @returns What was made of it.
   * @throws {ConnectionClosedError} If the link has ended, or ends before the answer.
   */
  call<T = Uint8Array>(
    agent: number,
    object: number,
    method: string,
    body: Uint8Array,
    signal?: AbortSignal,
    read: (body: Uint8Array) => T = copyOfBody as (body: Uint8Array) => T,
  ): Promise<T> {
    if (this.#closedBy !== undefined) return Promise.reject(this.#closedBy);
    const id = ++this.#lastCall;
    const frame = { tag: Frame.call, id, agent, object, method, body } as const;
    try {
      this.#channel.send(writeFrame(frame), undefined, undefined, body);
    } catch (error) {
      return Promise.reject(error);
    }
    holdProgram();
    return new Promise<T>((resolve, reject) => {
      const onAbort = () => {
        this.#channel.send(writeFrame({ tag: Frame.cancel, id }));
      };
      const end = () => {
        this.#calls.delete(id);
        signal?.removeEventListener("abort", onAbort);
        releaseProgram();
        this.#review();
      };
      this.#calls.set(id, {
        resolve: (bytes) => {
          end();
          try {
            resolve(read(bytes));
          } catch (error) {
            reject(error);
          }
        },
        reject: (error) => {
          end();
          reject(error);
        },
      });
      if (signal?.aborted) onAbort();
      else signal?.addEventListener("abort", onAbort);
    });
  }

  /** Calls a method of which nobody wants the result: it does not keep the program, but the link stays until the answer. */
  ask(agent: number, object: number, method: string, body: Uint8Array): void {
    const id = ++this.#lastCall;
    const frame = { tag: Frame.call, id, agent, object, method, body } as const;
    this.#channel.send(writeFrame(frame), undefined, undefined, body);
    const end = () => {
      this.#calls.delete(id);
      this.#review();
    };
    this.#calls.set(id, { resolve: end, reject: end });
    this.#hold();
  }

  /** Calls a method without an answer; where the link has ended it goes nowhere. */
  cast(agent: number, object: number, method: string, body: Uint8Array): void {
    const frame = { tag: Frame.cast, agent, object, method, body } as const;
    this.#channel.send(writeFrame(frame), undefined, undefined, body);
    this.#hold();
  }

  /** Hears what an object tells those who hold it. The body holds during the call. */
  subscribe(object: number, onPush: (body: Uint8Array) => void): void {
    this.#subscribers.set(object, onPush);
  }

  /** Stops to hear it. */
  unsubscribe(object: number): void {
    this.#subscribers.delete(object);
  }

  /** Somebody has an object of the station: the link stays. */
  retain(): void {
    this.#users++;
    this.#wasUsed = true;
  }

  /** Undoes one `retain()`. A link that nobody uses any more ends. */
  unretain(): void {
    this.#users--;
    this.#review();
  }

  /** Resolves when what was sent is where the station finds it, whatever becomes of this side. */
  flush(): Promise<void> {
    return this.#channel.flush();
  }

  /** True where all of it is. */
  get isQuiet(): boolean {
    return this.#channel.isQuiet;
  }

  /** Ends the link, once what was sent has left. Pending calls fail. */
  close(): void {
    leaving.add(this);
    this.#channel.ended.then(() => leaving.delete(this));
    this.#channel.close();
    this.#end(undefined);
  }

  async #connect(address: StationAddress): Promise<void> {
    // Whoever uses the link holds the program meanwhile, by a call or a cast.
    const { socket } = address;
    let pause = FIRST_PAUSE;
    let waited = 0;
    let patience = 0;
    while (!this.isClosed) {
      try {
        await this.#meet(address);
        return;
      } catch (error) {
        // Each reason has its own time: a station that has come up at last is
        // refused for a moment too.
        const before = patience;
        patience = patienceFor(error, socket);
        if (patience !== before) {
          pause = FIRST_PAUSE;
          waited = 0;
        }
        if (waited > patience || !exists(socket)) {
          this.#channel.fail(error);
          return;
        }
      }
      await this.#rest(pause);
      waited += pause;
      pause = Math.min(pause * 1.5, MAX_PAUSE);
    }
  }

  /** Pauses before the next try, unless the link ends meanwhile. */
  #rest(pause: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = afterUnheld(pause, resolve);
      this.#endRest = () => {
        cancel();
        resolve();
      };
    });
  }

  async #meet({ socket, key }: StationAddress): Promise<void> {
    const conn = await connectAuthenticated(socket, key);
    conn.unref();
    let rings: LinkRings | undefined;
    try {
      rings = await takeLinkRings(conn);
    } catch (error) {
      closeQuietly(conn);
      throw error;
    }
    this.#rings = rings;
    this.#channel.attach(conn, rings);
    if (this.isClosed) rings?.release();
    this.#review();
  }

  #handle(bytes: Uint8Array): void {
    const frame = readFrame(bytes);
    switch (frame.tag) {
      case Frame.answer:
        this.#calls.get(frame.id)?.resolve(frame.body);
        break;
      case Frame.failed:
        this.#calls.get(frame.id)?.reject(unpackError(frame.body));
        break;
      case Frame.push:
        this.#subscribers.get(frame.object)?.(frame.body);
        break;
      default:
        this.#channel.fail(
          new ConnectionClosedError("Cannot read a frame: not of a station"),
        );
    }
  }

  /** Keeps the program until what was sent has left. */
  async #hold(): Promise<void> {
    if (this.#isFlushing || this.#closedBy !== undefined) return;
    this.#isFlushing = true;
    holdProgram();
    await this.#channel.flush();
    this.#isFlushing = false;
    releaseProgram();
  }

  /** Ends the link where nobody uses it. */
  #review(): void {
    // What was sent while it connected is the station's to know: a reference that
    // was read and let go of at once is a pin there until then.
    if (
      this.#users === 0 && this.#wasUsed && this.#calls.size === 0 &&
      this.#channel.isConnected
    ) this.close();
  }

  #end(cause: unknown): void {
    if (this.#closedBy !== undefined) return;
    const error = ownerGone(cause);
    this.#closedBy = error;
    if (links.get(this.#name) === this) links.delete(this.#name);
    for (const call of [...this.#calls.values()]) call.reject(error);
    this.#closing.resolve();
    this.#rings?.release();
    this.#endRest();
    workerEnded();
  }
}

function copyOfBody(body: Uint8Array): Uint8Array {
  return body.slice();
}

/** What whoever uses an object is told whose owner is gone. */
export function ownerGone(cause?: unknown): ConnectionClosedError {
  return new ConnectionClosedError(
    "Cannot use an object of another process: its owner is gone",
    cause === undefined ? {} : { cause },
  );
}

/** Removes the socket of an owner that was killed. */
async function sweep(socket: StationAddress["socket"]): Promise<void> {
  if (socket.transport !== "unix") return;
  holdProgram();
  try {
    (await connectTo(socket)).close();
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) {
      removeSocket(socket.path);
    }
  } finally {
    releaseProgram();
  }
}

/** How long it is tried again after an error, in ms: less than 0 where it is not. */
function patienceFor(
  error: unknown,
  { transport }: StationAddress["socket"],
): number {
  // The station may be a thread that is coming up.
  if (error instanceof Deno.errors.NotFound) return PATIENCE;
  // A file is there in the moment before its owner listens, or after its end.
  if (error instanceof Deno.errors.ConnectionRefused) {
    return transport === "unix" ? BIND_TIME : PATIENCE;
  }
  return wasUnheard(error) ? PATIENCE : -1;
}

/**
 * True where somebody listens there who has not heard this side out: the other one
 * was busy, or hears too many at a time; or this thread was busy for so long that
 * the other one has given it up.
 */
function wasUnheard(error: unknown): boolean {
  return error instanceof HandshakeError
    ? error.isCut
    : error instanceof TimeoutError || isDisconnection(error) ||
      error instanceof Deno.errors.WouldBlock;
}

/** False where the directory of a socket is gone, and its station with it. */
function exists(socket: StationAddress["socket"]): boolean {
  if (socket.transport !== "unix") return true;
  try {
    Deno.lstatSync(socket.path.slice(0, socket.path.lastIndexOf("/")));
    return true;
  } catch {
    return false;
  }
}

beforeExit(async () => {
  await Promise.all(
    [...links.values(), ...leaving].map((link) => link.flush()),
  );
});
// A thread may end as soon as its call is answered, before a link has connected.
beforeAnswer(() => {
  let pending: Promise<void>[] | undefined;
  for (const link of links.values()) {
    if (!link.isQuiet) (pending ??= []).push(link.flush());
  }
  return pending && Promise.all(pending).then(() => {});
});
