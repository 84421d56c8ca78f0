// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { createRing, push, takeAnswers } from "../rings.js";

const workers = [];
const waiting = new Map();
let lastId = 0;

export default {
  async start(count) {
    const entry = new URL("../workers/rings.js", import.meta.url);
    for (let i = 0; i < count; i++) {
      const rings = [createRing(), createRing()];
      const worker = new Worker(entry, { type: "module" });
      worker.postMessage(rings);
      workers.push({ worker, calls: rings[0] });
      takeAnswers(rings[1], (id, result) => {
        waiting.get(id)(result);
        waiting.delete(id);
      });
    }
    await Promise.all(workers.map(() => this.call("add", 1, 2)));
  },
  call(_name, a, b) {
    return new Promise((resolve) => {
      const id = ++lastId;
      waiting.set(id, resolve);
      push(workers[id % workers.length].calls, id, a, b);
    });
  },
};
