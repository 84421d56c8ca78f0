// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { tasks } from "../tasks.js";

// Not a literal: the gate must not need the package.
const NAME = "poolifier";
const { ThreadWorker } = await import(NAME);

export default new ThreadWorker(Object.fromEntries(
  Object.entries(tasks).map(([name, fn]) => [name, (args) => fn(...args)]),
));
