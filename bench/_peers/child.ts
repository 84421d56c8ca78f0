// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A subject in a process of its own. It can hang, die, or write anything: all of
// that is an outcome, and none of it ends the driver.

import { PACKAGE_FLAGS } from "../_support/install.ts";
import { readLines } from "../_support/lines.ts";
import type { Subject } from "./subjects.ts";
import { family } from "./usage.ts";

/** A command, as `bench/peers/main.js` takes it. */
export interface Command {
  readonly kind: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** Figures by name. */
export type Figures = Readonly<Record<string, number>>;

/** How a command ended. */
export type Outcome =
  | { readonly state: "done"; readonly figures: Figures }
  | {
    /** No answer in time; the process is gone; a wrong result; an error. */
    readonly state: "hangs" | "dies" | "wrong" | "fails";
    readonly reason: string;
  };

/** How a program is started. */
export interface CommandLine {
  readonly command: string;
  readonly args: readonly string[];
}

/** Each answer begins with it. */
const MARK = "@@";

const PEERS = new URL("../peers/", import.meta.url);

/** The command line of a subject. */
export function commandLineOf(subject: Subject): CommandLine {
  const options = JSON.stringify(subject.options);
  const main = new URL("main.js", PEERS).pathname;
  switch (subject.runtime) {
    case "python": {
      const path = new URL("main.py", PEERS).pathname;
      return { command: "python3", args: [path, subject.adapter] };
    }
    case "node":
      return { command: "node", args: [main, subject.adapter, options] };
    case "deno":
      return {
        command: Deno.execPath(),
        args: [
          ...["run", "-A", "--no-check"],
          ...(subject.npm === undefined
            ? ["--no-lock", "--node-modules-dir=none"]
            : PACKAGE_FLAGS),
          ...[main, subject.adapter, options],
        ],
      };
  }
}

/** A process that takes commands, one at a time, until something goes wrong. */
export class Child implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #signal: AbortSignal | undefined;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #lines: AsyncGenerator<string>;
  #isUsable = true;

  constructor({ command, args }: CommandLine, signal?: AbortSignal) {
    this.#signal = signal;
    this.#process = new Deno.Command(command, {
      args: [...args],
      cwd: PEERS,
      env: { NO_COLOR: "1" },
      // Ctrl-C is for the driver, which ends it in order.
      detached: true,
      stdin: "piped",
      stdout: "piped",
      // Peers warn, and report the deaths of their workers.
      stderr: "null",
    }).spawn();
    this.#writer = this.#process.stdin.getWriter();
    this.#reader = this.#process.stdout.getReader();
    this.#lines = readLines(this.#reader);
  }

  /** Process id. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Whether it can take a further command. */
  get isUsable(): boolean {
    return this.#isUsable;
  }

  /** Has one thing measured. */
  async call(command: Command, timeout: number): Promise<Outcome> {
    const late = Promise.withResolvers<undefined>();
    const stop = () => late.resolve(undefined);
    const timer = setTimeout(stop, timeout);
    if (this.#signal?.aborted) stop();
    this.#signal?.addEventListener("abort", stop);
    try {
      await this.#writer.write(
        new TextEncoder().encode(`${JSON.stringify(command)}\n`),
      );
      const answered = this.#answer();
      // After a timeout nobody waits for it, and it ends with the process.
      answered.catch(() => {});
      const line = await Promise.race([answered, late.promise]);
      if (line === undefined) {
        this.#isUsable = false;
        const reason = `no answer in ${timeout / 1000} s`;
        return { state: "hangs", reason };
      }
      const answer = JSON.parse(line) as
        | { value: Figures }
        | { error: string; isWrong: boolean };
      if ("value" in answer) return { state: "done", figures: answer.value };
      // What is still under way in it would disturb what comes next.
      this.#isUsable = false;
      const state = answer.isWrong ? "wrong" : "fails";
      return { state, reason: answer.error };
    } catch (error) {
      this.#isUsable = false;
      return {
        state: "dies",
        reason: error instanceof Error ? error.message : String(error),
      };
    } finally {
      clearTimeout(timer);
      this.#signal?.removeEventListener("abort", stop);
    }
  }

  async #answer(): Promise<string> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) throw new TypeError("its process has ended");
      if (value.startsWith(MARK)) return value.slice(MARK.length);
    }
  }

  /** Ends it and all that it has started, whatever state they are in. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const pid of await family(this.#process.pid)) kill(pid);
    await this.#process.status;
    // Both ends are gone; a pending write or read ends with them.
    await Promise.allSettled([this.#writer.abort(), this.#reader.cancel()]);
  }
}

function kill(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}
