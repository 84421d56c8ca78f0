// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Any program with a process.

import { Process } from "@concurrent/parallel/multiprocessing";

const process = new Process({ target: () => 42 }).start();
if (await process.result() !== 42) throw new RangeError("it is wrong");
await process.join();
