// Copyright 2026 the @concurrent/parallel authors. MIT license.

const PEERS = new URL("../peers/", import.meta.url);

/** Arguments of `deno run` for programs that use the packages of `bench/peers/`. */
export const PACKAGE_FLAGS: readonly string[] = [
  "--no-lock",
  "--node-modules-dir=manual",
];

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(new URL(path, PEERS)).then(() => true, () => false);
}

/** Runs a command; what it wrote to standard error if it failed, or why it did not run. */
async function run(
  command: string,
  args: string[],
): Promise<string | undefined> {
  try {
    const { success, stderr } = await new Deno.Command(command, {
      args,
      cwd: PEERS,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).output();
    return success ? undefined : new TextDecoder().decode(stderr).trim();
  } catch (error) {
    return String(error);
  }
}

/** Version of a command, or undefined where there is none. */
export async function versionOf(command: string): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command(command, {
      args: ["--version"],
      stdin: "null",
      stderr: "null",
    }).output();
    return success
      ? /\d+(\.\d+)+/.exec(new TextDecoder().decode(stdout))?.[0]
      : undefined;
  } catch {
    // There is no such command.
    return undefined;
  }
}

/**
 * Installs those packages of `bench/peers/package.json` that are not there yet,
 * with npm where it is found. Returns the version of each one, and for those
 * that could not be had nothing.
 */
export async function installPeers(): Promise<Map<string, string>> {
  const { dependencies } = JSON.parse(
    await Deno.readTextFile(new URL("package.json", PEERS)),
  ) as { dependencies: Record<string, string> };
  const wanted = Object.entries(dependencies);
  const found = async () => {
    const versions = new Map<string, string>();
    for (const [name] of wanted) {
      const path = `node_modules/${name}/package.json`;
      if (!await exists(path)) continue;
      const text = await Deno.readTextFile(new URL(path, PEERS));
      versions.set(name, (JSON.parse(text) as { version: string }).version);
    }
    return versions;
  };
  const isComplete = (versions: Map<string, string>) =>
    wanted.every(([name, version]) => versions.get(name) === version);

  const versions = await found();
  if (isComplete(versions)) return versions;
  const quiet = ["--no-audit", "--no-fund", "--no-package-lock"];
  if (await run("npm", ["install", ...quiet]) === undefined) {
    return await found();
  }
  await run(Deno.execPath(), [
    "install",
    "--no-lock",
    "--node-modules-dir=auto",
  ]);
  return await found();
}
