// Copyright 2026 the @concurrent/parallel authors. MIT license.

let poolifier;
let pool;

// Its queue is off, as by default: it costs it most of its speed.
export default {
  async load({ name }) {
    poolifier = await import(name);
  },
  start(workers, { pool: Pool, worker, isUrl }) {
    const entry = new URL(`../workers/${worker}`, import.meta.url);
    pool = new poolifier[Pool](workers, isUrl ? entry : entry.pathname, {
      errorHandler: console.error,
    });
  },
  call: (name, ...args) => pool.execute(args, name),
};
