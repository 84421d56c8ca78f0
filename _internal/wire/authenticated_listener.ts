// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Where connections come in whose other end has proved that it knows the key.
//
//   1. Listen: on a Unix socket in a fresh directory that only this user can
//      enter, on the TCP loopback where there are no Unix sockets, or where the
//      caller says.
//   2. Hear everybody who connects (handshake.ts), each for itself and with a
//      deadline of its own: one slow stranger does not hold up the others.
//      Beyond PENDING_LIMIT the oldest goes: the right one needs a few ms only.
//   3. Who has the key is handed over; who has not is disconnected.
//   4. close(): nobody is heard any more, and socket and directory are removed,
//      at the program's end too. Only a kill leaves them behind.

import { NotSupportedError } from "../base/errors.ts";
import { threadEndTasks } from "../base/registry.ts";
import { socketPlace } from "../base/registry.ts";
import {
  acceptHandshake,
  closeQuietly,
  HandshakeError,
  type HandshakeSocket,
  LOOPBACK,
  type SocketAddress,
  type SocketTransport,
} from "./handshake.ts";
import { listenAt, makeDirectory, removeDirectory } from "./socket_place.ts";

/** Connections that are heard out at a time. */
const PENDING_LIMIT = 32;
/** How long to wait where the program has no descriptor left for a connection, in ms. */
const EXHAUSTED_PAUSE = 50;
/** The longest name of a Unix socket that every platform takes, in bytes. */
const MAX_PATH = 103;
/** Names of sockets that begin so are in no directory: the kernel forgets them with their program. */
const ABSTRACT = "\0";

const encoder = new TextEncoder();

/** Options for {@linkcode AuthenticatedListener}. */
export interface AuthenticatedListenerOptions {
  /** What both ends know; of any length. */
  key: Uint8Array<ArrayBuffer>;
  /** The kind of socket; by default what platform and permissions allow. */
  transport?: SocketTransport | undefined;
  /** Where to listen; by default at a place of its own. */
  address?: SocketAddress | undefined;
  /**
   * Milliseconds for which each connection is heard out.
   *
   * @default {20_000}
   */
  hearing?: number | undefined;
  /** Takes a connection whose other end has proved itself. */
  onConnection: (conn: Deno.Conn) => void;
  /** Is told of one that has not, and of what is wrong with it. */
  onRefused?: ((error: unknown) => void) | undefined;
  /** Is told where nobody can connect any more; the listener has closed then. */
  onError?: ((error: unknown) => void) | undefined;
}

/**
 * Listens from the start, and keeps the program alive only after `ref()`.
 *
 * ```text
 * state      meaning                         leaves by
 * listening  whoever connects is heard       close(), an error of the socket -> closed
 * closed     socket and directory are gone   never
 * ```
 */
export class AuthenticatedListener implements Disposable {
  readonly address: SocketAddress;
  readonly #options: AuthenticatedListenerOptions;
  readonly #listener: Deno.Listener;
  /** What to remove: the directory, or the socket that the caller wanted. */
  readonly #place: string | undefined;
  readonly #pending = new Set<HandshakeSocket>();
  #state: "listening" | "closed" = "listening";

