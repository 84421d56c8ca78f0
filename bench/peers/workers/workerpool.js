// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { tasks } from "../tasks.js";

// Not a literal: the gate must not need the package.
const NAME = "workerpool";
const { default: workerpool } = await import(NAME);

workerpool.worker(tasks);
