// Copyright 2026 the @concurrent/parallel authors. MIT license.

// By hand: child processes and their IPC channel. Round robin.

import { fork } from "node:child_process";

const waiting = new Map();
const workers = [];
let lastId = 0;

export default {
  start(count) {
    const entry = new URL("../workers/fork.js", import.meta.url);
    for (let i = 0; i < count; i++) {
      const child = fork(entry.pathname, { serialization: "advanced" });
      child.on("message", ([id, result]) => {
        waiting.get(id)(result);
        waiting.delete(id);
      });
      workers.push(child);
    }
  },
  call(name, ...args) {
    return new Promise((resolve) => {
      const id = ++lastId;
      waiting.set(id, resolve);
      workers[id % workers.length].send([id, name, args]);
    });
  },
};
