// Copyright 2026 the @concurrent/parallel authors. MIT license.

// By hand: a worker, postMessage, and a table of who waits. Round robin.

const isDeno = globalThis.Deno !== undefined;
const waiting = new Map();
const workers = [];
let NodeWorker;
let lastId = 0;

function take([id, result]) {
  waiting.get(id)(result);
  waiting.delete(id);
}

export default {
  async load() {
    if (!isDeno) ({ Worker: NodeWorker } = await import("node:worker_threads"));
  },
  start(count) {
    const entry = new URL("../workers/raw_worker.js", import.meta.url);
    for (let i = 0; i < count; i++) {
      if (isDeno) {
        const worker = new Worker(entry, { type: "module" });
        worker.onmessage = ({ data }) => take(data);
        workers.push(worker);
      } else {
        const worker = new NodeWorker(entry);
        worker.on("message", take);
        workers.push(worker);
      }
    }
  },
  call(name, ...args) {
    return new Promise((resolve) => {
      const id = ++lastId;
      waiting.set(id, resolve);
      workers[id % workers.length].postMessage([id, name, args]);
    });
  },
};
