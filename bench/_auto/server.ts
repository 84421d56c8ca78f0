// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A server in a process of its own, as servers are: answers each request after
// as many milliseconds as its path says, and ends with standard input.

import { delay } from "@std/async/delay";

/** Where a server listens, until it is disposed. */
export class ServerProcess implements AsyncDisposable {
  readonly origin: string;
  readonly #child: Deno.ChildProcess;

  private constructor(origin: string, child: Deno.ChildProcess) {
    this.origin = origin;
    this.#child = child;
  }

  static async start(): Promise<ServerProcess> {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", import.meta.url],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    const { value = new Uint8Array() } = await reader.read();
    await reader.cancel();
    return new ServerProcess(new TextDecoder().decode(value).trim(), child);
  }

  /** A number that is answered so late, in ms. */
  url(id: number, latency: number): string {
    return `${this.origin}/${latency}/${id}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stdin.close();
    await this.#child.status;
  }
}

async function serve(): Promise<void> {
  Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => console.log(`http://127.0.0.1:${port}`),
  }, async ({ url }) => {
    const [, latency, id] = new URL(url).pathname.split("/").map(Number);
    await delay(latency!);
    return Response.json({ id, text: "x".repeat(1000) });
  });
  for await (const _ of Deno.stdin.readable);
  Deno.exit(0);
}

if (import.meta.main) await serve();
