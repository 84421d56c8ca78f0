// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Shared memory for what is too large for a ring: written once by one thread,
// read in place by another. Fresh memory costs several times what the copy into
// it does, so segments are used again.
//
//   word 0 of a segment   who holds it: below `MESSAGE` the owner's side (whoever
//                         writes it, a job whose call it is), above it the
//                         messages that name it and have not been delivered
//
//   1 owner      acquire(): takes a free one (word 0 is 0), holds it
//   2 owner      writes; send() for each message that is about to name it
//   3 receiver   reads, delivered()
//   4 owner      release(), when nobody will be sent it any more
//   5 owner      the word is 0: it is free, as the next acquire() sees
//
// Whoever counts up holds it already, so the word leaves 0 in step 1 only: a
// segment that is found free is free. No message tells the owner; it looks at
// the words of those that are out when it needs one. The atomic subtraction of
// step 3 comes after the reads and the load of step 5 before the writes: nobody
// sees the next message in the bytes of the last.
//
// All messages that name a segment at a time are for one receiver: nobody else is
// sent it before they were delivered. A receiver that has ended (or is stuck)
// releases nothing. What it may still read is retired: never written again, and
// left to the collector. The others forget it then, which only somebody can who
// has read all: who is told so before waits for that memory for ever.
//
// Free ones are given back when they were not needed for a while. That takes a
// timer which keeps no program alive and needs no clearing: a wait on a word
// that nobody changes.

/** One message, in word 0. */
const MESSAGE = 1 << 16;
/** Bytes before the data; the data has cache lines of its own. */
const HEADER = 64;
/** The smallest segment, as a power of two. Memory that was never written costs nothing. */
const SMALLEST = 20;
/** Larger ones are not used again, nor are those that become free while there are so many bytes. */
const MAX_FREE = 1 << 26;
/** Milliseconds after which what was not needed meanwhile is given back. */
const REST = 1_000;
/** Bytes let go of that are worth a collection. */
const WORTH_A_COLLECTION = 1 << 23;
/** Bytes outside of its heap after which V8 collects, whatever its limits: with a heap of 4 GB more than half a GB of them are nothing to it. */
const TRIGGER = 1 << 30;
/** Segments that are out, above which what may wait for long had better lie elsewhere. */
const MAX_OUT = 32;
/** Segments that are out and looked at in one `acquire()`. */
const LOOKS = 64;

/** Bytes above which it matters how a copy is made. */
const LONG = 1 << 10;
/** Bytes that stay in the cache between two copies. */
const PIECE = 1 << 16;

const known = new WeakMap<SharedArrayBuffer, Segment>();

/** The segment in which these bytes lie, if they lie in one. */
export function segmentOf(bytes: Uint8Array): Segment | undefined {
  return bytes.buffer instanceof SharedArrayBuffer
    ? known.get(bytes.buffer)
    : undefined;
}

/** Where other threads know segments from. */
export interface SegmentListener {
  /** The segment is not used any more. */
  forget(segment: Segment): void;
}

