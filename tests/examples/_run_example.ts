// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { fromFileUrl } from "@std/path";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));

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
  const start = performance.now();
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", `examples/${name}`, ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
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
