// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Makes the `jsr:@std/*` imports resolvable on a machine that cannot reach
 * jsr.io: fills `vendor/jsr.io/` with the stand-ins of `_tools/stand_ins/`.
 * Does nothing when `vendor/jsr.io` holds the real packages or jsr.io answers;
 * stand-ins that are out of date are written again.
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

/** Tells stand-ins from real packages, and whether they are those of now. */
const MARKER = new URL("stand_ins.json", VENDOR_DIR);

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

/** Hash of all stand-ins: what is in vendor/ is written again when it changes. */
async function hashStandIns(): Promise<string> {
  const hash = createHash("sha256");
  const files: URL[] = [];
  for await (const folder of Deno.readDir(STAND_INS_DIR)) {
    if (!folder.isDirectory) continue;
    const url = new URL(`${folder.name}/`, STAND_INS_DIR);
    for await (const { name } of Deno.readDir(url)) {
      files.push(new URL(name, url));
    }
  }
  files.sort((a, b) => a.href < b.href ? -1 : 1);
  for (const url of files) {
    hash.update(url.href.slice(STAND_INS_DIR.href.length));
    hash.update(await Deno.readFile(url));
  }
  return hash.digest("hex");
}

/** Whether stand-ins are called for: forced, out of date or out of reach. */
async function isNeeded(hash: string): Promise<boolean> {
  if (Deno.args.includes("--force")) return true;
  if (await exists(MARKER)) {
    return JSON.parse(await Deno.readTextFile(MARKER)).hash !== hash;
  }
  return !await exists(VENDOR_DIR) &&
    !await answers("https://jsr.io/@std/assert/meta.json");
}

async function removeIfThere(url: URL): Promise<void> {
  try {
    await Deno.remove(url, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function writeStandIns(hash: string): Promise<string[]> {
  const isReplacing = await exists(VENDOR_DIR);
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
  await Deno.writeTextFile(
    new URL("stand_ins.json", temp),
    JSON.stringify({ hash }),
  );
  // Not if it came meanwhile: another task may be reading it already.
  if (isReplacing) await removeIfThere(VENDOR_DIR);
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
  const hash = await hashStandIns();
  if (await isNeeded(hash)) {
    const names = await writeStandIns(hash);
    console.log(`vendor/ holds stand-ins for ${names.join(", ")}`);
  }
}
