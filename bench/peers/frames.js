// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Frames on a stream: length and id, eight bytes each as a Float64, and the
// payload. Only what a bare copy over a socket needs.

export const HEADER = 16;

/** Returns a function that reads the next frame; `.buffered()` does not wait. */
export function createReader(connection) {
  let buffer = new Uint8Array(1 << 20);
  let start = 0;
  let end = 0;

  function buffered() {
    if (end - start < HEADER) return undefined;
    const [length, id] = new Float64Array(
      buffer.slice(start, start + HEADER).buffer,
    );
    if (end - start < HEADER + length) {
      reserve(HEADER + length);
      return undefined;
    }
    const from = start + HEADER;
    start = from + length;
    return { id, payload: buffer.slice(from, start).buffer };
  }

  function reserve(size) {
    if (buffer.length - start >= size) return;
    const room = buffer.length >= size ? buffer : new Uint8Array(size * 2);
    room.set(buffer.subarray(start, end));
    buffer = room;
    end -= start;
    start = 0;
  }

  async function next() {
    for (;;) {
      const frame = buffered();
      if (frame !== undefined) return frame;
      if (start === end) start = end = 0;
      reserve(end - start + HEADER);
      if (end === buffer.length) reserve(buffer.length - start + HEADER);
      const count = await connection.read(buffer.subarray(end));
      if (count === null) return undefined;
      end += count;
    }
  }
  next.buffered = buffered;
  return next;
}
