// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * One end of a road for messages between processes.
 *
 * @module
 */

import { checkWait, type WaitOptions } from "../_internal/base/deadline.ts";
import {
  BufferTooShortError,
  ConnectionClosedError,
  InvalidStateError,
  SerializationError,
  TimeoutError,
} from "../_internal/base/errors.ts";
import { describe, integerOption } from "../_internal/base/validation.ts";
import type {
  EndReference,
  SendableEnd,
} from "../_internal/objects/shared_end.ts";
import { declareOwnExports } from "../_internal/wire/functions/own_exports.ts";
import { noteModule } from "../_internal/wire/functions/sync_modules.ts";
import type { Message } from "../_internal/wire/message_queue.ts";
import { registerShareable } from "../_internal/wire/shareables.ts";
import { DEFAULT_MAX_FRAME } from "../_internal/wire/socket_channel.ts";
import { decodeFromBytes, encodeToBytes } from "../_internal/wire/values.ts";
import { registerWaitable } from "./_waitable.ts";
import { arrived, forget, named, takeEnd } from "./_connection_ends.ts";

const RECEIVE = "receive from a connection";
const SEND = "send to a connection";
const POLL = "poll a connection";
/**
 * The longest message, in bytes: what is put in front of it on its way has to fit
 * into its frame, too. It is refused here, as it would not arrive.
 */
const MAX_MESSAGE = DEFAULT_MAX_FRAME - 1024;
/** Nobody has to wait for it: one for all. */
const SENT = Promise.resolve();

/** Which part of a buffer {@linkcode Connection.sendBytes} sends. */
export interface SendBytesOptions {
  /**
   * The first byte.
   *
   * @default {0}
   */
  offset?: number | undefined;
  /**
   * How many bytes.
   *
   * @default {undefined} all that follow
   */
  size?: number | undefined;
}

/** How {@linkcode Connection.recvBytes} receives. */
export interface RecvBytesOptions extends WaitOptions {
  /**
   * The longest message that is taken, in bytes.
   *
   * @default {undefined} any
   */
  maxLength?: number | undefined;
}

/** How {@linkcode Connection.recvBytesInto} receives. */
export interface RecvBytesIntoOptions extends WaitOptions {
  /**
   * Where in the buffer the message begins, in bytes.
   *
   * @default {0}
   */
  offset?: number | undefined;
}

/** How long {@linkcode Connection.poll} looks. */
export interface PollOptions extends WaitOptions {
  /**
   * How long to wait for a message, in milliseconds; `Infinity` waits for ever.
   *
   * @default {0}
   */
  timeout?: number | undefined;
}

/**
 * One end of a road for messages between processes or threads: Python's
 * `multiprocessing.connection.Connection`. `pipe()` makes two that belong together,
 * `Listener` and `connectClient()` connect programs.
 *
 * - **Messages:** any value that can be sent to a process, copied as it is at `send()`, or bytes. They arrive whole and in order, none is merged with another or lost.
 * - **Several receivers** get one message each, in the order in which they began to wait.
 * - **Back-pressure:** `send()` resolves at once while there is room for about a megabyte of messages that nobody has received, else when there is again.
 * - **Travel:** a connection can be sent to a process or thread, captured by a function, sent through another connection. Several can then have the same end. What it is over stays with the process that made it, and ends with that.
 * - **The end:** when nobody has the other side any more, closed or dead, what was sent before is received first; then there is a {@linkcode ConnectionClosedError}. Who sends an end away and does not use it himself need not close his own.
 *
 * A round trip between a process and its child takes some 30 µs where both have
 * `--allow-ffi` on Linux, 50 to 60 over a socket.
 *
 * @example Usage
 * ```ts
 * import { type Connection, pipe, Process } from "@concurrent/parallel/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * const [ours, theirs] = pipe<number>();
 * const process = new Process({
 *   target: async (connection: Connection<number>) => {
 *     for await (const n of connection) await connection.send(n * n);
 *   },
 *   args: [theirs],
 * }).start();
 *
 * await ours.send(12);
 * assertEquals(await ours.recv(), 144);
 * ours.close();
 * await process.join();
 * ```
 *
 * @typeParam R What is received.
 * @typeParam S What is sent.
 */
