// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Checks what `layers.ts` says: imports go down, private files of a family
 * stay in it, there is no import cycle, and the worker entries stay small.
 * The platform rules are checked by `deno lint` (see `lint_plugin.ts`).
 *
 * Usage: `deno run -A _tools/check_layers.ts [ROOT]`
 *
 * @module
 */

import { ENTRY_BUDGETS, importProblem, layerOf, TOP_LAYER } from "./layers.ts";

const SKIPPED = new Set(["vendor", "node_modules", "coverage", "stand_ins"]);
const SOURCE = /(?<!\.d)\.(ts|mts|js|mjs)$/;

/** One import of a file of the repository. */
export interface Edge {
  /** Imported file. */
  to: string;
  /** Line of the import, from 1. */
  line: number;
  /** Whether it is loaded when the importing file is. */
  isStaticValue: boolean;
}

/** One file of the repository. */
export interface Module {
  /** Size in bytes. */
  size: number;
  /** Imports of other files of the repository. */
  edges: Edge[];
}

/** Files of the repository by path, relative to its root. */
export type Graph = Map<string, Module>;

/** What a check found. */
export interface Report {
  /** One line each. */
  problems: string[];
  /** Weight of each entry, one line each. */
  entries: string[];
}

/** The part of `deno info --json` that is read. */
interface Info {
  modules: {
    specifier: string;
    size?: number;
    error?: string;
    dependencies?: {
      specifier: string;
      isDynamic?: boolean;
      code?: Resolved;
      type?: Resolved;
    }[];
  }[];
}

interface Resolved {
  specifier?: string;
  error?: string;
  span?: { start: { line: number } };
}

async function* sources(folder: URL): AsyncGenerator<URL> {
  for await (const entry of Deno.readDir(folder)) {
    if (entry.name.startsWith(".") || SKIPPED.has(entry.name)) continue;
    if (entry.isDirectory) yield* sources(new URL(`${entry.name}/`, folder));
    else if (SOURCE.test(entry.name)) yield new URL(entry.name, folder);
  }
}

async function exists(url: URL): Promise<boolean> {
  return await Deno.stat(url).then(() => true, () => false);
}

/** Reads the import graph of the tree under `root`, a folder URL. */
export async function readGraph(root: URL): Promise<Graph> {
  const files: URL[] = [];
  for await (const url of sources(root)) {
    const path = decodeURIComponent(url.href.slice(root.href.length));
    // Tests and tools may import anything and nobody imports them.
    if (layerOf(path) !== TOP_LAYER) files.push(url);
  }
  files.sort((a, b) => a.href < b.href ? -1 : 1);
  // One root that imports them all: `deno info` takes one module, and a start
  // of Deno for each file would take longer than all other checks together.
  const temp = await Deno.makeTempDir();
  try {
    const all = `${temp}/all.ts`;
    await Deno.writeTextFile(
      all,
      files.map((url) => `import "${url.href}";\n`).join(""),
    );
    const config = new URL("deno.json", root);
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "info",
        "--json",
        ...await exists(config)
          ? ["--config", decodeURIComponent(config.pathname)]
          : ["--no-config"],
        all,
      ],
      stdin: "null",
    }).output();
    if (code !== 0) {
      throw new TypeError(
        `Cannot read the import graph of '${root}': ${
          new TextDecoder().decode(stderr)
        }`,
      );
    }
    return toGraph(JSON.parse(new TextDecoder().decode(stdout)), root);
  } finally {
    await Deno.remove(temp, { recursive: true });
  }
}

function toGraph(info: Info, root: URL): Graph {
  const toPath = (specifier: string) =>
    specifier.startsWith(root.href)
      ? decodeURIComponent(specifier.slice(root.href.length))
      : undefined;
  const graph: Graph = new Map();
  for (const { specifier, size = 0, dependencies = [] } of info.modules) {
    const path = toPath(specifier);
    if (path === undefined) continue;
    const edges: Edge[] = [];
    for (const { code, type, isDynamic = false } of dependencies) {
      const resolved = code ?? type;
      const to = resolved?.specifier && toPath(resolved.specifier);
      if (!to) continue;
      edges.push({
        to,
        line: (resolved.span?.start.line ?? 0) + 1,
        isStaticValue: code !== undefined && !isDynamic,
      });
    }
    graph.set(path, { size, edges });
  }
  return graph;
}

/**
 * Finds import cycles: for each file that is in one, the shortest way around,
 * unless a cycle that is already found goes through it.
 */
export function findCycles(graph: Graph): string[][] {
  const cycles: string[][] = [];
  const seen = new Set<string>();
  for (const start of graph.keys()) {
    if (seen.has(start)) continue;
    // Breadth first, so that the way that is shown is the shortest.
    const previous = new Map<string, string>();
    const queue = [start];
    search: for (const path of queue) {
      for (const { to } of graph.get(path)?.edges ?? []) {
        if (to === start) {
          const cycle = [path];
          while (cycle[0] !== start) cycle.unshift(previous.get(cycle[0]!)!);
          for (const member of cycle) seen.add(member);
          cycles.push([...cycle, start]);
          break search;
        }
        if (previous.has(to)) continue;
        previous.set(to, path);
        queue.push(to);
      }
    }
  }
  return cycles;
}

/** Files that are loaded when `entry` is, itself included. */
export function reach(graph: Graph, entry: string): string[] {
  const reached = new Set([entry]);
  for (const path of reached) {
    for (const { to, isStaticValue } of graph.get(path)?.edges ?? []) {
      if (isStaticValue) reached.add(to);
    }
  }
  return [...reached];
}

/** Checks a graph. */
export function checkGraph(graph: Graph): Report {
  const problems: string[] = [];
  for (const [path, { edges }] of graph) {
    if (layerOf(path) === undefined) {
      problems.push(`${path}: is in no layer (see _tools/layers.ts)`);
    }
    for (const { to, line } of edges) {
      const problem = importProblem(path, to);
      if (problem) problems.push(`${path}:${line}: imports ${to}: ${problem}`);
    }
  }
  for (const cycle of findCycles(graph)) {
    problems.push(`${cycle[0]}: import cycle: ${cycle.join(" -> ")}`);
  }
  const entries: string[] = [];
  for (const [entry, budget] of Object.entries(ENTRY_BUDGETS)) {
    if (!graph.has(entry)) continue;
    const paths = reach(graph, entry);
    const bytes = paths.reduce((sum, path) => sum + graph.get(path)!.size, 0);
    const weight = `${paths.length} of ${budget.modules} modules, ` +
      `${bytes} of ${budget.bytes} bytes`;
    entries.push(`${entry}: ${weight}`);
    if (paths.length > budget.modules || bytes > budget.bytes) {
      problems.push(`${entry}: is over its budget: ${weight}`);
    }
  }
  return { problems, entries };
}

if (import.meta.main) {
  const root = Deno.args[0] === undefined
    ? new URL("../", import.meta.url)
    : new URL(`file://${await Deno.realPath(Deno.args[0])}/`);
  const graph = await readGraph(root);
  const { problems, entries } = checkGraph(graph);
  for (const line of entries) console.log(line);
  for (const line of problems) console.error(line);
  console.log(`${graph.size} files, ${problems.length} problem(s)`);
  if (problems.length > 0) Deno.exit(1);
}
