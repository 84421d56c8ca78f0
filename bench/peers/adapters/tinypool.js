// Copyright 2026 the @concurrent/parallel authors. MIT license.

const NAME = "tinypool";
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
      idleTimeout: 60_000,
      // In Deno a pool with atomics never gets its first result, and none of
      // processes starts with this serialization; without it a typed array
      // arrives in a process as an object.
      ...(globalThis.Deno === undefined
        ? { serialization: "advanced" }
        : { useAtomics: false }),
      ...options,
    });
  },
  call: (name, ...args) => pool.run([name, args], { name: "run" }),
};
