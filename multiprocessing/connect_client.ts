// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Connecting to a listener.
 *
 * @module
 */

import {
  checkWait,
  type WaitOptions,
  within,
} from "../_internal/base/deadline.ts";
import { AuthenticationError } from "../_internal/base/errors.ts";
import {
  closeQuietly,
  connectTo,
  HandshakeError,
  offerHandshake,
} from "../_internal/wire/handshake.ts";
import { SocketEnd } from "../_internal/wire/socket_end.ts";
import { formatAddress, parseAddress, parseKey } from "./_address.ts";
import { home, over } from "./_connection_ends.ts";
import { Connection } from "./connection.ts";

const CONNECT = "connect";

/** Where {@linkcode connectClient} connects to. */
export interface ConnectClientOptions extends WaitOptions {
  /** What `Listener.address` says: a path, `"host:port"`, or `{ hostname, port }`. */
  address: string | { hostname?: string | undefined; port: number };
  /** The secret that both sides have to know. */
  authKey: string | Uint8Array;
}

/**
 * Connects to a `Listener`: Python's `multiprocessing.connection.Client`. Both
 * sides prove that they know the key.
 *
 * @example Usage
 * ```ts
 * import { connectClient, Listener } from "@concurrent/parallel/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * using listener = new Listener();
 * const { address, authKey } = listener;
 * using client = await connectClient({ address, authKey });
 * using server = await listener.accept();
 * await server.send("welcome");
 *
 * assertEquals(await client.recv(), "welcome");
 * ```
 *
 * @typeParam R What is received.
 * @typeParam S What is sent.
 * @param options Where to, with which key, and how long to try.
 * @returns The connection.
 * @throws {AuthenticationError} If the other side has not proved that it knows the key.
 * @throws {Deno.errors.ConnectionRefused} If nobody listens there.
 * @throws {Deno.errors.NotFound} If there is no socket of that path.
 * @throws {TimeoutError} If the timeout has passed.
 * @throws {TypeError} If an option is of the wrong type.
 * @throws {RangeError} If the timeout is negative or NaN.
 */
export async function connectClient<R = unknown, S = R>(
  options: ConnectClientOptions,
): Promise<Connection<R, S>> {
  checkWait(CONNECT, options);
  const address = parseAddress(CONNECT, options.address);
  const key = parseKey(CONNECT, options.authKey);
  options.signal?.throwIfAborted();
  const made = connectTo(address);
  const proved = made.then((conn) => offerHandshake(conn, key));
  let conn: Deno.Conn;
  try {
    await within(CONNECT, proved, options);
    conn = await made;
  } catch (error) {
    // Nobody wants it any more, nor what it may lead to.
    proved.catch(() => {});
    made.then(closeQuietly, () => {});
    if (!(error instanceof HandshakeError)) throw error;
    throw new AuthenticationError(
      `Cannot connect to ${
        JSON.stringify(formatAddress(address))
      }: the other side has not proved that it knows the key`,
      { cause: error },
    );
  }
  return over(Connection<R, S>, home(new SocketEnd(conn)));
}