/** A piece of shared memory that holds one message. */
export class Segment {
  readonly memory: SharedArrayBuffer;
  /** Where the message is written. */
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  /** Where other threads know it from; they hear of it when it is given back. Owner only. */
  readonly shelves = new Set<SegmentListener>();
  /** Among them that of the last message. Owner only. */
  sentBy: SegmentListener | undefined;
  readonly #words: Int32Array<SharedArrayBuffer>;

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.bytes = new Uint8Array(memory, HEADER);
    this.#words = new Int32Array(memory, 0, 1);
    known.set(memory, this);
  }

  /** True where nobody holds it. */
  get isFree(): boolean {
    return Atomics.load(this.#words, 0) === 0;
  }

  /** True where a message names it that has not been delivered. */
  get isSent(): boolean {
    return Atomics.load(this.#words, 0) >= MESSAGE;
  }

  /** Owner's side: one more holds it. Only by somebody who does. */
  hold(): void {
    Atomics.add(this.#words, 0, 1);
  }

  /** Owner's side: one less holds it. */
  release(): void {
    Atomics.sub(this.#words, 0, 1);
  }

  /** A message that is about to be sent names it. Only by somebody who holds it. */
  send(): void {
    Atomics.add(this.#words, 0, MESSAGE);
  }

  /** A message that names it has been read, or was not sent after all. */
  delivered(): void {
    Atomics.sub(this.#words, 0, MESSAGE);
  }
}

/** The segments that this thread writes. */
class SegmentPool {
  /** By size, as a power of two. */
  readonly #free: Segment[][] = [];
  /** Of each size, how many have not been needed since the last look. */
  readonly #spare: number[] = [];
  readonly #out = new Set<Segment>();
  #freeBytes = 0;
  #isWatching = false;

  /** How many are held by somebody. */
  get inUse(): number {
    this.#reclaim(Infinity);
    return this.#out.size;
  }

  /** Bytes that wait to be used again. */
  get freeBytes(): number {
    this.#reclaim(Infinity);
    return this.#freeBytes;
  }

  /**
   * True where so many are out that one more would be a new one: what waits to be
   * sent is then kept in private memory, and copied when it is sent, into one that
   * the other side knows.
   */
  get isCrowded(): boolean {
    if (this.#out.size < MAX_OUT) return false;
    this.#reclaim(LOOKS);
    return this.#out.size >= MAX_OUT;
  }

  /** A segment with room for so many bytes, held by the caller. */
  acquire(size: number): Segment {
    const needed = size + HEADER;
    const power = Math.max(SMALLEST, Math.ceil(Math.log2(needed)));
    this.#reclaim(LOOKS);
    const free = this.#free[power];
    let segment = free?.pop();
    if (segment === undefined) {
      const capacity = needed > MAX_FREE ? needed : 2 ** power;
      segment = new Segment(new SharedArrayBuffer(capacity));
    } else {
      this.#freeBytes -= 2 ** power;
      this.#spare[power] = Math.min(this.#spare[power] ?? 0, free!.length);
    }
    segment.hold();
    this.#out.add(segment);
    this.#watch();
    return segment;
  }

  /** True where the segment is one of those that this thread writes, and held. */
  owns(segment: Segment): boolean {
    return this.#out.has(segment);
  }

  /** A message that names it will never be delivered. */
  retire(segment: Segment): void {
    if (this.#out.delete(segment)) drop(segment);
  }

  /** Looks at so many of those that are out, from the one that was acquired first. */
  #reclaim(looks: number): void {
    for (const segment of this.#out) {
      if (looks-- <= 0) return;
      if (!segment.isFree) continue;
      this.#out.delete(segment);
      const size = segment.memory.byteLength;
      if (this.#freeBytes + size > MAX_FREE) {
        drop(segment);
        continue;
      }
      this.#freeBytes += size;
      (this.#free[Math.log2(size)] ??= []).push(segment);
    }
  }

  #watch(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    afterRest(() => this.#trim());
  }

  #trim(): void {
    this.#isWatching = false;
    this.#reclaim(Infinity);
    const before = this.#freeBytes;
    for (const [power, free] of this.#free.entries()) {
      if (free === undefined) continue;
      for (const segment of free.splice(0, this.#spare[power] ?? 0)) {
        this.#freeBytes -= 2 ** power;
        drop(segment);
      }
      this.#spare[power] = free.length;
    }
    letGo(before - this.#freeBytes);
    if (this.#freeBytes > 0 || this.#out.size > 0) this.#watch();
  }
}

function drop(segment: Segment): void {
  for (const shelf of segment.shelves) shelf.forget(segment);
  segment.shelves.clear();
}

let letGoBytes = 0;

/**
 * Shared memory was let go of. It is freed by the collectors of all threads that
 * knew it, which do not run while a program is idle. One large buffer, that is
 * never written and freed at once, has V8 think of a collection. And of one more
 * a little later: what the code at work could still reach has outlived the first.
 */
export function letGo(bytes: number): void {
  letGoBytes += bytes;
  if (letGoBytes < WORTH_A_COLLECTION) return;
  letGoBytes = 0;
  askCollector();
  afterRest(askCollector);
}

function askCollector(): void {
  try {
    new ArrayBuffer(TRIGGER).transfer(0);
  } catch {
    // Not even as addresses: the collector has been asked all the more.
  }
}

const never = new Int32Array(new SharedArrayBuffer(4));

/** Calls back after the time for which memory is kept that nobody uses; not where the program ends before. */
export function afterRest(callback: () => void): void {
  if (typeof Atomics.waitAsync !== "function") return;
  const { async, value } = Atomics.waitAsync(never, 0, 0, REST);
  if (async) value.then(callback);
}

/** The pool of this thread. */
export const segments: SegmentPool = new SegmentPool();

let piece: Uint8Array<ArrayBuffer> | undefined;

/**
 * `target.set(source, offset)`. V8 copies to and from shared memory word by
 * word, and byte by byte, ten times slower, where the two are not aligned alike:
 * then it goes by way of private memory, which has no such rule.
 */
export function copyBytes(
  target: Uint8Array,
  offset: number,
  source: Uint8Array,
): void {
  const { length } = source;
  if (
    length < LONG ||
    (target.byteOffset + offset - source.byteOffset) % 8 === 0 ||
    !(isShared(target) || isShared(source))
  ) {
    target.set(source, offset);
    return;
  }
  // As misaligned as the side that is shared.
  const shared = isShared(source)
    ? source.byteOffset
    : target.byteOffset + offset;
  piece ??= new Uint8Array(PIECE + 8);
  const through = piece.subarray(shared % 8, shared % 8 + PIECE);
  for (let i = 0; i < length; i += PIECE) {
    const part = source.subarray(i, i + PIECE);
    through.set(part);
    target.set(through.subarray(0, part.length), offset + i);
  }
}

/** True where a copy to the beginning of a buffer can be made at once. */
export function isAligned(source: Uint8Array): boolean {
  return source.byteOffset % 8 === 0 || !isShared(source);
}

/** A private copy; what is aligned in the bytes stays so. */
export function copyOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  if (bytes.length < LONG) return new Uint8Array(bytes);
  const offset = bytes.byteOffset & 7;
  const copy = new Uint8Array(offset + bytes.length).subarray(offset);
  copyBytes(copy, 0, bytes);
  return copy;
}

/** Bytes of a message that stay valid when it has been delivered. */
export interface KeptBytes {
  readonly bytes: Uint8Array;
  /** They are not needed any more. */
  release(): void;
}

/** Keeps bytes of a message that is being delivered: in place, where they lie in a segment. */
export function keepBytes(bytes: Uint8Array): KeptBytes {
  const segment = segmentOf(bytes);
  if (segment === undefined) return { bytes: copyOf(bytes), release() {} };
  segment.send();
  let isHeld = true;
  return {
    bytes,
    release() {
      if (isHeld) segment.delivered();
      isHeld = false;
    },
  };
}

function isShared({ buffer }: Uint8Array): boolean {
  return buffer instanceof SharedArrayBuffer;
}
