// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A single-producer single-consumer ring of byte records in shared memory
// (Lamport 1983; positions grow for ever and wrap at 2^32).
//
//   data  | free |== record ==|== record ==| free |        length: power of 2
//                ^ head (consumer)         ^ tail (producer)
//
// Record: u32 length * 2 + kind, then the bytes, padded to 4. Records are
// contiguous: one that does not fit before the end of the data is preceded by
// a SKIP word, and starts at 0.
//
//   producer                              consumer
//   1 free = size - (tail - head)         1 load tail; equal to head: empty
//   2 write the record's bytes            2 copy the record's bytes out
//   3 store tail (publishes 2)            3 store head (gives the space back)
//
// Only the producer writes TAIL and only the consumer HEAD, so plain loads of
// one's own position are exact. The stores in step 3 come after the plain
// accesses of step 2 on the same thread, and the other side's load orders its
// accesses after them: nobody sees half a record or overwrites an unread one.
//
// A producer that finds the ring full keeps what it could not write and asks
// for a wake-up:
//   4 store WANTED = 1, try once more     4 after step 3: WANTED? swap to 0
//   5 fails: sleep                        5 swapped: ring the producer's bell
// As with the bell, either 4 on the left sees the space or 4 on the right
// sees the wish.
//
// The memory may be shared with another process, and then be plain memory to
// this one (an ArrayBuffer). Such a neighbour can write anything into it, so no
// position and no length is used before it was checked: what cannot be is an
// error, never an access beyond the ring. An empty ring starts over at 0 once
// it has come far, so that most of a large one is never touched.

import { SerializationError } from "../base/errors.ts";
import { copyBytes } from "./segments.ts";

const HEAD = 0;
const TAIL = 16;
const WANTED = 32;
/** Words before the data; head, tail and the wish lie in cache lines of their own. */
const HEADER_WORDS = 48;
const SKIP = 0xffffffff;
/** Records of so many bytes and more are read in place, where that is allowed. */
const IN_PLACE = 1 << 14;
const NO_BYTES: Uint8Array = new Uint8Array(0);
/** Up to so many bytes a loop beats the call into `set`. */
const SHORT = 48;
/** An empty ring starts over when it has come so far, in bytes: what fits into the caches. */
const START_OVER = 1 << 17;

/** Bytes of shared memory that a ring of `size` data bytes takes. */
export function ringBytes(size: number): number {
  return HEADER_WORDS * 4 + size;
}

/** A record's kind: 0 or 1, what it means is up to the user of the ring. */
export type RecordKind = 0 | 1;

/** What both ends know of one ring. */
class RingEnd {
  protected readonly words: Int32Array;
  protected readonly data: Uint8Array;
  protected readonly lengths: Uint32Array;
  protected readonly size: number;

  constructor(memory: ArrayBufferLike, offset: number, size: number) {
    if ((size & (size - 1)) !== 0 || size < 64) {
      throw new RangeError(
        `Cannot create a ring as 'size' must be a power of two: current value is ${size}`,
      );
    }
    this.words = new Int32Array(memory, offset, HEADER_WORDS);
    const start = offset + HEADER_WORDS * 4;
    this.data = new Uint8Array(memory, start, size);
    this.lengths = new Uint32Array(memory, start, size / 4);
    this.size = size;
  }
}

/** The writing end. One agent only. */
export class RingProducer extends RingEnd {
  #tail: number;

  constructor(memory: ArrayBufferLike, offset: number, size: number) {
    super(memory, offset, size);
    this.#tail = Atomics.load(this.words, TAIL) >>> 0;
  }

  /** The longest record that is sure to fit into an empty ring. */
  get maxRecord(): number {
    return this.size / 4;
  }

