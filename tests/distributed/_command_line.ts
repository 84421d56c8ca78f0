// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Nodes that are started from a command line.

const PROGRAM = new URL("../../distributed/node.ts", import.meta.url);

/** The program of a node. */
export class CommandLine implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: string[] = [];
  readonly #listeners = new Set<() => void>();
  readonly #read: Promise<unknown>;
  #isOver = false;
  /** Resolves when it has ended. */
  readonly status: Promise<Deno.CommandStatus>;

  /**
   * @param args Of the command line.
   * @param env Besides what this program has.
   * @param program What is run.
   */
  constructor(
    args: readonly string[],
    env: Record<string, string> = {},
    program: URL = PROGRAM,
  ) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", program.href, ...args],
      env: { NO_COLOR: "1", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#read = Promise.all([
      this.#readLines(this.#child.stdout),
      this.#readLines(this.#child.stderr),
    ]);
    this.status = this.#end();
  }

  /** Resolves with the first line that matches; rejects where it ends without one. */
  async line(pattern: RegExp): Promise<string> {
    while (true) {
      const line = this.#lines.find((it) => pattern.test(it));
      if (line !== undefined) return line;
      if (this.#isOver) {
        throw new Error(`It ended without it: ${this.#lines.join("\n")}`);
      }
      await new Promise<void>((resolve) => this.#listeners.add(resolve));
    }
  }

  /** What it has printed so far. */
  get output(): string {
    return this.#lines.join("\n");
  }

  /** Does nothing where it has ended: that may be a moment before its end is seen. */
  kill(signal: Deno.Signal): void {
    if (this.#isOver) return;
    try {
      this.#child.kill(signal);
    } catch (error) {
      const hasEnded = error instanceof TypeError ||
        error instanceof Deno.errors.NotFound;
      if (!hasEnded) throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGKILL");
    await this.status;
  }

  async #end(): Promise<Deno.CommandStatus> {
    const status = await this.#child.status;
    await this.#read;
    this.#isOver = true;
    this.#tell();
    return status;
  }

  async #readLines(stream: ReadableStream<Uint8Array>): Promise<void> {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      this.#lines.push(...lines);
      this.#tell();
    }
  }

  #tell(): void {
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const listener of listeners) listener();
  }
}
