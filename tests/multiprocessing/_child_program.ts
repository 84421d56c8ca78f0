// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { TextLineStream } from "./_text_lines.ts";

const CHILD = import.meta.resolve("./_shared_memory_child.ts");

/** What of our memory a process has open. */
export function memoryFiles(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return Array.from(Deno.readDirSync(folder), ({ name }) => {
    try {
      return Deno.readLinkSync(`${folder}/${name}`);
    } catch {
      // The descriptor with which the folder was read.
      return "";
    }
  }).filter((link) => link.startsWith("/memfd:concurrent-parallel-")).sort();
}

/** A program of its own, that is no child of the library. It says "ready" first. */
export class ChildProgram implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  hasEnded = false;

  private constructor(what: string, name: string, permissions: string[]) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", ...permissions, CHILD, what, name],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    void this.#child.status.then(() => this.hasEnded = true);
    this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream()).getReader();
    this.#stdin = this.#child.stdin.getWriter();
  }

  static async start(
    what: string,
    name: string,
    permissions: string[] = ["-A"],
  ): Promise<ChildProgram> {
    const program = new ChildProgram(what, name, permissions);
    const line = await program.line();
    if (line !== "ready") throw new RangeError(`it says ${line}`);
    return program;
  }

  get pid(): number {
    return this.#child.pid;
  }

  async line(): Promise<string> {
    return (await this.#lines.read()).value ?? "(the end)";
  }

  async tell(line: string): Promise<void> {
    await this.#stdin.write(new TextEncoder().encode(`${line}\n`));
  }

  /** SIGKILL, and it is gone. */
  async kill(): Promise<void> {
    if (!this.hasEnded) this.#child.kill("SIGKILL");
    await this.#child.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#stdin.abort().catch(() => {});
    while (!(await this.#lines.read()).done);
  }
}