  /**
   * Writes one record, the bytes of two parts, or returns false where there is no room now.
   *
   * @throws {SerializationError} If the consumer has spoilt its position.
   */
  write(head: Uint8Array, kind: RecordKind, body = NO_BYTES): boolean {
    const { size, lengths } = this;
    const length = head.length + body.length;
    const needed = 4 + ((length + 3) & ~3);
    const position = Atomics.load(this.words, HEAD) >>> 0;
    const used = (this.#tail - position) >>> 0;
    if (used > size) throw spoilt("head", position);
    const free = size - used;
    let at = this.#tail & (size - 1);
    const tillEnd = size - at;
    let skipped = 0;
    if (needed > tillEnd || (used === 0 && at >= START_OVER && needed <= at)) {
      skipped = tillEnd;
    }
    if (needed + skipped > free) return false;
    if (skipped > 0) {
      lengths[at >>> 2] = SKIP;
      at = 0;
    }
    lengths[at >>> 2] = length * 2 + kind;
    copyTo(this.data, at + 4, head);
    copyTo(this.data, at + 4 + head.length, body);
    this.#tail = (this.#tail + skipped + needed) >>> 0;
    Atomics.store(this.words, TAIL, this.#tail | 0);
    return true;
  }

  /** Asks for a wake-up when there is room again. The caller must try once more before it sleeps. */
  wantSpace(): void {
    Atomics.store(this.words, WANTED, 1);
  }
}

/** The reading end. One agent only. */
export class RingConsumer extends RingEnd {
  #head: number;
  #scratch = new Uint8Array(1024);
  readonly #readsInPlace: boolean;
  /** True while a record that lies in the ring is being read. */
  #holds = false;
  /** The view of the scratch that was given out last. */
  #record: Uint8Array | undefined;
  /** The kind of the record that `read()` returned last. */
  kind: RecordKind = 0;

  /** @param readsInPlace True: long records are not copied. Only where the producer can be trusted not to change them. */
  constructor(
    memory: ArrayBufferLike,
    offset: number,
    size: number,
    readsInPlace = false,
  ) {
    super(memory, offset, size);
    this.#head = Atomics.load(this.words, HEAD) >>> 0;
    this.#readsInPlace = readsInPlace;
  }

  /** True where a record can be read. */
  get pending(): boolean {
    return (Atomics.load(this.words, TAIL) >>> 0) !== this.#head;
  }

  /**
   * Takes the next record, or undefined. The bytes are a private copy, or lie in the ring, valid until the next read.
   *
   * @throws {SerializationError} If what is there is no record.
   */
  read(): Uint8Array | undefined {
    if (this.#holds) {
      // The one before has been read: its space is free.
      this.#holds = false;
      Atomics.store(this.words, HEAD, this.#head | 0);
    }
    const tail = Atomics.load(this.words, TAIL) >>> 0;
    if (tail === this.#head) return undefined;
    const { size, lengths } = this;
    let available = (tail - this.#head) >>> 0;
    if (available > size) throw spoilt("tail", tail);
    let at = this.#head & (size - 1);
    let header = lengths[at >>> 2]!;
    if (header === SKIP) {
      this.#head = (this.#head + size - at) >>> 0;
      available -= size - at;
      at = 0;
      header = lengths[0]!;
    }
    const length = header >>> 1;
    if (length > available - 4 || length > size - at - 4) {
      throw spoilt("length", length);
    }
    this.kind = (header & 1) as RecordKind;
    if (this.#readsInPlace && length >= IN_PLACE) {
      this.#head = (this.#head + 4 + ((length + 3) & ~3)) >>> 0;
      this.#holds = true;
      return this.data.subarray(at + 4, at + 4 + length);
    }
    if (length > this.#scratch.length) {
      this.#scratch = new Uint8Array(length * 2);
      this.#record = undefined;
    }
    // One message is mostly as long as the one before.
    const record = this.#record?.length === length
      ? this.#record
      : this.#record = this.#scratch.subarray(0, length);
    if (length <= SHORT) {
      const { data } = this;
      for (let i = 0; i < length; i++) record[i] = data[at + 4 + i]!;
    } else {
      record.set(this.data.subarray(at + 4, at + 4 + length));
    }
    this.#head = (this.#head + 4 + ((length + 3) & ~3)) >>> 0;
    Atomics.store(this.words, HEAD, this.#head | 0);
    return record;
  }

  /** True once for each wish of the producer: its bell must be rung. */
  takeWish(): boolean {
    return Atomics.load(this.words, WANTED) === 1 &&
      Atomics.compareExchange(this.words, WANTED, 1, 0) === 1;
  }
}

function copyTo(data: Uint8Array, at: number, bytes: Uint8Array): void {
  const { length } = bytes;
  if (length <= SHORT) {
    for (let i = 0; i < length; i++) data[at + i] = bytes[i]!;
  } else {
    copyBytes(data, at, bytes);
  }
}

function spoilt(what: string, value: number): SerializationError {
  return new SerializationError(
    `Cannot use a ring: its ${what} is not possible: current value is ${value}`,
    { reason: "spoilt ring" },
  );
}
