// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * The layers of this package and what may be used where: the tables that
 * `check_layers.ts` (imports, cycles, budgets) and `lint_plugin.ts` (platform
 * APIs) enforce. To change a rule, change a table.
 *
 * All paths are relative to the root of the repository, with `/`.
 *
 * @module
 */

/**
 * Folder (with `/`) or file to its layer. An import, of types too, goes to a
 * strictly lower layer or stays in its own folder. The longest prefix counts.
 */
export const LAYERS: Readonly<Record<string, number>> = {
  "tests/": 9,
  "bench/": 9,
  "examples/": 9,
  "docs/": 9,
  "_tools/": 9,
  "mod.ts": 8,
  "_entry/": 8,
  "distributed/": 8,
  "futures/": 7,
  "multiprocessing/": 6,
  "threading/": 5,
  "_internal/auto/": 5,
  "_internal/pool/": 4,
  "_internal/objects/": 4,
  "_internal/worker/": 3,
  "_internal/wire/": 2,
  "_internal/memory/": 1,
  "_internal/base/": 0,
};

/** The layer that sources are below: it imports everything, nobody imports it. */
export const TOP_LAYER = 9;

/** Folders whose files are exports of the package, unless they start with `_`. */
export const FAMILIES = [
  "threading",
  "multiprocessing",
  "futures",
  "distributed",
] as const;

/**
 * Who may use the private files of a family, besides itself. An executor over
 * a broker is made of the same parts as those of `futures/`.
 */
const FRIENDS: Readonly<Record<string, readonly string[]>> = {
  futures: ["distributed/"],
};

function isFriend(path: string, family: string): boolean {
  return (FRIENDS[family] ?? []).some((friend) => path.startsWith(friend));
}

/** One use of the platform and the only places that it belongs to. */
export interface PlatformRule {
  /** What is confined, as it is written. */
  use: string;
  /** Where it may be used. */
  where: readonly string[];
  /** Why. */
  reason: string;
}

/** Kept by `lint_plugin.ts`; above layer 8 nothing is confined. */
export const PLATFORM_RULES = {
  atomics: {
    use: "Atomics.*",
    where: ["_internal/memory/"],
    reason: "a protocol on shared memory has one home and one set of tests",
  },
  worker: {
    use: "new Worker",
    where: ["_internal/worker/"],
    reason: "workers are started, watched and counted in one place",
  },
  process: {
    use: "Deno.Command, Deno.spawn*, node:child_process, node:worker_threads",
    where: ["_internal/worker/"],
    reason: "processes are started, watched and counted in one place",
  },
  message: {
    use: "postMessage()",
    // Start-up hands the channel over with one message.
    where: ["_internal/wire/", "_internal/worker/", "_internal/objects/"],
    reason: "values cross isolates through the codec only",
  },
  entry: {
    use: "a path to _entry/",
    where: ["_internal/worker/entry_urls.ts"],
    reason: "the one upward edge of the layers is named in one file",
  },
  console: {
    use: "console.*",
    // A guest reports an error that no caller waits for; a node is a program.
    where: ["_internal/worker/", "distributed/node.ts"],
    reason: "a library does not print",
  },
} as const satisfies Record<string, PlatformRule>;

/**
 * What the module graph of a worker entry may weigh: every start pays for it.
 * Static imports of values count, types and dynamic imports do not.
 */
export const ENTRY_BUDGETS: Readonly<
  Record<string, { modules: number; bytes: number }>
> = {
  "_entry/thread.ts": { modules: 62, bytes: 500_000 },
  "_entry/process.ts": { modules: 60, bytes: 500_000 },
};

/** Longest prefix of `path` in {@linkcode LAYERS}. */
function place(path: string): string | undefined {
  return Object.keys(LAYERS)
    .filter((key) => key.endsWith("/") ? path.startsWith(key) : path === key)
    .sort((a, b) => b.length - a.length)[0];
}

/** Layer of a file, or `undefined` when the table does not know it. */
export function layerOf(path: string): number | undefined {
  const found = place(path);
  return found === undefined ? undefined : LAYERS[found];
}

/** Says why `from` may not import `to`, or returns `undefined` if it may. */
export function importProblem(from: string, to: string): string | undefined {
  const [source, target] = [place(from), place(to)];
  if (source === undefined) return "its own place is in no layer";
  if (target === undefined) return "the imported file is in no layer";
  const isOwnFolder = source === target && source.endsWith("/");
  const [above, below] = [LAYERS[source]!, LAYERS[target]!];
  if (above === TOP_LAYER) return undefined;
  if (!isOwnFolder && below >= above) {
    return `layer ${above} (${source}) may not import layer ${below} (${target})`;
  }
  const family = FAMILIES.find((name) => to.startsWith(`${name}/`));
  const isPrivate = to.split("/").slice(1).some((name) => name.startsWith("_"));
  if (family && isPrivate && !isOwnFolder && !isFriend(from, family)) {
    return `private files of ${family}/ are for ${family}/ only`;
  }
  return undefined;
}

/** Whether the platform rule allows its use in the file. */
export function isAllowed(rule: PlatformRule, path: string): boolean {
  const layer = layerOf(path);
  return layer === undefined || layer === TOP_LAYER ||
    rule.where.some((place) =>
      place.endsWith("/") ? path.startsWith(place) : path === place
    );
}
