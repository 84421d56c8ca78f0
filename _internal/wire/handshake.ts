// Copyright 2026 the @concurrent/parallel authors. MIT license.

// How a parent and its child process find and prove each other.
//
//   1. The parent makes a key of 256 random bits and listens: on a Unix socket
//      in a fresh directory that only its user can enter, or on the TCP
//      loopback where there are no Unix sockets.
//   2. It writes address and key to the child's stdin: arguments and the
//      environment can be read by other programs.
//   3. guest -> host   magic (8), guest nonce (32)
//   4. host  -> guest  host nonce (32), HMAC(key, HOST_ROLE, guest nonce, host nonce) (32)
//   5. guest -> host   HMAC(key, GUEST_ROLE, guest nonce, host nonce) (32)
//   6. The parent stops to listen and removes the directory.
//
// The role is part of what is signed, so an answer cannot be reflected. All
// sizes are fixed, so nothing behind the handshake is ever read with it. Who
// fails is disconnected and learns nothing; the host goes on to wait for the
// right guest. One slow stranger does not hold up the others: every connection
// has its own run and its own deadline, and beyond PENDING_LIMIT the oldest goes.

import {
  NotSupportedError,
  ParallelError,
  TimeoutError,
} from "../base/errors.ts";

/** How long the host waits for its guest, in ms. */
export const HOST_DEADLINE = 10_000;
/**
 * How long the guest waits for the host's answer, in ms. Longer than the
 * host's: a host that is busy in a synchronous loop cannot answer, and one that
 * is gone ends the connection.
 */
export const GUEST_DEADLINE = 60_000;
/** How long the host hears one connection out, in ms. */
const CONNECTION_DEADLINE = 3_000;
/** Connections that the host hears out at a time. */
const PENDING_LIMIT = 32;
/** In how many steps a deadline passes, see {@linkcode startDeadline}. */
const DEADLINE_STEPS = 20;

/** Bytes of a key. */
export const KEY_SIZE = 32;
const NONCE_SIZE = 32;
const MAC_SIZE = 32;
/** The longest name of a Unix socket that every platform takes, in bytes. */
const MAX_PATH = 103;
const DIRECTORY_PREFIX = "concurrent-parallel-";

const encoder = new TextEncoder();
const MAGIC = encoder.encode("cpar/1\r\n");
const HOST_ROLE = encoder.encode("concurrent-parallel/1 host ");
const GUEST_ROLE = encoder.encode("concurrent-parallel/1 guest");

/** What the handshake needs of a `Deno.Conn`. */
export interface HandshakeSocket {
  read(bytes: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

/** Options of both sides of a handshake. */
export interface HandshakeOptions {
  /** Milliseconds after which the connection is closed. */
  deadline?: number;
}

/** Where a parent listens. */
export type RendezvousAddress =
  | { readonly transport: "unix"; readonly path: string }
  | { readonly transport: "tcp"; readonly port: number };

/** The sockets that a rendezvous can use. */
export type RendezvousTransport = RendezvousAddress["transport"];

/** The other end of a connection is not who it should be. */
export class HandshakeError extends ParallelError {}

/** Makes a key for one child. */
export function createKey(): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(KEY_SIZE));
}

/**
 * The host's side. Closes the socket where it throws.
 *
 * @throws {HandshakeError} If the other end does not have the key.
 * @throws {TimeoutError} If it takes longer than the deadline.
 */
export function acceptHandshake(
  socket: HandshakeSocket,
  key: Uint8Array<ArrayBuffer>,
  { deadline = CONNECTION_DEADLINE }: HandshakeOptions = {},
): Promise<void> {
  return guarded(socket, deadline, async () => {
    const hello = await readExactly(socket, MAGIC.length + NONCE_SIZE);
    if (!isEqual(hello.subarray(0, MAGIC.length), MAGIC)) throw mismatch();
    const guestNonce = hello.subarray(MAGIC.length);
    const hostNonce = crypto.getRandomValues(new Uint8Array(NONCE_SIZE));
    const signer = await importKey(key);
    const proof = await sign(signer, HOST_ROLE, guestNonce, hostNonce);
    const expected = await sign(signer, GUEST_ROLE, guestNonce, hostNonce);
    await writeAll(socket, concat(hostNonce, proof));
    if (!isEqual(await readExactly(socket, MAC_SIZE), expected)) {
      throw mismatch();
    }
  });
}

/**
 * The guest's side. Closes the socket where it throws.
 *
 * @throws {HandshakeError} If the other end does not have the key.
 * @throws {TimeoutError} If it takes longer than the deadline.
 */
