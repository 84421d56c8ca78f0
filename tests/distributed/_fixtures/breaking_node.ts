// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A node whose workers cannot be replaced.

import { serve } from "@concurrent/parallel/distributed";

const [url, queue, authKey] = Deno.args as [string, string, string];
const node = await serve({
  url,
  queue,
  authKey,
  maxWorkers: 1,
  maxTasksPerWorker: 1,
});
Deno.permissions.revokeSync({ name: "run" });
console.log("serving");
await node.ended.catch((error) => console.log(`${error}`));
