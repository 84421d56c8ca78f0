// Copyright 2026 the @concurrent/parallel authors. MIT license.

// For piscina and tinypool: one argument, which names the function.

export { run } from "../tasks.js";
