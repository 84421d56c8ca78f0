// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The least: a message is a call, an answer is a message.

import { tasks } from "../tasks.js";

function answer([id, name, args]) {
  return [id, tasks[name](...args)];
}

if (globalThis.Deno === undefined) {
  const { parentPort } = await import("node:worker_threads");
  parentPort.on(
    "message",
    (message) => parentPort.postMessage(answer(message)),
  );
} else {
  self.onmessage = ({ data }) => self.postMessage(answer(data));
}
