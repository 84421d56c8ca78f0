// Copyright 2026 the @concurrent/parallel authors. MIT license.

const NAME = "workerpool";
let workerpool;
let pool;

export default {
  async load() {
    ({ default: workerpool } = await import(NAME));
  },
  start(workers, { workerType }) {
    const entry = new URL("../workers/workerpool.js", import.meta.url);
    pool = workerpool.pool(entry.pathname, {
      workerType,
      minWorkers: workers,
      maxWorkers: workers,
      // Without it a typed array arrives in a process as an object.
      forkOpts: { serialization: "advanced" },
    });
  },
  call: (name, ...args) => pool.exec(name, args),
};
