// Copyright 2026 the @concurrent/parallel authors. MIT license.

/** A reproducible sequence of 31-bit numbers (xorshift32). */
export function random(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 1;
  };
}

/** Writes bytes that depend on the record's number and on their place. */
export function fill(record: Uint8Array, number: number): void {
  for (let i = 0; i < record.length; i++) record[i] = number * 31 + i * 7;
}

/** Adds a record to a checksum that sees order, lengths, kinds and bytes. */
export function checksum(
  sum: number,
  record: Uint8Array,
  kind: number,
): number {
  let next = Math.imul(sum ^ (record.length * 2 + kind), 16777619);
  for (const byte of record) next = Math.imul(next ^ byte, 16777619);
  return next >>> 0;
}
