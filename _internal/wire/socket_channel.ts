// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A channel over a stream socket.
//
//   frame    u32 length (little-endian), then as many bytes; length is 1 or more
//   fence    u32 0, then u32 count: tells the other side how many raises were
//            sent out of band so far (see memory/abort_flags.ts). Only a side
//            that set `onFence` takes it; for any other it is a bad frame.
//
// Sending. Small messages are copied into a batch, large ones into a segment of
// their own. One writer takes segments in order and writes until none is left.
// It starts in a microtask, so what one synchronous turn sends leaves in one
// write; what is sent while a write is under way gathers in the next batch.
//
// Receiving. One reader. Small frames are delivered where they lie in the read
// buffer, as many as one read brought. A frame larger than that buffer is read
// straight into memory of its own, so each of its bytes is copied once.

import { afterUnheld } from "../base/deadline.ts";
import { NotSupportedError, SerializationError } from "../base/errors.ts";
import { NO_BYTES } from "./bytes.ts";
import { copyBytes } from "../memory/segments.ts";
import type { Channel, ChannelClose } from "./channel.ts";

/** Bytes of the length in front of each frame. */
const HEADER = 4;
/** Capacity of a batch and of the read buffer, in bytes. */
const BUFFER_SIZE = 64 * 1024;
/** Messages above this many bytes are not batched: a copy more would cost more than a write. */
const BATCH_LIMIT = 16 * 1024;
/** Buffers up to this many bytes are kept for the next large message. */
const KEEP_LIMIT = 4 * 1024 * 1024;
/** How long a closed channel waits for the other side to close too, in ms. */
const LINGER = 2_000;

/** The largest frame that is taken where the options name none: 1 GiB. */
export const DEFAULT_MAX_FRAME = 2 ** 30;

/** What a channel needs of a `Deno.Conn`; tests give a stand-in. */
export interface SocketLike {
  read(bytes: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
  ref(): void;
  unref(): void;
}

/** Options for {@linkcode SocketChannel}. */
export interface SocketChannelOptions {
  /**
   * The largest frame in bytes, in both directions.
   *
   * @default {2 ** 30}
   */
  maxFrame?: number;
}

/**
 * ```text
 * state        meaning                                     leaves by
 * unconnected  no socket yet; what is sent waits           attach() -> connected; close(), fail() -> ended
 * connected    messages travel                             close() -> closing; end, error, fail() -> ended
 * closing      what was sent is being written, then the    the other side's end, LINGER ms -> ended
 *              write half closes; what comes in is dropped
 * ended        the socket is closed                        never
 * ```
 */
type SocketChannelState = "unconnected" | "connected" | "closing" | "ended";

let open = 0;

/** How many channels of this thread have a socket that is not closed yet. */
export function openSockets(): number {
  return open;
}

/** A {@linkcode Channel} over a Unix or TCP socket. It can take messages before it has a socket. */
export class SocketChannel implements Channel {
  readonly carriesAttachments = false;
  onMessage: (message: Uint8Array, attachments: readonly unknown[]) => void =
    () => {};
  onDelivered: () => void = () => {};
  onClose: (close: ChannelClose) => void = () => {};
  /** Takes the other side's fences; where it is not set they are bad frames. */
  onFence: ((count: number) => void) | undefined;
  /**
   * Takes what is larger than the read buffer, in memory that becomes its own: a
   * message's first byte, and the rest. Where it is not set `onMessage` takes all.
   */
  onLarge: ((first: number, rest: Uint8Array<ArrayBuffer>) => void) | undefined;
  /** Resolves once the socket is closed, with what ended it. Never rejects. */
  readonly ended: Promise<ChannelClose>;

  #state: SocketChannelState = "unconnected";
  #socket: SocketLike | undefined;
  #isOpen = false;
  #isRef = true;
  #isWriting = false;
  /** Bytes that were sent and not written yet. */
  #unwritten = 0;
  /** Resolves when reading goes on. */
  #paused: PromiseWithResolvers<void> | undefined;
  /** False once a write has failed: the other side takes nothing any more, but what it sent before can still be read. */
  #isWritable = true;
  #segments: Uint8Array<ArrayBuffer>[] = [];
  #batch: Uint8Array<ArrayBuffer> | undefined;
  #batchView: DataView | undefined;
  #batchLength = 0;
  #spare: Uint8Array<ArrayBuffer> | undefined;
  #spareLarge: ArrayBuffer | undefined;
  #flushes: (() => void)[] = [];
  #stopLingering: (() => void) | undefined;
  readonly #maxFrame: number;
  readonly #markEnded: (close: ChannelClose) => void;