  /**
   * Starts to listen.
   *
   * @throws {NotSupportedError} If a permission is missing.
   */
  constructor(options: AuthenticatedListenerOptions) {
    this.#options = options;
    let { address } = options;
    try {
      if (address === undefined) {
        const [own, directory] = ownAddress(options.transport);
        address = own;
        this.#place = directory;
      }
      this.#listener = listen(address);
    } catch (error) {
      releaseDirectory(this.#place);
      throw error instanceof Deno.errors.NotCapable
        ? missingPermission(address?.transport ?? "unix", error)
        : error;
    }
    if (address.transport === "tcp") {
      const { port } = this.#listener.addr as Deno.NetAddr;
      address = { ...address, port };
    } else if (
      this.#place === undefined && !address.path.startsWith(ABSTRACT)
    ) {
      this.#place = noted(address.path);
    }
    this.address = address;
    this.unref();
    void this.#listen();
  }

  /** Stops to listen. Those that are being heard are disconnected. */
  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#listener.close();
    releaseDirectory(this.#place);
    for (const socket of this.#pending) closeQuietly(socket);
    this.#pending.clear();
  }

  /** Lets the listener keep the program alive. */
  ref(): void {
    if (this.#state === "listening") this.#listener.ref();
  }

  /** Lets the program end although somebody might connect. This is the default. */
  unref(): void {
    if (this.#state === "listening") this.#listener.unref();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #listen(): Promise<void> {
    while (this.#state === "listening") {
      let conn: Deno.Conn;
      try {
        conn = await this.#listener.accept();
      } catch (error) {
        if (this.#state !== "listening") return;
        // One connection that went away before it was taken is its own matter.
        if (error instanceof Deno.errors.ConnectionAborted) continue;
        if (isExhausted(error)) {
          await new Promise((resolve) => setTimeout(resolve, EXHAUSTED_PAUSE));
          continue;
        }
        this.close();
        this.#options.onError?.(error);
        return;
      }
      if (this.#pending.size >= PENDING_LIMIT) {
        const [oldest] = this.#pending;
        this.#pending.delete(oldest!);
        closeQuietly(oldest!);
      }
      this.#pending.add(conn);
      void this.#hear(conn);
    }
  }

  async #hear(conn: Deno.Conn): Promise<void> {
    const { key, hearing, onConnection, onRefused } = this.#options;
    try {
      if (this.address.transport === "tcp") {
        (conn as Deno.TcpConn).setNoDelay(true);
      }
      await acceptHandshake(conn, key, { deadline: hearing });
    } catch (error) {
      // A stranger. It was disconnected, and the right one may still come.
      this.#pending.delete(conn);
      if (this.#state === "listening") onRefused?.(error);
      return;
    }
    // Dropped or closed while its last bytes were on their way.
    if (this.#pending.delete(conn)) return onConnection(conn);
    closeQuietly(conn);
    if (this.#state === "listening") {
      onRefused?.(
        new HandshakeError("Cannot finish handshake: too many at a time"),
      );
    }
  }
}

/** A place to listen at, for a thread that is about to. */
export interface ClaimedAddress {
  readonly address: SocketAddress;
  /** Removes what is left of it. */
  release(): void;
}

/**
 * Makes a place of our own, before anybody listens there.
 *
 * @throws {NotSupportedError} If a permission is missing.
 */
export function claimAddress(transport?: SocketTransport): ClaimedAddress {
  try {
    const [address, directory] = ownAddress(transport);
    if (address.transport === "unix") {
      return { address, release: () => releaseDirectory(directory) };
    }
    // The system finds a free port; nobody else is given it at once again.
    using listener = Deno.listen({ hostname: LOOPBACK, port: 0 });
    const { port } = listener.addr;
    return { address: { transport: "tcp", port }, release() {} };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    throw missingPermission(transport ?? "unix", error);
  }
}

/** A place of our own, and the directory that it lies in. */
function ownAddress(
  wanted: SocketTransport | undefined,
): readonly [SocketAddress, directory?: string] {
  const transport = wanted ?? defaultTransport();
  if (transport === "unix") {
    const directory = claimDirectory();
    const path = `${directory}/s`;
    if (wanted !== undefined || isUsable(path)) {
      return [{ transport, path }, directory];
    }
    releaseDirectory(directory);
  }
  return [{ transport: "tcp", port: 0 }];
}

function listen(address: SocketAddress): Deno.Listener {
  if (address.transport === "unix") {
    return listenAt(address.path);
  }
  const { hostname = LOOPBACK, port } = address;
  return Deno.listen({ hostname, port });
}

function missingPermission(
  transport: SocketTransport,
  cause: unknown,
): NotSupportedError {
  const flags = transport === "unix"
    ? "--allow-read, --allow-write and --allow-net"
    : `--allow-net=${LOOPBACK}`;
  return new NotSupportedError(
    `Cannot listen for other processes without ${flags}`,
    { cause },
  );
}

/** Unix sockets where the platform and the permissions allow them: they are faster, and only this user can connect. */
function defaultTransport(): SocketTransport {
  if (Deno.build.os === "windows") return "tcp";
  const names = ["read", "write", "net"] as const;
  const isAllowed = names.every((name) =>
    Deno.permissions.querySync({ name }).state === "granted"
  );
  return isAllowed || socketPlace() !== undefined || !isLoopbackAllowed()
    ? "unix"
    : "tcp";
}

/** Whether the platforms take it as a socket's name, and a permission flag as an item of its list. */
function isUsable(path: string): boolean {
  return encoder.encode(path).length <= MAX_PATH && !path.includes(",");
}

function isLoopbackAllowed(): boolean {
  const descriptor = { name: "net", host: LOOPBACK } as const;
  return Deno.permissions.querySync(descriptor).state === "granted";
}

function isExhausted(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === "EMFILE" || code === "ENFILE";
}

// What exists now. A program or thread that ends meanwhile removes it on its way out.
const places = new Set<string>();

/** Makes a directory that only this user can enter. The program removes it at its end at the latest. */
export function claimDirectory(): string {
  return noted(makeDirectory());
}

function noted(place: string): string {
  if (places.size === 0) {
    addEventListener("unload", removeAll);
    threadEndTasks.add(removeAll);
  }
  places.add(place);
  return place;
}

/** Removes it, where there is one. */
export function releaseDirectory(place: string | undefined): void {
  if (place === undefined || !places.delete(place)) return;
  if (places.size === 0) {
    removeEventListener("unload", removeAll);
    threadEndTasks.delete(removeAll);
  }
  removeDirectory(place);
}

function removeAll(): void {
  for (const place of [...places]) releaseDirectory(place);
}
