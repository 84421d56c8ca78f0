// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The arrays that a task gets are its own, so each call's are fresh memory, and
// the first write to each page of that costs several times what copying the
// page does. A worker that has answered and has nothing to do makes buffers
// ready that are as large as those which it has just given away: the next call
// often is like the last one. It stops as soon as a message is there.
//
// What was not taken is freed after a while. `transfer()` frees at once, where
// letting go would leave it to a collector that an idle worker does not run.

import { afterRest, copyBytes, isAligned } from "../memory/segments.ts";

/** Smaller buffers cost next to nothing. */
const SMALLEST = 1 << 13;
/** Bytes that are kept ready at most. */
const MAX_READY = 1 << 25;
/** Buffers that are kept ready at most. */
const MAX_COUNT = 16;
const PAGE = 4096;
/** Pages after which it looks whether there is something to do. */
const PAGES = 8;

/** Sizes of the last buffers that were given away. */
const wanted: number[] = [];
const ready: ArrayBuffer[] = [];
let readyBytes = 0;
let isWatched = false;
/** True where some were taken, or made, since the last look. */
let isUsed = false;

/** A copy of the bytes in a buffer of its own. */
export function ownCopy(bytes: Uint8Array): ArrayBuffer {
  const { length } = bytes;
  if (length >= SMALLEST) {
    if (wanted.length < MAX_COUNT) wanted.push(length);
    const index = ready.findIndex(({ byteLength }) => byteLength === length);
    if (index >= 0) {
      isUsed = true;
      readyBytes -= length;
      const [buffer] = ready.splice(index, 1);
      copyBytes(new Uint8Array(buffer!), 0, bytes);
      return buffer!;
    }
  }
  // Memory that is copied into is not cleared first.
  if (isAligned(bytes)) return new Uint8Array(bytes).buffer;
  const own = new Uint8Array(length);
  copyBytes(own, 0, bytes);
  return own.buffer;
}

/** True where there is something to make ready. */
export function wantsSpares(): boolean {
  return wanted.length > 0;
}

/** Bytes that are ready. */
export function spareBytes(): number {
  return readyBytes;
}

/** Makes buffers ready until there is something else to do. */
export function makeSpares(isDue: () => boolean): void {
  const sizes = wanted.splice(0);
  for (let i = 0; i < sizes.length && !isDue(); i++) {
    const size = sizes[i]!;
    if (readyBytes + size > MAX_READY) continue;
    // As many of a size as were given away.
    const needed = sizes.filter((it, j) => it === size && j <= i).length;
    const found = ready.filter(({ byteLength }) => byteLength === size).length;
    if (found < needed) makeSpare(size, isDue);
  }
  if (isWatched || ready.length === 0) return;
  isWatched = true;
  afterRest(look);
}

function makeSpare(size: number, isDue: () => boolean): void {
  const buffer = new ArrayBuffer(size);
  const bytes = new Uint8Array(buffer);
  isUsed = true;
  readyBytes += size;
  ready.push(buffer);
  for (let page = 0; page * PAGE < size; page++) {
    bytes[page * PAGE] = 0;
    if (page % PAGES === 0 && isDue()) return;
  }
}

function look(): void {
  isWatched = false;
  if (!isUsed) {
    for (const buffer of ready.splice(0)) buffer.transfer(0);
    readyBytes = 0;
  }
  isUsed = false;
  if (ready.length === 0) return;
  isWatched = true;
  afterRest(look);
}
