// Copyright 2026 the @concurrent/parallel authors. MIT license.

// How the two ends of a connection prove each other. The host listens
// (authenticated_listener.ts), the guest connects, both have the key.
//
//   1. guest -> host   magic (8), guest nonce (32)
//   2. host  -> guest  host nonce (32), HMAC(key, HOST_ROLE, guest nonce, host nonce) (32)
//   3. guest -> host   HMAC(key, GUEST_ROLE, guest nonce, host nonce) (32)
//
// The role is part of what is signed, so an answer cannot be reflected, and both
// nonces are, so none can be used again. All sizes are fixed, so nothing behind
// the handshake is ever read with it. Who fails is disconnected and learns
// nothing. A guest cannot know whether its last proof was taken: what a host
// sends first tells, or the end of the connection.

import { ParallelError, TimeoutError } from "../base/errors.ts";
import { connectAt } from "./socket_place.ts";

/**
 * How long the guest waits for the host's answer, in ms. Longer than the
 * host's: a host that is busy in a synchronous loop cannot answer, and one that
 * is gone ends the connection.
 */
export const GUEST_DEADLINE = 60_000;
/**
 * How long the host hears one connection out, in ms: a guest may get no core for
 * seconds on a busy machine. Who says nothing is in nobody's way.
 */
const CONNECTION_DEADLINE = 20_000;
/** In how many steps a deadline passes, see {@linkcode startDeadline}. */
const DEADLINE_STEPS = 20;

/** Bytes of a key. */
export const KEY_SIZE = 32;
/** Where one program talks to itself or to its children. */
export const LOOPBACK = "127.0.0.1";
const NONCE_SIZE = 32;
const MAC_SIZE = 32;

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
  deadline?: number | undefined;
}

/** Where somebody listens. */
export type SocketAddress =
  | { readonly transport: "unix"; readonly path: string }
  | {
    readonly transport: "tcp";
    /**
     * The name or address of the machine.
     *
     * @default {"127.0.0.1"}
     */
    readonly hostname?: string;
    readonly port: number;
  };

/** The sockets that there are. */
export type SocketTransport = SocketAddress["transport"];

/** Options for {@linkcode HandshakeError}. */
export interface HandshakeErrorOptions extends ErrorOptions {
  /**
   * True where the other side has disconnected, which it does without a word.
   *
   * @default {false}
   */
  isCut?: boolean;
}

/** The other end of a connection is not who it should be. */
export class HandshakeError extends ParallelError {
  /** True where the other side has disconnected: it may hear this one out the next time. */
  readonly isCut: boolean;

  constructor(message?: string, options: HandshakeErrorOptions = {}) {
    super(message, options);
    this.isCut = options.isCut ?? false;
  }
}

/** Makes a key. */
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

/** Connects to where somebody listens. */
export async function connectTo(address: SocketAddress): Promise<Deno.Conn> {
  if (address.transport === "unix") {
    return await connectAt(address.path);
  }
  const { hostname = LOOPBACK, port } = address;
  const conn = await Deno.connect({ hostname, port });
  conn.setNoDelay(true);
  return conn;
}

/**
 * Connects to where somebody listens, and proves both ends.
 *
 * @throws {HandshakeError} If the other end does not have the key.
 * @throws {TimeoutError} If it takes longer than the deadline.
 */
export async function connectAuthenticated(
  address: SocketAddress,
  key: Uint8Array<ArrayBuffer>,
  options?: HandshakeOptions,
): Promise<Deno.Conn> {
  const conn = await connectTo(address);
  await offerHandshake(conn, key, options);
  return conn;
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
 * no other before its first task. Returns what takes it back.
 */
export function startDeadline(
  deadline: number,
  onExpire: () => void,
): () => void {
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
        { isCut: true },
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

/** A key of another length than ours is a user's: as HMAC pads short ones, two of them could mean the same. */
async function importKey(key: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const raw = key.length === KEY_SIZE
    ? key
    : new Uint8Array(await crypto.subtle.digest("SHA-256", key));
  return await crypto.subtle.importKey("raw", raw, algorithm, false, ["sign"]);
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

export function closeQuietly(socket: HandshakeSocket): void {
  try {
    socket.close();
  } catch {
    // Closed already, by its deadline or by who listens.
  }
}