export function offerHandshake(
  socket: HandshakeSocket,
  key: Uint8Array<ArrayBuffer>,
  { deadline = GUEST_DEADLINE }: HandshakeOptions = {},
): Promise<void> {
  return guarded(socket, deadline, async () => {
    const guestNonce = crypto.getRandomValues(new Uint8Array(NONCE_SIZE));
    await writeAll(socket, concat(MAGIC, guestNonce));
    const signer = await importKey(key);
    const answer = await readExactly(socket, NONCE_SIZE + MAC_SIZE);
    const hostNonce = answer.subarray(0, NONCE_SIZE);
    const expected = await sign(signer, HOST_ROLE, guestNonce, hostNonce);
    if (!isEqual(answer.subarray(NONCE_SIZE), expected)) throw mismatch();
    await writeAll(
      socket,
      await sign(signer, GUEST_ROLE, guestNonce, hostNonce),
    );
  });
}

/** Connects to where a parent listens. */
export async function connectTo(
  address: RendezvousAddress,
): Promise<Deno.Conn> {
  if (address.transport === "unix") {
    return await Deno.connect({ transport: "unix", path: address.path });
  }
  const conn = await Deno.connect({
    hostname: LOOPBACK,
    port: address.port,
  });
  conn.setNoDelay(true);
  return conn;
}

/**
 * The place where one child meets its parent.
 *
 * ```text
 * state      meaning                         leaves by
 * listening  strangers are turned away       the right guest, deadline, close() -> closed
 * closed     socket and directory are gone   never
 * ```
 */
export class Rendezvous implements Disposable {
  readonly address: RendezvousAddress;
  readonly #key: Uint8Array<ArrayBuffer>;
  readonly #listener: Deno.Listener;
  readonly #directory: string | undefined;
  readonly #pending = new Set<HandshakeSocket>();
  readonly #result = Promise.withResolvers<Deno.Conn>();
  #state: "listening" | "closed" = "listening";

  /**
   * Starts to listen.
   *
   * @throws {NotSupportedError} If a permission is missing.
   */
  constructor(
    key: Uint8Array<ArrayBuffer>,
    options: { transport?: RendezvousTransport | undefined } = {},
  ) {
    this.#key = key;
    let transport = options.transport ?? defaultTransport();
    // Closing before accept() is no failure that anybody has to handle.
    this.#result.promise.catch(() => {});
    try {
      let path = "";
      if (transport === "unix") {
        this.#directory = createDirectory();
        path = `${this.#directory}/s`;
        if (options.transport === undefined && !isUsable(path)) {
          removeDirectory(this.#directory);
          transport = "tcp";
        }
      }
      if (transport === "unix") {
        this.#listener = Deno.listen({ transport, path });
        this.address = { transport, path };
      } else {
        const listener = Deno.listen({ hostname: LOOPBACK, port: 0 });
        this.#listener = listener;
        this.address = { transport, port: listener.addr.port };
      }
    } catch (error) {
      removeDirectory(this.#directory);
      if (!(error instanceof Deno.errors.NotCapable)) throw error;
      const flags = transport === "unix"
        ? "--allow-read, --allow-write and --allow-net"
        : `--allow-net=${LOOPBACK}`;
      throw new NotSupportedError(
        `Cannot listen for a child process without ${flags}`,
        { cause: error },
      );
    }
  }

  /**
   * Waits for the guest that has the key. Whatever the outcome, nothing listens afterwards.
   *
   * @throws {TimeoutError} If it does not come before the deadline.
   * @throws {HandshakeError} If `close()` is called meanwhile.
   */
  async accept(
    { deadline = HOST_DEADLINE }: HandshakeOptions = {},
  ): Promise<Deno.Conn> {
    const stop = startDeadline(deadline, () => {
      this.#result.reject(
        new TimeoutError(
          `Cannot meet the child process: it has not connected within ${deadline} ms`,
        ),
      );
    });
    void this.#listen();
    try {
      return await this.#result.promise;
    } finally {
      stop();
      this.close();
    }
  }

  /** Stops to listen and removes the directory. */
  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#result.reject(
      new HandshakeError("Cannot meet the child process: closed"),
    );
    this.#listener.close();
    removeDirectory(this.#directory);
    for (const socket of this.#pending) closeQuietly(socket);
    this.#pending.clear();
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
        // One connection that went away before it was taken is its own matter.
        if (error instanceof Deno.errors.ConnectionAborted) continue;
        this.#result.reject(error);
        return;
      }
      if (this.#pending.size >= PENDING_LIMIT) {
        // The oldest, not the newest: the right guest needs a few ms only.
        const [oldest] = this.#pending;
        this.#pending.delete(oldest!);
        closeQuietly(oldest!);
      }
      this.#pending.add(conn);
      void this.#hear(conn);
    }
  }

  async #hear(conn: Deno.Conn): Promise<void> {
    try {
      if (this.address.transport === "tcp") {
        (conn as Deno.TcpConn).setNoDelay(true);
      }
      await acceptHandshake(conn, this.#key);
    } catch {
      // A stranger. It was disconnected, and the right guest may still come.
      this.#pending.delete(conn);
      return;
    }
    // Dropped or closed while its last bytes were on their way.
    if (!this.#pending.delete(conn)) closeQuietly(conn);
    else this.#result.resolve(conn);
  }
}