  constructor(socket?: SocketLike, options: SocketChannelOptions = {}) {
    this.#maxFrame = options.maxFrame ?? DEFAULT_MAX_FRAME;
    const { promise, resolve } = Promise.withResolvers<ChannelClose>();
    this.ended = promise;
    this.#markEnded = resolve;
    if (socket !== undefined) this.attach(socket);
  }

  /** True once the channel was given a socket, also after its end. */
  get isConnected(): boolean {
    return this.#socket !== undefined;
  }

  /** Gives the channel its socket. A channel that was closed meanwhile closes the socket. */
  attach(socket: SocketLike): void {
    if (this.#state !== "unconnected") {
      socket.close();
      return;
    }
    this.#state = "connected";
    this.#socket = socket;
    open++;
    if (!this.#isRef) socket.unref();
    if (this.#isOpen) void this.#read(socket);
    this.#wakeWriter();
  }

  open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    if (this.#socket !== undefined && this.#state === "connected") {
      void this.#read(this.#socket);
    }
  }

  send(
    message: Uint8Array,
    attachments?: readonly unknown[],
    _transfer?: readonly Transferable[],
    body: Uint8Array = NO_BYTES,
  ): void {
    const length = message.length + body.length;
    checkMessage(length, attachments, this.#maxFrame);
    // Dropped, not refused: no sender can know that the other side has just
    // ended, and `onClose` tells it.
    if (!this.#isSending()) return;
    const size = HEADER + length;
    this.#unwritten += size;
    if (given.has(body) && message.length <= BATCH_LIMIT) {
      const offset = this.#reserve(HEADER + message.length);
      this.#batchView!.setUint32(offset, length, true);
      this.#batch!.set(message, offset + HEADER);
      this.#sealBatch();
      this.#segments.push(body as Uint8Array<ArrayBuffer>);
    } else if (size > BATCH_LIMIT) {
      const segment = this.#takeLarge(size);
      new DataView(segment.buffer).setUint32(0, length, true);
      copyBytes(segment, HEADER, message);
      copyBytes(segment, HEADER + message.length, body);
      this.#sealBatch();
      this.#segments.push(segment);
    } else {
      const offset = this.#reserve(size);
      this.#batchView!.setUint32(offset, length, true);
      this.#batch!.set(message, offset + HEADER);
      copyBytes(this.#batch!, offset + HEADER + message.length, body);
    }
    this.#wakeWriter();
  }

  /** True where what is sent now is on its way to somebody. */
  get isSending(): boolean {
    return this.#isSending();
  }

  /** Bytes that were sent and are not with the operating system yet. */
  get unwritten(): number {
    return this.#unwritten;
  }

  /** Reads no more than what it has read already: the other side has to wait. */
  pause(): void {
    if (this.#state === "connected") {
      this.#paused ??= Promise.withResolvers<void>();
    }
  }

  /** Undoes `pause()`. */
  resume(): void {
    this.#paused?.resolve();
    this.#paused = undefined;
  }

  finish(): void {
    // What the other side sent was read up to the end of its stream.
    this.close();
  }

  /** Tells the other side how many raises went out of band so far. Ordered with the messages. */
  fence(count: number): void {
    if (!this.#isSending()) return;
    this.#unwritten += 2 * HEADER;
    const offset = this.#reserve(2 * HEADER);
    this.#batchView!.setUint32(offset, 0, true);
    this.#batchView!.setUint32(offset + HEADER, count, true);
    this.#wakeWriter();
  }

  /** True where nothing is being written, or waits for it. */
  get isQuiet(): boolean {
    return !this.#hasOutput();
  }

  /** Resolves when all that was sent is with the operating system, or cannot be written any more. */
  flush(): Promise<void> {
    if (!this.#hasOutput()) return Promise.resolve();
    return new Promise((resolve) => this.#flushes.push(resolve));
  }

  close(): void {
    if (this.#state === "unconnected") {
      this.#end();
    } else if (this.#state === "connected") {
      void this.#shutDown();
    }
  }

  /** Ends the channel at once, as if the other side had ended with `error`. */
  fail(error: unknown): void {
    this.#finish({ error });
  }

  /** Lets the channel keep the program alive while it waits for messages. This is the default. */
  ref(): void {
    this.#isRef = true;
    this.#socket?.ref();
  }

  /** Lets the program end although the channel waits for messages. */
  unref(): void {
    this.#isRef = false;
    this.#socket?.unref();
  }

  // Writing

  #isSending(): boolean {
    return this.#isWritable &&
      (this.#state === "connected" || this.#state === "unconnected");
  }

  #hasOutput(): boolean {
    return this.#isWriting || this.#batchLength > 0 ||
      this.#segments.length > 0;
  }

  /** Makes room in the batch and returns the offset at which it starts. */
  #reserve(size: number): number {
    if (this.#batchLength + size > BUFFER_SIZE) this.#sealBatch();
    if (this.#batch === undefined) {
      this.#batch = this.#spare ?? new Uint8Array(BUFFER_SIZE);
      this.#spare = undefined;
      this.#batchView = new DataView(this.#batch.buffer);
    }
    const offset = this.#batchLength;
    this.#batchLength += size;
    return offset;
  }

  #sealBatch(): void {
    if (this.#batch === undefined || this.#batchLength === 0) return;
    this.#segments.push(this.#batch.subarray(0, this.#batchLength));
    this.#batch = undefined;
    this.#batchView = undefined;
    this.#batchLength = 0;
  }

  #wakeWriter(): void {
    if (this.#isWriting || this.#state !== "connected") return;
    if (!this.#hasOutput()) return;
    this.#isWriting = true;
    queueMicrotask(() => void this.#write(this.#socket!));
  }

  async #write(socket: SocketLike): Promise<void> {
    try {
      while (true) {
        if (this.#segments.length === 0) this.#sealBatch();
        const segment = this.#segments.shift();
        if (segment === undefined) break;
        let offset = 0;
        while (offset < segment.length) {
          offset += await socket.write(segment.subarray(offset));
        }
        this.#unwritten -= segment.length;
        if (!given.has(segment)) this.#recycle(segment.buffer);
      }
    } catch (error) {
      this.#isWritable = false;
      this.#dropOutput();
      this.#isWriting = false;
      // The other side takes nothing any more. Not reported here: the reader
      // first delivers what that side had sent, then sees its end.
      // Anything else, such as a task that has broken the built-ins of its
      // process, ends the connection: the other side would wait for ever.
      if (!isDisconnection(error)) this.#finish({ error });
    }
    this.#isWriting = false;
    for (const resolve of this.#flushes.splice(0)) resolve();
  }

  #takeLarge(size: number): Uint8Array<ArrayBuffer> {
    const spare = this.#spareLarge;
    if (spare === undefined || spare.byteLength < size) {
      return new Uint8Array(size);
    }
    this.#spareLarge = undefined;
    return new Uint8Array(spare, 0, size);
  }

  /** Keeps one buffer of each kind: fresh memory costs more than the copy into it. */
  #recycle(buffer: ArrayBuffer): void {
    const { byteLength } = buffer;
    if (byteLength === BUFFER_SIZE) {
      this.#spare = new Uint8Array(buffer);
    } else if (
      byteLength <= KEEP_LIMIT &&
      byteLength > (this.#spareLarge?.byteLength ?? 0)
    ) {
      this.#spareLarge = buffer;
    }
  }

  #dropOutput(): void {
    this.#unwritten = 0;
    this.#segments = [];
    this.#batch = undefined;
    this.#batchView = undefined;
    this.#batchLength = 0;
  }

  // Reading

  async #read(socket: SocketLike): Promise<void> {
    let close: ChannelClose;
    try {
      close = await this.#readFrames(socket);
    } catch (error) {
      close = { error };
    }
    this.#finish(close);
  }

  async #readFrames(socket: SocketLike): Promise<ChannelClose> {
    const buffer = new Uint8Array(BUFFER_SIZE);
    const view = new DataView(buffer.buffer);
    let large = new Uint8Array();
    let start = 0;
    let end = 0;
    while (true) {
      if (this.#paused !== undefined) await this.#paused.promise;
      let count: number | null;
      try {
        count = await socket.read(buffer.subarray(end));
      } catch (error) {
        // Closed by us, or the other side is gone without reading all that we
        // sent: both are ends and no errors where no frame was cut.
        if (start === end && isDisconnection(error)) return {};
        throw error;
      }
      if (this.#state === "closing") {
        if (count === null) return {};
        start = end = 0;
        continue;
      }
      if (this.#state === "ended") return {};
      if (count === null) {
        if (start === end) return {};
        throw badFrame("the connection ended within it");
      }
      end += count;
      let needed = HEADER;
      let isDelivered = false;
      while (end - start >= HEADER) {
        const length = view.getUint32(start, true);
        if (length === 0) {
          if (this.onFence === undefined) throw badFrame("it is empty");
          needed = 2 * HEADER;
          if (end - start < needed) break;
          const fence = view.getUint32(start + HEADER, true);
          start += needed;
          this.onFence(fence);
          needed = HEADER;
          continue;
        }
        if (length > this.#maxFrame) {
          throw badFrame(
            `its length is ${length} bytes, the limit is ${this.#maxFrame}`,
          );
        }
        needed = HEADER + length;
        if (needed > end - start) break;
        const body = buffer.subarray(start + HEADER, start + needed);
        start += needed;
        needed = HEADER;
        isDelivered = true;
        this.onMessage(body, NO_ATTACHMENTS);
        if (this.#state !== "connected") break;
      }
      if (isDelivered) this.onDelivered();
      if (this.#state !== "connected") {
        start = end = 0;
      } else if (start === end) {
        start = end = 0;
      } else if (needed > BUFFER_SIZE && this.onLarge !== undefined) {
        // Its first byte may not be here yet: then it is with the next read.
        if (end - start > HEADER) {
          const first = buffer[start + HEADER]!;
          const received = buffer.subarray(start + HEADER + 1, end);
          const rest = new Uint8Array(needed - HEADER - 1);
          rest.set(received);
          start = end = 0;
          await this.#fill(socket, rest, received.length);
          if (this.#state === "connected") {
            this.onLarge(first, rest);
            this.onDelivered();
          }
        } else {
          buffer.copyWithin(0, start, end);
          end -= start;
          start = 0;
        }
      } else if (needed > BUFFER_SIZE) {
        const received = buffer.subarray(start + HEADER, end);
        const length = needed - HEADER;
        // A message is only valid during its delivery, so the next one can
        // have its memory.
        if (large.length < length) large = new Uint8Array(length);
        const body = large.subarray(0, length);
        body.set(received);
        start = end = 0;
        await this.#fill(socket, body, received.length);
        if (this.#state === "connected") {
          this.onMessage(body, NO_ATTACHMENTS);
          this.onDelivered();
        }
        if (large.length > KEEP_LIMIT) large = new Uint8Array();
      } else if (start + needed > BUFFER_SIZE || end === BUFFER_SIZE) {
        buffer.copyWithin(0, start, end);
        end -= start;
        start = 0;
      }
    }
  }

  async #fill(
    socket: SocketLike,
    body: Uint8Array,
    offset: number,
  ): Promise<void> {
    while (offset < body.length) {
      const count = await socket.read(body.subarray(offset));
      if (count === null) throw badFrame("the connection ended within it");
      offset += count;
    }
  }

  // Ending

  async #shutDown(): Promise<void> {
    this.#state = "closing";
    this.resume();
    const socket = this.#socket!;
    // In this state no send adds to the output, so one flush is enough.
    await this.flush();
    try {
      await socket.closeWrite();
    } catch {
      // The other side is gone already; the reader sees that too.
    }
    if (this.#state !== "closing") return;
    if (!this.#isOpen) {
      this.#end();
      return;
    }
    // The socket is not closed yet: on TCP unread input would turn the close
    // into a reset, which can destroy what the other side has not read.
    this.#stopLingering = afterUnheld(LINGER, () => this.#end());
  }

  /** The other side's end, or an error: tells the owner, unless the owner closed first. */
  #finish(close: ChannelClose): void {
    const isTold = this.#state === "closing" || this.#state === "ended";
    this.#end(close);
    if (!isTold) this.onClose(close);
  }

  #end(close: ChannelClose = {}): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.resume();
    this.#isWritable = false;
    this.#dropOutput();
    this.#stopLingering?.();
    if (this.#socket !== undefined) open--;
    try {
      this.#socket?.close();
    } catch {
      // Closed by the runtime already: nothing is left to close.
    }
    for (const resolve of this.#flushes.splice(0)) resolve();
    this.#markEnded(close);
  }
}

/**
 * Checks whether a socket can carry a message.
 *
 * @throws {NotSupportedError} If it has attachments.
 * @throws {SerializationError} If it is empty, or too long.
 */
export function checkMessage(
  length: number,
  attachments: readonly unknown[] = NO_ATTACHMENTS,
  maxFrame: number = DEFAULT_MAX_FRAME,
): void {
  if (attachments.length > 0) {
    throw new NotSupportedError(
      "Cannot send message: a socket carries no attachments",
    );
  }
  if (length === 0 || length > maxFrame) {
    throw new SerializationError(
      `Cannot send message as its length must be between 1 and ${maxFrame} bytes: current value is ${length}`,
      { reason: "message size" },
    );
  }
}

const NO_ATTACHMENTS: readonly unknown[] = [];
const given = new WeakSet<Uint8Array>();

/** Says that nobody writes to these bytes any more: a body of a message that is large is then sent from where it is. */
export function giveAway<T extends Uint8Array>(bytes: T): T {
  if (bytes.length > BATCH_LIMIT) given.add(bytes);
  return bytes;
}

function badFrame(reason: string): SerializationError {
  return new SerializationError(`Cannot read frame: ${reason}`, { reason });
}

/** True where an error says that a socket is connected no more. */
export function isDisconnection(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.ConnectionAborted ||
    error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.NotConnected ||
    error instanceof Deno.errors.BadResource ||
    error instanceof Deno.errors.Interrupted;
}
