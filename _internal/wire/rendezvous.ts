// Copyright 2026 the @concurrent/parallel authors. MIT license.

// How a parent and its child process find each other.
//
//   1. The parent makes a key of 256 random bits and listens.
//   2. It writes address and key to the child's stdin: arguments and the
//      environment can be read by other programs.
//   3. The first who connects and has the key is the child
//      (authenticated_listener.ts); strangers do not matter. The child connects
//      once, so it is heard out for as long as the parent waits: on a busy
//      machine it may get no core for seconds between two of its words.
//   4. The parent stops to listen.

import { TimeoutError } from "../base/errors.ts";
import { AuthenticatedListener } from "./authenticated_listener.ts";
import {
  closeQuietly,
  GUEST_DEADLINE,
  HandshakeError,
  type HandshakeOptions,
  type SocketAddress,
  type SocketTransport,
  startDeadline,
} from "./handshake.ts";

/** How long the parent waits for its child, in ms: on a busy machine others come first, for seconds. */
export const HOST_DEADLINE = 30_000;

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
  readonly #listener: AuthenticatedListener;
  readonly #result = Promise.withResolvers<Deno.Conn>();
  /** The right guest's, until accept() has it. */
  #taken: Deno.Conn | undefined;
  #state: "listening" | "closed" = "listening";

  /**
   * Starts to listen.
   *
   * @throws {NotSupportedError} If a permission is missing.
   */
  constructor(
    key: Uint8Array<ArrayBuffer>,
    { transport }: { transport?: SocketTransport | undefined } = {},
  ) {
    // Closing before accept() is no failure that anybody has to handle.
    this.#result.promise.catch(() => {});
    this.#listener = new AuthenticatedListener({
      key,
      transport,
      // At the end of `accept()` all of them are disconnected.
      hearing: GUEST_DEADLINE,
      onConnection: (conn) => this.#take(conn),
      onError: this.#result.reject,
    });
  }

  get address(): SocketAddress {
    return this.#listener.address;
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
    this.#listener.ref();
    const stop = startDeadline(deadline, () => {
      this.#result.reject(
        new TimeoutError(
          `Cannot meet the child process: it has not connected within ${deadline} ms`,
        ),
      );
    });
    try {
      const conn = await this.#result.promise;
      this.#taken = undefined;
      return conn;
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
    if (this.#taken !== undefined) closeQuietly(this.#taken);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #take(conn: Deno.Conn): void {
    if (this.#taken !== undefined) return closeQuietly(conn);
    this.#taken = conn;
    this.#result.resolve(conn);
    this.#listener.close();
  }
}
