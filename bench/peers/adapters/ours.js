// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { tasks } from "../tasks.js";

let futures;
let pool;

export default {
  async load() {
    futures = await import("../../../futures/mod.ts");
  },
  start(maxWorkers, { executor, hasFfi = true }) {
    // Given up here and not denied on the command line: without all permissions
    // Deno does not open /proc, which tells the caller's processor time.
    if (!hasFfi) Deno.permissions.revokeSync({ name: "ffi" });
    pool = new futures[executor]({ maxWorkers });
  },
  call: (name, ...args) => pool.submit(tasks[name], ...args),
  async map(name, items) {
    let sum = 0;
    for await (const result of pool.map(tasks[name], items)) sum += result;
    return sum;
  },
};
