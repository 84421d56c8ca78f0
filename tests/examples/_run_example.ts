// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { fromFileUrl } from "@std/path";

/** The root of the repository. */
export const ROOT: string = fromFileUrl(new URL("../../", import.meta.url));

/** How an example ended. */
export interface ExampleResult {
  code: number;
  stdout: string;
  stderr: string;
  /** Milliseconds from its start to its end. */
  duration: number;
}

/**
 * Runs a program of `examples/` as a user does. Its workers have its output
 * open, so the end of the output is also the end of the last of them.
 */
export async function runExample(
  name: string,
  ...args: string[]
): Promise<ExampleResult> {
  return await run([`examples/${name}`, ...args]);
}

/** Runs the text of a program as if it lay in the root. */
export async function runProgram(
  text: string,
  env: Record<string, string>,
): Promise<ExampleResult> {
  return await run(["-"], env, text);
}

async function run(
  args: string[],
  env: Record<string, string> = {},
  stdin?: string,
): Promise<ExampleResult> {
  const start = performance.now();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1", ...env },
    stdin: stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  if (stdin !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(stdin));
    await writer.close();
  }
  const { code, stdout, stderr } = await child.output();
  const duration = performance.now() - start;
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
    duration,
  };
}

/** Lines of a program's output, without the line end of the last. */
export function linesOf(output: string): string[] {
  return output.trimEnd().split("\n");
}