export class Connection<R = unknown, S = R>
  implements AsyncIterable<R>, Disposable {
  readonly #end: SendableEnd;
  #state: "open" | "closed" = "open";

  /**
   * Not for users: `pipe()`, `Listener` and `connectClient()` make connections.
   *
   * @throws {TypeError} If it is called by anybody else.
   */
  constructor() {
    const end = takeEnd(this);
    this.#end = end;
    registerWaitable(this, {
      isReady: () => {
        this.#checkReceiving();
        return end.inbox.isReady;
      },
      ...(end.ask === undefined ? {} : { ask: () => end.ask!(false) }),
      watch: (wake) => {
        end.waits(1);
        const stop = end.inbox.watch(wake, this);
        return () => {
          stop();
          end.waits(-1);
        };
      },
    });
  }

  /**
   * Sends a value.
   *
   * @param value The value; it is copied before this returns.
   * @returns Resolves when there is room for more.
   * @throws {SerializationError} If a part of it cannot travel, or it is longer than a message may be; nothing was sent.
   * @throws {ConnectionClosedError} If the other side is gone, or the connection was closed here.
   * @throws {InvalidStateError} If the connection only receives.
   */
  send(value: S): Promise<void> {
    try {
      this.#checkSending();
      const bytes = encodeToBytes(value, "message");
      return this.#sent({ isRaw: false, bytes });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Receives a value. A message of bytes is received as a `Uint8Array`.
   *
   * @param options How long to wait.
   * @returns The value.
   * @throws {TimeoutError} If the timeout has passed.
   * @throws {ConnectionClosedError} If nothing is left and the other side is gone, or the connection was closed here.
   * @throws {SerializationError} If the message cannot be read here; it is taken.
   * @throws {InvalidStateError} If the connection only sends.
   * @throws {RangeError} If the timeout is negative or NaN.
   */
  async recv(options: WaitOptions = {}): Promise<R> {
    checkWait(RECEIVE, options);
    const { isRaw, bytes } = await this.#take(options);
    return (isRaw ? bytes : await decodeFromBytes(bytes, "a message")) as R;
  }

  /**
   * Sends bytes as they are, as one message; no bytes are a message too.
   *
   * @param data A buffer, or a view of one; it is copied before this returns.
   * @param options Which part of it.
   * @returns Resolves when there is room for more.
   * @throws {TypeError} If it is no buffer.
   * @throws {RangeError} If `offset` or `size` is not within it.
   * @throws {SerializationError} If it is longer than a message may be.
   * @throws {ConnectionClosedError} If the other side is gone, or the connection was closed here.
   * @throws {InvalidStateError} If the connection only receives.
   */
  sendBytes(
    data: ArrayBufferLike | ArrayBufferView,
    options: SendBytesOptions = {},
  ): Promise<void> {
    try {
      const bytes = partOf(bytesOf("send bytes", data), options);
      this.#checkSending();
      return this.#sent({ isRaw: true, bytes });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Receives a message of bytes.
   *
   * @param options How long to wait, and how long the message may be.
   * @returns The bytes, in a buffer of their own.
   * @throws {BufferTooShortError} If it is longer than `maxLength`; the error has it, and the connection goes on.
   * @throws {InvalidStateError} If the next message is a value, which stays for `recv()`, or the connection only sends.
   * @throws {TimeoutError} If the timeout has passed.
   * @throws {ConnectionClosedError} If nothing is left and the other side is gone, or the connection was closed here.
   * @throws {RangeError} If `maxLength` or the timeout is negative or NaN.
   */
  async recvBytes(
    options: RecvBytesOptions = {},
  ): Promise<Uint8Array<ArrayBuffer>> {
    checkWait(RECEIVE, options);
    const max = integerOption(
      RECEIVE,
      "maxLength",
      options.maxLength,
      Infinity,
      0,
    );
    const bytes = await this.#takeBytes(options);
    if (bytes.length > max) {
      throw new BufferTooShortError(
        `Cannot ${RECEIVE}: the message has ${bytes.length} bytes, which is more than ${max}`,
        bytes,
      );
    }
    return bytes;
  }

  /**
   * Receives a message of bytes into a buffer.
   *
   * @param buffer Where it is written to.
   * @param options How long to wait, and where in the buffer it begins.
   * @returns How many bytes it has.
   * @throws {BufferTooShortError} If there is not enough room; the error has the message, and the connection goes on.
   * @throws {InvalidStateError} If the next message is a value, which stays for `recv()`, or the connection only sends.
   * @throws {TimeoutError} If the timeout has passed.
   * @throws {TypeError} If `buffer` is none.
   * @throws {ConnectionClosedError} If nothing is left and the other side is gone, or the connection was closed here.
   * @throws {RangeError} If `offset` is not within the buffer, or the timeout is negative or NaN.
   */
  async recvBytesInto(
    buffer: ArrayBufferLike | ArrayBufferView,
    options: RecvBytesIntoOptions = {},
  ): Promise<number> {
    checkWait(RECEIVE, options);
    const { offset } = options;
    const room = partOf(bytesOf(RECEIVE, buffer), { offset });
    const bytes = await this.#takeBytes(options);
    if (bytes.length > room.length) {
      throw new BufferTooShortError(
        `Cannot ${RECEIVE}: the message has ${bytes.length} bytes, there is room for ${room.length}`,
        bytes,
      );
    }
    room.set(bytes);
    return bytes.length;
  }

  /**
   * Tells whether there is something to receive. Takes nothing.
   *
   * @param options How long to wait for it; by default not at all.
   * @returns True where `recv()` need not wait: there is a message, or the end.
   * @throws {ConnectionClosedError} If the connection was closed here.
   * @throws {InvalidStateError} If the connection only sends.
   * @throws {RangeError} If the timeout is negative or NaN.
   */
  async poll(options: PollOptions = {}): Promise<boolean> {
    checkWait(POLL, options);
    this.#checkReceiving();
    const { timeout = 0, signal } = options;
    const end = this.#end;
    const { inbox } = end;
    signal?.throwIfAborted();
    if (timeout === 0 && end.ask !== undefined) return await end.ask(false);
    try {
      if (inbox.isReady) return true;
      end.waits(1);
      await inbox.arrived(POLL, { timeout, signal }, this)
        .finally(() => end.waits(-1));
      return true;
    } catch (error) {
      if (error instanceof TimeoutError) return false;
      throw error;
    }
  }

  /**
   * Closes the connection: nothing can be sent or received here any more. What was
   * sent still arrives. Closing it twice does nothing.
   */
  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    forget(this.#end);
    this.#end.inbox.abandon(this, () => this.#closedError(RECEIVE));
    this.#end.close();
  }

  /**
   * Tells whether the connection was closed here.
   *
   * @returns True after `close()`.
   */
  get closed(): boolean {
    return this.#state === "closed";
  }

  /**
   * Tells whether the connection can receive.
   *
   * @returns False for the end of a pipe that only sends.
   */
  get readable(): boolean {
    return this.#end.readable;
  }

  /**
   * Tells whether the connection can send.
   *
   * @returns False for the end of a pipe that only receives.
   */
  get writable(): boolean {
    return this.#end.writable;
  }

  /**
   * Receives values until the other side is gone or the connection was closed.
   * Leaving the loop does not close it.
   *
   * @returns The iterator.
   */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<R> {
    for (;;) {
      let value: R;
      try {
        value = await this.recv();
      } catch (error) {
        const isEnd = error instanceof ConnectionClosedError &&
          error.cause === undefined;
        if (isEnd) return;
        throw error;
      }
      yield value;
    }
  }

  /** Closes the connection. */
  [Symbol.dispose](): void {
    this.close();
  }

  async #take(options: WaitOptions): Promise<Message> {
    this.#checkReceiving();
    const end = this.#end;
    const { inbox } = end;
    if (options.timeout === 0 && inbox.length === 0) await end.ask?.(true);
    const message = inbox.tryTake();
    if (message !== undefined) return message;
    end.waits(1);
    try {
      return await inbox.take(RECEIVE, options, this);
    } finally {
      end.waits(-1);
    }
  }

  /** Sends it, and waits for room where that is needed. */
  #sent(message: Message): Promise<void> {
    const { length } = message.bytes;
    if (length > MAX_MESSAGE) {
      throw new SerializationError(
        `Cannot ${SEND} as a message must be at most ${MAX_MESSAGE} bytes: current value is ${length}`,
        { reason: "message size" },
      );
    }
    const room = this.#end.send(message);
    if (room === undefined) return SENT;
    this.#end.waits(1);
    return room.finally(() => this.#end.waits(-1));
  }

  async #takeBytes(options: WaitOptions): Promise<Uint8Array<ArrayBuffer>> {
    const message = await this.#take(options);
    if (message.isRaw) return message.bytes;
    this.#end.inbox.putBack(message);
    throw new InvalidStateError(
      `Cannot ${RECEIVE}: the next message is a value and no bytes`,
    );
  }

  #checkSending(): void {
    if (this.#state === "closed") throw this.#closedError(SEND);
    if (!this.#end.writable) {
      throw new InvalidStateError(`Cannot ${SEND}: it only receives`);
    }
    this.#end.use();
  }

  #checkReceiving(): void {
    if (this.#state === "closed") throw this.#closedError(RECEIVE);
    if (!this.#end.readable) {
      throw new InvalidStateError(`Cannot ${RECEIVE}: it only sends`);
    }
    this.#end.use();
  }

  #closedError(verb: string): ConnectionClosedError {
    return new ConnectionClosedError(`Cannot ${verb}: it was closed here`);
  }
}

function bytesOf(
  verb: string,
  data: ArrayBufferLike | ArrayBufferView,
): Uint8Array<ArrayBuffer> {
  if (ArrayBuffer.isView(data)) {
    const { buffer, byteOffset, byteLength } = data;
    return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
  }
  if (data instanceof ArrayBuffer || data instanceof SharedArrayBuffer) {
    return new Uint8Array(data as ArrayBuffer);
  }
  throw new TypeError(
    `Cannot ${verb} as the data must be a buffer or a view of one: current value is ${
      describe(data)
    }`,
  );
}

function partOf(
  bytes: Uint8Array<ArrayBuffer>,
  options: SendBytesOptions,
): Uint8Array<ArrayBuffer> {
  const offset = integerOption("use bytes", "offset", options.offset, 0, 0);
  const rest = bytes.length - offset;
  if (rest < 0) {
    throw new RangeError(
      `Cannot use bytes as 'offset' must be at most ${bytes.length}: current value is ${offset}`,
    );
  }
  const size = integerOption("use bytes", "size", options.size, rest, 0);
  if (size > rest) {
    throw new RangeError(
      `Cannot use bytes as 'size' must be at most ${rest}: current value is ${size}`,
    );
  }
  return bytes.subarray(offset, offset + size);
}

function unsendable(reason: string, options: ErrorOptions = {}) {
  const message = `Cannot send a connection: ${reason}`;
  return new SerializationError(message, { reason, ...options });
}

noteModule(import.meta.url, { Connection });
declareOwnExports(import.meta.url, { Connection });
registerShareable("multiprocessing.Connection", Connection, {
  encode(connection, context) {
    if (connection.closed) throw unsendable("it is closed");
    context.modules.add(import.meta.url);
    try {
      return named(connection);
    } catch (error) {
      if (!(error instanceof ConnectionClosedError)) throw error;
      throw unsendable("the process that made it is gone", { cause: error });
    }
  },
  decode(payload) {
    return arrived(
      Connection,
      payload as EndReference,
      (connection) => !connection.closed,
    );
  },
});
