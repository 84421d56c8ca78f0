// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Not an ES module: in Node.js such a one is loaded too late for the first
// message, and the pool waits for ever. So it cannot import the tasks either.

const { readFileSync } = require("node:fs");
const { join } = require("node:path");
const { ClusterWorker } = require("poolifier");

const text = readFileSync(join(__dirname, "../tasks.js"), "utf8");
const tasks = new Function(
  `${text.replaceAll(/^export /gm, "")}; return tasks;`,
)();

module.exports = new ClusterWorker(Object.fromEntries(
  Object.entries(tasks).map(([name, fn]) => [name, (args) => fn(...args)]),
));
