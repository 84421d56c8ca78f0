// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Where other programs connect.
 *
 * @module
 */

import {
  checkWait,
  heard,
  type WaitOptions,
} from "../_internal/base/deadline.ts";
import { InvalidStateError } from "../_internal/base/errors.ts";
import {
  checkObject,
  describe,
  integerOption,
} from "../_internal/base/validation.ts";
import { AuthenticatedListener } from "../_internal/wire/authenticated_listener.ts";
import {
  createKey,
  type SocketTransport,
} from "../_internal/wire/handshake.ts";
import { SocketEnd } from "../_internal/wire/socket_end.ts";
import {
  formatAddress,
  formatHost,
  parseAddress,
  parseKey,
} from "./_address.ts";
import { home, over } from "./_connection_ends.ts";
import { registerWaitable } from "./_waitable.ts";
import { Connection } from "./connection.ts";

const LISTEN = "listen";
const ACCEPT = "accept a connection";
/** How many connections may wait, unless the user says otherwise. */
const DEFAULT_BACKLOG = 128;

/** How a {@linkcode Listener} listens. */
export interface ListenerOptions {
  /**
   * Where: a path for a Unix socket (one that begins with a NUL byte is an abstract
   * name, which Linux has), `"host:port"` or `{ hostname, port }`; port 0 takes any
   * that is free.
   *
   * @default {undefined} a Unix socket in a fresh directory, or a free port of 127.0.0.1
   */
  address?:
    | string
    | { hostname?: string | undefined; port: number }
    | undefined;
  /**
   * The kind of socket where no address is given: `"unix"` or `"tcp"`.
   *
   * @default {undefined} what platform and permissions allow, Unix sockets first
   */
  family?: "unix" | "tcp" | undefined;
  /**
   * The secret that both sides have to know, of any length.
   *
   * @default {undefined} a random one, see {@linkcode Listener.authKey}
   */
  authKey?: string | Uint8Array | undefined;
  /**
   * How many connections may wait for `accept()`; those that come then are closed.
   *
   * @default {128}
   */
  backlog?: number | undefined;
}

/** Somebody who waits for a connection. */
interface Acceptor {
  connection: Connection | undefined;
  wake: () => void;
}

/**
 * Where other programs connect: Python's `multiprocessing.connection.Listener`.
 *
 * - **Authentication:** both sides prove that they know the key, by HMAC-SHA256 over fresh random numbers; it is never sent. Who does not know it is disconnected, after 3 s at the latest, and holds up nobody; `accept()` goes on to wait.
 * - **Trust:** who knows the key can send functions, which run here when they are called: it is a password for this program.
 * - **Life:** a waiting `accept()` keeps the program alive, an idle listener does not.
 *
 * Nothing that is sent is encrypted. On a network that is not yours, tunnel it.
 *
 * @example Usage
 * ```ts
 * import { connectClient, Listener } from "@concurrent/parallel/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * using listener = new Listener({ authKey: "sesame" });
 * const { address } = listener;
 * const [ours, theirs] = await Promise.all([
 *   listener.accept(),
 *   connectClient({ address, authKey: "sesame" }),
 * ]);
 * await theirs.send("hello");
 *
 * assertEquals(await ours.recv(), "hello");
 * ours.close();
 * theirs.close();
 * ```
 */
export class Listener implements AsyncIterable<Connection>, Disposable {
  readonly #listener: AuthenticatedListener;
  readonly #authKey: Uint8Array<ArrayBuffer>;
  readonly #backlog: number;
  readonly #waiting: Connection[] = [];
  readonly #from = new WeakMap<Connection, string>();
  readonly #acceptors = new Set<Acceptor>();
  readonly #watchers = new Set<() => void>();
  #lastAccepted: string | undefined;
  /** Why nobody can be accepted any more; undefined while somebody can. */
  #closedBy: Error | undefined;

