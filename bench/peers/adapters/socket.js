// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { HEADER } from "../frames.js";

const links = [];
const waiting = new Map();
let lastId = 0;

async function takeAnswers(connection) {
  const buffer = new Uint8Array(1 << 20);
  let end = 0;
  for (;;) {
    const count = await connection.read(buffer.subarray(end));
    if (count === null) return;
    end += count;
    const whole = end - end % HEADER;
    const answers = new Float64Array(buffer.slice(0, whole).buffer);
    for (let i = 0; i < answers.length; i += 2) {
      waiting.get(answers[i])(answers[i + 1]);
      waiting.delete(answers[i]);
    }
    buffer.copyWithin(0, whole, end);
    end -= whole;
  }
}

/** Writes what was sent since the last write in one piece. */
async function flush(link) {
  while (link.pieces.length > 0) {
    const pieces = link.pieces;
    link.pieces = [];
    const [first] = pieces;
    let bytes = first;
    if (pieces.length > 1) {
      bytes = new Uint8Array(pieces.reduce((sum, p) => sum + p.length, 0));
      let at = 0;
      for (const piece of pieces) {
        bytes.set(piece, at);
        at += piece.length;
      }
    }
    while (bytes.length > 0) {
      bytes = bytes.subarray(await link.connection.write(bytes));
    }
  }
  link.isWriting = false;
}

export default {
  async start(count) {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/socket`;
    const listener = Deno.listen({ transport: "unix", path });
    const entry = new URL("../workers/socket.js", import.meta.url);
    for (let i = 0; i < count; i++) {
      new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-check", "--no-lock", entry.pathname, path],
        stdin: "null",
        stdout: "null",
      }).spawn().unref();
    }
    for (let i = 0; i < count; i++) {
      const connection = await listener.accept();
      takeAnswers(connection);
      links.push({ connection, pieces: [], isWriting: false });
    }
    listener.close();
    await Deno.remove(folder, { recursive: true });
    await Promise.all(links.map(() => this.call("add", 1, 2)));
  },
  call(_name, first, second) {
    return new Promise((resolve) => {
      const id = ++lastId;
      waiting.set(id, resolve);
      const values = typeof first === "number"
        ? new Float64Array([first, second])
        : first;
      const link = links[id % links.length];
      const header = new Float64Array([values.byteLength, id]);
      link.pieces.push(
        new Uint8Array(header.buffer),
        new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
      );
      if (link.isWriting) return;
      link.isWriting = true;
      queueMicrotask(() => flush(link));
    });
  },
};
