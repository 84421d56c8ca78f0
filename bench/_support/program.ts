// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { installPeers, PACKAGE_FLAGS } from "./install.ts";
import { readLines } from "./lines.ts";

/** A request to a process that serves an implementation. */
export interface Command {
  readonly scenario: string;
  readonly args: readonly unknown[];
}

/** The answer. */
export type Answer =
  | { readonly value: number | null }
  | { readonly error: string };

const RUN = ["run", "-A", "--no-check"];

/** What an implementation did was wrong. */
export class WrongResult extends Error {}

/** A process that serves an implementation; one command at a time. */
export class Program implements AsyncDisposable {
  readonly name: string;
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #lines: AsyncIterator<string>;

  private constructor(
    name: string,
    path: URL,
    command: string,
    args: readonly string[],
  ) {
    this.name = name;
    this.#child = new Deno.Command(command, {
      args: [...args, path.pathname],
      cwd: new URL(".", path),
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#reader = this.#child.stdout.getReader();
    this.#lines = readLines(this.#reader);
  }

  /** Starts a program in Deno. */
  static deno(name: string, path: URL, flags: readonly string[] = []): Program {
    return new Program(name, path, Deno.execPath(), [...RUN, ...flags]);
  }

  /** Starts a program in Python. */
  static python(name: string, path: URL): Program {
    return new Program(name, path, "python3", []);
  }

  /** Starts a rival, if npm has its package; else says why there is none. */
  static async peer(file: string): Promise<Program | string> {
    const path = new URL(`../peers/${file}.ts`, import.meta.url);
    const packages = await installPeers();
    return packages.has(file)
      ? Program.deno(file, path, PACKAGE_FLAGS)
      : `${file}: skipped, its package could not be installed`;
  }

  /**
   * Has one thing measured; NaN where the implementation has no such thing.
   *
   * @throws {WrongResult} If the implementation did not do it rightly.
   */
  async call(command: Command): Promise<number> {
    await this.#writer.write(
      new TextEncoder().encode(`${JSON.stringify(command)}\n`),
    );
    const { value } = await this.#lines.next();
    if (value === undefined) {
      throw new TypeError(`Cannot go on: ${this.name} has ended`);
    }
    const answer = JSON.parse(value) as Answer;
    if ("error" in answer) {
      throw new WrongResult(
        `${command.scenario} of ${this.name}: ${answer.error}`,
      );
    }
    // JSON has no NaN.
    return answer.value ?? NaN;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close();
    await this.#reader.cancel();
    await this.#child.status;
  }
}
