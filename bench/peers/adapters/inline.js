// Copyright 2026 the @concurrent/parallel authors. MIT license.

// No pool: the call itself.

import { tasks } from "../tasks.js";

export default {
  start() {},
  call: (name, ...args) => tasks[name](...args),
};
