// Copyright 2026 the @concurrent/parallel authors. MIT license.

// An executor with a node of its own: what suites make that expect one to
// bring its workers along.

import {
  DistributedExecutor,
  type DistributedOptions,
  serve,
  type ServeOptions,
  type WorkerNode,
} from "../../distributed/mod.ts";
import type { ShutdownOptions } from "../../futures/mod.ts";

/** What both sides of a test's queue have in common. */
export interface QueueOptions {
  readonly url: string;
  readonly queue: string;
  readonly authKey?: string;
}

/** An executor whose node ends with it. */
export class OwnNodeExecutor extends DistributedExecutor {
  readonly #node: Promise<WorkerNode>;

  constructor(
    queue: QueueOptions,
    nodeOptions: ServeOptions,
    options: DistributedOptions = {},
  ) {
    super({ ...queue, ...options });
    this.#node = serve({ ...queue, ...nodeOptions });
    // Told by whoever waits for it.
    this.#node.catch(() => {});
  }

  override async shutdown(options: ShutdownOptions = {}): Promise<void> {
    try {
      await super.shutdown(options);
    } finally {
      await (await this.#node).drain();
    }
  }

  override async terminate(): Promise<void> {
    await super.terminate();
    await (await this.#node).drain();
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }
}
