// Copyright 2026 the @concurrent/parallel authors. MIT license.

const NAME = "piscina";
let Pool;
let pool;

export default {
  async load() {
    ({ default: Pool } = await import(NAME));
  },
  start(workers, options) {
    pool = new Pool({
      filename: new URL("../workers/piscina.js", import.meta.url).href,
      name: "run",
      minThreads: workers,
      maxThreads: workers,
      // Longer than any program: no worker goes while it is measured.
      idleTimeout: 600_000,
      recordTiming: false,
      ...options,
    });
  },
  call: (name, ...args) => pool.run([name, args], { name: "run" }),
};
