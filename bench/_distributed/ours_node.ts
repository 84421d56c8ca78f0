// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The node of `ours.ts`.

import { serve as serveQueue } from "@concurrent/parallel/distributed";
import { serve } from "../_support/serve.ts";
import { AUTH_KEY } from "./ours.ts";

class Node {
  async start(
    url: string,
    queue: string,
    concurrency: number,
    backend: "threads" | "processes",
  ): Promise<number> {
    await serveQueue({
      url,
      queue,
      authKey: AUTH_KEY,
      backend,
      maxWorkers: concurrency,
    });
    return 0;
  }
}

await serve(new Node());
