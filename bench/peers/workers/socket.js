// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Reads frames (bytes that follow, id, then the payload) from a Unix socket,
// copies each payload to where it would be used, and answers with one number.

import { createReader } from "../frames.js";

const [path] = Deno.args;
const connection = await Deno.connect({ transport: "unix", path });
const next = createReader(connection);
for (;;) {
  const frame = await next();
  if (frame === undefined) break;
  const answers = [];
  let current = frame;
  do {
    const values = new Float64Array(current.payload);
    // The two numbers of add(), or the array of measure().
    const result = values.length === 2
      ? values[0] + values[1]
      : values[values.length - 1];
    answers.push(current.id, result);
    current = next.buffered();
  } while (current !== undefined);
  let bytes = new Uint8Array(new Float64Array(answers).buffer);
  while (bytes.length > 0) {
    bytes = bytes.subarray(await connection.write(bytes));
  }
}