const LOOPBACK = "127.0.0.1";

/** Unix sockets where the platform and the permissions allow them: they are faster, and only this user can connect. */
function defaultTransport(): RendezvousTransport {
  if (Deno.build.os === "windows") return "tcp";
  const names = ["read", "write", "net"] as const;
  const isAllowed = names.every((name) =>
    Deno.permissions.querySync({ name }).state === "granted"
  );
  return isAllowed || !isLoopbackAllowed() ? "unix" : "tcp";
}

/** Whether the platforms take it as a socket's name, and a permission flag as an item of its list. */
function isUsable(path: string): boolean {
  return encoder.encode(path).length <= MAX_PATH && !path.includes(",");
}

function isLoopbackAllowed(): boolean {
  const descriptor = { name: "net", host: LOOPBACK } as const;
  return Deno.permissions.querySync(descriptor).state === "granted";
}

// Directories that exist now. A program that ends while one does removes it on
// its way out; only a kill within these few milliseconds leaves one behind.
const directories = new Set<string>();

function createDirectory(): string {
  const directory = Deno.makeTempDirSync({ prefix: DIRECTORY_PREFIX });
  if (directories.size === 0) {
    addEventListener("unload", removeAllDirectories);
  }
  directories.add(directory);
  return directory;
}

function removeDirectory(directory: string | undefined): void {
  if (directory === undefined || !directories.delete(directory)) return;
  if (directories.size === 0) {
    removeEventListener("unload", removeAllDirectories);
  }
  try {
    Deno.removeSync(directory, { recursive: true });
  } catch (error) {
    // A child that found its parent's socket dead removes it too.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function removeAllDirectories(): void {
  for (const directory of [...directories]) removeDirectory(directory);
}

/** Runs a handshake that closes its socket when it fails or takes too long. */
async function guarded(
  socket: HandshakeSocket,
  deadline: number,
  run: () => Promise<void>,
): Promise<void> {
  let timeout: TimeoutError | undefined;
  const stop = startDeadline(deadline, () => {
    timeout = new TimeoutError(
      `Cannot finish handshake within ${deadline} ms`,
    );
    closeQuietly(socket);
  });
  try {
    await run();
  } catch (error) {
    if (timeout !== undefined) throw timeout;
    closeQuietly(socket);
    throw error;
  } finally {
    stop();
  }
}

/**
 * A deadline that passes in steps: a program that was busy in a synchronous
 * loop for longer than the whole time has heard nobody, so that loop counts as
 * one step only.
 *
 * Without `setTimeout()`, whose first use in a program takes 5 ms: a child has
 * no other before its first task.
 */
function startDeadline(deadline: number, onExpire: () => void): () => void {
  let left = DEADLINE_STEPS;
  let timeout = nextStep();
  function nextStep(): AbortSignal {
    const signal = AbortSignal.timeout(deadline / DEADLINE_STEPS);
    signal.addEventListener("abort", onStep);
    return signal;
  }
  function onStep(): void {
    if (--left > 0) timeout = nextStep();
    else onExpire();
  }
  // Without a listener the timer does not keep the program alive.
  return () => timeout.removeEventListener("abort", onStep);
}

/**
 * Reads so many bytes.
 *
 * @throws {HandshakeError} If the other side ends before.
 */
export async function readExactly(
  socket: HandshakeSocket,
  size: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(size);
  let offset = 0;
  while (offset < size) {
    const count = await socket.read(bytes.subarray(offset));
    if (count === null) {
      throw new HandshakeError(
        "Cannot finish handshake: the other side has disconnected",
      );
    }
    offset += count;
  }
  return bytes;
}

/** Writes all of the bytes. */
export async function writeAll(
  socket: HandshakeSocket,
  bytes: Uint8Array,
): Promise<void> {
  let offset = 0;
  while (offset < bytes.length) {
    offset += await socket.write(bytes.subarray(offset));
  }
}

function importKey(key: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  return crypto.subtle.importKey("raw", key, algorithm, false, ["sign"]);
}

async function sign(
  signer: CryptoKey,
  ...parts: Uint8Array[]
): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(
    await crypto.subtle.sign("HMAC", signer, concat(...parts)),
  );
}

function concat(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** Compares in a time that does not depend on where the bytes differ. */
function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}

function mismatch(): HandshakeError {
  return new HandshakeError(
    "Cannot finish handshake: the other side does not have the key",
  );
}

function closeQuietly(socket: HandshakeSocket): void {
  try {
    socket.close();
  } catch {
    // Closed already, by its deadline or by the rendezvous.
  }
}