  /**
   * Starts to listen.
   *
   * @param options Where, and with which key.
   * @throws {TypeError} If an option is of the wrong type.
   * @throws {RangeError} If the family is unknown, or not that of the address.
   * @throws {Deno.errors.AddrInUse} If somebody listens there already.
   * @throws {NotSupportedError} If a permission is missing.
   */
  constructor(options: ListenerOptions = {}) {
    checkObject(LISTEN, "options", options);
    const address = options.address === undefined
      ? undefined
      : parseAddress(LISTEN, options.address);
    const transport = checkFamily(options.family, address?.transport);
    this.#backlog = integerOption(
      LISTEN,
      "backlog",
      options.backlog,
      DEFAULT_BACKLOG,
      1,
    );
    this.#authKey = options.authKey === undefined
      ? createKey()
      : parseKey(LISTEN, options.authKey);
    this.#listener = new AuthenticatedListener({
      key: this.#authKey,
      transport,
      address,
      onConnection: (conn) => this.#take(conn),
      onError: (error) => this.#end(error as Error),
    });
    registerWaitable(this, {
      isReady: () => this.#waiting.length > 0 || this.#closedBy !== undefined,
      watch: (wake) => {
        this.#watchers.add(wake);
        this.#listener.ref();
        return () => {
          this.#watchers.delete(wake);
          this.#review();
        };
      },
    });
  }

  /**
   * Waits for somebody who knows the key.
   *
   * @param options How long to wait.
   * @returns The connection.
   * @throws {TimeoutError} If the timeout has passed.
   * @throws {InvalidStateError} If the listener was closed, before or meanwhile.
   * @throws {RangeError} If the timeout is negative or NaN.
   */
  async accept<R = unknown, S = R>(
    options: WaitOptions = {},
  ): Promise<Connection<R, S>> {
    checkWait(ACCEPT, options);
    options.signal?.throwIfAborted();
    if (this.#closedBy !== undefined) throw this.#closedBy;
    let connection = this.#waiting.shift();
    if (connection === undefined) {
      connection = await this.#wait(options);
    }
    this.#lastAccepted = this.#from.get(connection);
    return connection as unknown as Connection<R, S>;
  }

  /**
   * Stops to listen. Who waits for a connection is told so, and connections that
   * nobody has accepted are closed; the others go on. Closing it twice does nothing.
   */
  close(): void {
    this.#end(
      new InvalidStateError(`Cannot ${ACCEPT}: the listener is closed`),
    );
    this.#listener.close();
  }

  /**
   * Where the listener listens, as `connectClient()` takes it: a path or
   * `"host:port"`.
   *
   * @returns The address.
   */
  get address(): string {
    return formatAddress(this.#listener.address);
  }

  /**
   * The key that both sides have to know.
   *
   * @returns A copy of it.
   */
  get authKey(): Uint8Array {
    return this.#authKey.slice();
  }

  /**
   * Where the last connection that was accepted comes from.
   *
   * @returns `"host:port"`, or `""` over a Unix socket; undefined before the first.
   */
  get lastAccepted(): string | undefined {
    return this.#lastAccepted;
  }

  /**
   * Accepts connections until the listener is closed.
   *
   * @returns The iterator.
   */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<Connection> {
    for (;;) {
      let connection: Connection;
      try {
        connection = await this.accept();
      } catch (error) {
        if (error === this.#closedBy && error instanceof InvalidStateError) {
          return;
        }
        throw error;
      }
      yield connection;
    }
  }

  /** Closes the listener. */
  [Symbol.dispose](): void {
    this.close();
  }

  async #wait(options: WaitOptions): Promise<Connection> {
    const acceptor: Acceptor = { connection: undefined, wake: () => {} };
    try {
      await heard(ACCEPT, (wake) => {
        acceptor.wake = wake;
        this.#acceptors.add(acceptor);
        this.#listener.ref();
        return () => this.#leave(acceptor);
      }, options);
    } catch (error) {
      // It came in the very moment of the abort.
      const { connection } = acceptor;
      if (connection !== undefined) this.#waiting.unshift(connection);
      throw error;
    }
    if (acceptor.connection === undefined) throw this.#closedBy!;
    return acceptor.connection;
  }

  #leave(acceptor: Acceptor): void {
    this.#acceptors.delete(acceptor);
    this.#review();
  }

  #review(): void {
    if (this.#acceptors.size + this.#watchers.size === 0) {
      this.#listener.unref();
    }
  }

  #wakeWatchers(): void {
    for (const wake of [...this.#watchers]) wake();
  }

  #take(conn: Deno.Conn): void {
    const [acceptor] = this.#acceptors;
    if (acceptor === undefined && this.#waiting.length >= this.#backlog) {
      conn.close();
      return;
    }
    const connection = over(Connection, home(new SocketEnd(conn)));
    this.#from.set(connection, originOf(conn.remoteAddr));
    if (acceptor === undefined) {
      this.#waiting.push(connection);
      this.#wakeWatchers();
    } else {
      this.#leave(acceptor);
      acceptor.connection = connection;
      acceptor.wake();
    }
  }

  #end(error: Error): void {
    if (this.#closedBy !== undefined) return;
    this.#closedBy = error;
    for (const connection of this.#waiting.splice(0)) connection.close();
    for (const acceptor of [...this.#acceptors]) {
      this.#leave(acceptor);
      acceptor.wake();
    }
    this.#wakeWatchers();
  }
}

function checkFamily(
  family: string | undefined,
  given: SocketTransport | undefined,
): SocketTransport | undefined {
  if (family === undefined) return undefined;
  if (family !== "unix" && family !== "tcp") {
    throw new RangeError(
      `Cannot ${LISTEN} as 'family' must be "unix" or "tcp": current value is ${
        describe(family)
      }`,
    );
  }
  if (given !== undefined && given !== family) {
    throw new RangeError(
      `Cannot ${LISTEN} as 'family' must be that of the address, "${given}": current value is "${family}"`,
    );
  }
  return family;
}

function originOf(address: Deno.Addr): string {
  return address.transport === "tcp"
    ? formatHost(address.hostname, address.port)
    : "";
}
