// Copyright 2026 the @concurrent/parallel authors. MIT license.

/** One page: each of them is read. */
const PAGE = 4096;

/**
 * A number that depends on each page.
 *
 * @param {Uint8Array} bytes
 * @returns {number}
 */
export function digest(bytes) {
  let sum = bytes.length;
  for (let i = 0; i < bytes.length; i += PAGE) sum += bytes[i] * (i / PAGE + 1);
  return sum;
}
