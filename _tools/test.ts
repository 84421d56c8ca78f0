// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * `deno task test`: runs the files named, or every test. All of them run in two
 * groups at a time, each with a temporary folder of its own, since most tests wait
 * for something; what the second one prints comes when the first one is done.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";

const ROOT = fromFileUrl(new URL("../", import.meta.url));
const COMMAND = ["test", "-A", "--preload", "./tests/_support/leaks.ts"];
/** About half of all tests, in time. */
const FIRST = [
  "tests/conformance/futures",
  "tests/faults",
  "tests/futures",
];

/** Everything in `tests/` that is not in the first group. */
export function secondGroup(root: string = ROOT): string[] {
  const rest: string[] = [];
  const visit = (folder: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(`${root}/${folder}`)) {
      const path = `${folder}/${name}`;
      if (FIRST.includes(path)) continue;
      if (isDirectory && FIRST.some((it) => it.startsWith(`${path}/`))) {
        visit(path);
      } else if (isDirectory || name.endsWith("_test.ts")) rest.push(path);
    }
  };
  visit("tests");
  return rest.sort();
}

async function run(
  paths: readonly string[],
  isShown: boolean,
  env: Record<string, string> = {},
): Promise<{ code: number; output: Uint8Array<ArrayBuffer> }> {
  const command = new Deno.Command(Deno.execPath(), {
    args: [...COMMAND, ...paths],
    cwd: ROOT,
    env,
    stdin: "null",
    stdout: isShown ? "inherit" : "piped",
    stderr: isShown ? "inherit" : "piped",
  });
  if (isShown) {
    const { code } = await command.spawn().status;
    return { code, output: new Uint8Array() };
  }
  const { code, stdout, stderr } = await command.output();
  const output = new Uint8Array(stdout.length + stderr.length);
  output.set(stderr);
  output.set(stdout, stderr.length);
  return { code, output };
}

async function runAll(): Promise<number> {
  const folders = [await Deno.makeTempDir(), await Deno.makeTempDir()];
  try {
    const [first, second] = await Promise.all([
      run(FIRST, true, { TMPDIR: folders[0]! }),
      run(secondGroup(), false, { TMPDIR: folders[1]! }),
    ]);
    const writer = Deno.stdout.writable.getWriter();
    await writer.write(second.output);
    writer.releaseLock();
    return first.code || second.code;
  } finally {
    for (const folder of folders) {
      await Deno.remove(folder, { recursive: true });
    }
  }
}

if (import.meta.main) {
  Deno.exit(
    Deno.args.length > 0 ? (await run(Deno.args, true)).code : await runAll(),
  );
}
