// Copyright 2026 the @concurrent/parallel authors. MIT license.

import process from "node:process";
import { tasks } from "../tasks.js";

process.on("message", ([id, name, args]) => {
  process.send([id, tasks[name](...args)]);
});
process.on("disconnect", () => process.exit());
