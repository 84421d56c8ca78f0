// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Makes the `jsr:@std/*` imports resolvable on a machine that cannot reach
 * jsr.io: fills `vendor/jsr.io/` with the stand-ins of `_tools/stand_ins/`.
 * Does nothing when `vendor/jsr.io` exists or jsr.io answers.
 *
 * Deno reads `vendor/` before it asks the network (`"vendor": true` in
 * deno.json), so nothing else has to know. This file must import nothing from
 * JSR: it runs exactly where such an import would fail.
 *
 * Usage: `deno run --no-config -A _tools/deps.ts [--force]`. `--force` writes
 * the stand-ins again without asking the network.
 *
 * @module
 */

import { createHash } from "node:crypto";

/** Milliseconds that jsr.io is given to answer: one request, once a clone. */
const REQUEST_TIMEOUT = 4_000;

/** The name is fixed by Deno: it is where a vendored `jsr:` import is looked up. */
const VENDOR_DIR = new URL("../vendor/jsr.io/", import.meta.url);
const STAND_INS_DIR = new URL("./stand_ins/", import.meta.url);

/** What `_tools/stand_ins/<package>/stand_in.json` holds. */
interface StandIn {
  /** Name with scope: `"@std/assert"`. */
  name: string;
  /** Version that Deno is told; satisfies the range in deno.json. */
  version: string;
  /** As in a deno.json: export name to file. */
  exports: Record<string, string>;
}

async function exists(url: URL): Promise<boolean> {
  try {
    await Deno.stat(url);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, {
      signal: AbortSignal.timeout(REQUEST_TIMEOUT),
    });
    // The body tells a registry from the log-in page of a hotel network.
    const meta = await response.json();
    return response.ok && meta?.scope === "std";
  } catch {
    // No route, no name, no answer in time, no JSON: all mean "use stand-ins".
    return false;
  }
}

async function writeStandIn(source: URL, target: URL): Promise<string> {
  const { name, version, exports }: StandIn = JSON.parse(
    await Deno.readTextFile(new URL("stand_in.json", source)),
  );
  const [scope, shortName] = name.slice(1).split("/") as [string, string];
  const packageDir = new URL(`@${scope}/${shortName}/`, target);
  const versionDir = new URL(`${version}/`, packageDir);
  await Deno.mkdir(versionDir, { recursive: true });

  const manifest: Record<string, { size: number; checksum: string }> = {};
  for await (const entry of Deno.readDir(source)) {
    if (!entry.isFile || !entry.name.endsWith(".ts")) continue;
    const bytes = await Deno.readFile(new URL(entry.name, source));
    const hash = createHash("sha256").update(bytes).digest("hex");
    manifest[`/${entry.name}`] = {
      size: bytes.byteLength,
      checksum: `sha256-${hash}`,
    };
    await Deno.writeFile(new URL(entry.name, versionDir), bytes);
  }
  await Deno.writeTextFile(
    new URL(`${version}_meta.json`, packageDir),
    JSON.stringify({ manifest, exports }),
  );
  await Deno.writeTextFile(
    new URL("meta.json", packageDir),
    JSON.stringify({
      scope,
      name: shortName,
      latest: version,
      versions: { [version]: {} },
    }),
  );
  return name;
}

async function writeStandIns(): Promise<string[]> {
  const parent = new URL("../", VENDOR_DIR);
  await Deno.mkdir(parent, { recursive: true });
  // Written beside and renamed at the end: a run that is cut short must not
  // leave a vendor/jsr.io that looks complete.
  const temp = new URL(`jsr.io.${crypto.randomUUID()}/`, parent);
  const names: string[] = [];
  for await (const entry of Deno.readDir(STAND_INS_DIR)) {
    if (!entry.isDirectory) continue;
    names.push(
      await writeStandIn(new URL(`${entry.name}/`, STAND_INS_DIR), temp),
    );
  }
  const tempPath = new URL(temp.href.replace(/\/$/, ""));
  const vendorPath = new URL(VENDOR_DIR.href.replace(/\/$/, ""));
  try {
    await Deno.rename(tempPath, vendorPath);
  } catch (error) {
    await Deno.remove(temp, { recursive: true });
    // Another task filled it meanwhile: its files are the same.
    if (!await exists(VENDOR_DIR)) throw error;
  }
  return names.sort();
}

if (import.meta.main) {
  const isForced = Deno.args.includes("--force");
  if (isForced) {
    await Deno.remove(VENDOR_DIR, { recursive: true }).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
  if (
    isForced ||
    !await exists(VENDOR_DIR) &&
      !await answers("https://jsr.io/@std/assert/meta.json")
  ) {
    const names = await writeStandIns();
    console.log(
      `jsr.io is out of reach: vendor/ holds stand-ins for ${names.join(", ")}`,
    );
  }
}
