// Copyright 2026 the @concurrent/parallel authors. MIT license.

import type { ServeOptions } from "@concurrent/parallel/distributed";
import { fromFileUrl } from "@std/path";

const ENTRY = fromFileUrl(
  import.meta.resolve("./_fixtures/node_entry.ts"),
);

/** A node in a process of its own, as on another machine. */
export class NodeProcess implements AsyncDisposable {
  /** As in its stats. */
  readonly id: string;
  readonly #child: Deno.ChildProcess;

  private constructor(id: string, child: Deno.ChildProcess) {
    this.id = id;
    this.#child = child;
  }

  /** Starts a node; resolves when it serves. */
  static async start(options: ServeOptions): Promise<NodeProcess> {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", ENTRY, JSON.stringify(options)],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    const { value } = await reader.read();
    await reader.cancel();
    if (value === undefined) {
      await child.stdin.close();
      const { code } = await child.status;
      throw new TypeError(
        `Cannot start a node: its process ended with ${code}`,
      );
    }
    return new NodeProcess(new TextDecoder().decode(value).trim(), child);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Ends it as a machine ends whose power fails. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#child.stdin.close().catch(() => {});
  }

  /** Sends a signal, and returns the exit code once it has ended. */
  async end(signal: Deno.Signal): Promise<number> {
    this.#child.kill(signal);
    const { code } = await this.#child.status;
    await this.#child.stdin.close().catch(() => {});
    return code;
  }

  /** Has it finish what it has; nothing where it was killed. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stdin.close().catch(() => {});
    await this.#child.status;
  }
}
