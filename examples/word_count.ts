// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Counts the words of all text files under a directory, on all cores.
 *
 * Run it with `deno run -A examples/word_count.ts DIR`; `--help` shows the
 * options. Whatever the backend and the number of workers, the output is the
 * same.
 *
 * @module
 */

import { cpuCount } from "@concurrent/parallel/multiprocessing";
import { parseArgs } from "@std/cli/parse-args";
import { ProgressBar } from "@std/cli/unstable-progress-bar";
import { join } from "@std/path";
import {
  type Backend,
  EXECUTORS,
  Failure,
  messageOf,
  parseBackend,
  parseCount,
  runMain,
  UsageError,
} from "./_args.ts";

const USAGE = `Counts the words of all text files under a directory.

Usage: deno run -A examples/word_count.ts [OPTIONS] DIR

Options:
  --backend NAME  threads, processes, auto or serial (default: threads)
  --workers N     workers at most (default: ${cpuCount()}, one for each core)
  --top N         how many of the most frequent words to print (default: 10)
  --help          print this text
`;

/** Text that is counted in one task: enough to be worth the trip. */
const CHUNK_BYTES = 1 << 20;

/** A file and its size in bytes. */
export interface File {
  path: string;
  size: number;
}

/** What was counted in some files. */
export interface Count {
  /** How often each word occurs. */
  words: Map<string, number>;
  /** How many of the files are text. */
  files: number;
  /** How many of the files could not be read. */
  unreadable: number;
}

// What runs in the workers.

const WORD = /[\p{L}\p{N}]+(?:['’][\p{L}\p{N}]+)*/gu;

/** A file with a zero byte near its start is no text: git looks for the same. */
function isText(bytes: Uint8Array): boolean {
  return !bytes.subarray(0, 8_000).includes(0);
}

/** Counts the words of some files. */
export function countWords(chunk: File[]): Count {
  const words = new Map<string, number>();
  const decoder = new TextDecoder();
  let files = 0;
  let unreadable = 0;
  for (const { path } of chunk) {
    let bytes: Uint8Array;
    try {
      bytes = Deno.readFileSync(path);
    } catch {
      unreadable++;
      continue;
    }
    if (!isText(bytes)) continue;
    files++;
    const text = decoder.decode(bytes).toLowerCase();
    for (const word of text.match(WORD) ?? []) {
      words.set(word, (words.get(word) ?? 0) + 1);
    }
  }
  return { words, files, unreadable };
}

// What runs here.

/** Finds the files under a directory, in the same order each time. */
export async function findFiles(directory: string): Promise<File[]> {
  const found: File[] = [];
  const entries = await Array.fromAsync(Deno.readDir(directory));
  entries.sort((a, b) => a.name < b.name ? -1 : 1);
  for (const { name, isFile, isDirectory } of entries) {
    const path = join(directory, name);
    if (isDirectory) found.push(...await findFiles(path));
    if (isFile) found.push({ path, size: (await Deno.stat(path)).size });
  }
  return found;
}

/** Puts files together until they are worth a trip to a worker. */
export function* chunkFiles(
  files: Iterable<File>,
  chunkBytes: number = CHUNK_BYTES,
): Generator<File[]> {
  let chunk: File[] = [];
  let bytes = 0;
  for (const file of files) {
    chunk.push(file);
    bytes += file.size;
    if (bytes < chunkBytes) continue;
    yield chunk;
    chunk = [];
    bytes = 0;
  }
  if (chunk.length > 0) yield chunk;
}

/** Adds the counts of `part` to `total`. */
export function addCount(total: Count, part: Count): void {
  for (const [word, count] of part.words) {
    total.words.set(word, (total.words.get(word) ?? 0) + count);
  }
  total.files += part.files;
  total.unreadable += part.unreadable;
}

/** Yields one count for each chunk of files. */
async function* countChunks(
  chunks: Iterable<File[]>,
  backend: Backend,
  maxWorkers: number,
): AsyncGenerator<Count> {
  if (backend === "serial") {
    for (const chunk of chunks) yield countWords(chunk);
    return;
  }
  await using executor = new EXECUTORS[backend]({ maxWorkers });
  // A chunk holds many files already: one travels at a time.
  yield* executor.map(countWords, chunks, { chunkSize: 1 });
}

/** The most frequent words first; equally frequent ones by the alphabet. */
function rank(words: Map<string, number>): [string, number][] {
  return [...words].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
}

function parseOptions(args: string[]) {
  const options = parseArgs(args, {
    boolean: ["help"],
    // "_" is what belongs to no option: a directory may be named 007.
    string: ["_", "backend", "workers", "top"],
    default: { backend: "threads", workers: `${cpuCount()}`, top: "10" },
    unknown: (arg, key) => {
      if (key !== undefined) throw new UsageError(`Unknown option: ${arg}`);
    },
  });
  if (options.help) return undefined;
  const backend = parseBackend(options.backend);
  if (options._.length !== 1) throw new UsageError("Name one directory");
  return {
    directory: String(options._[0]),
    backend,
    workers: parseCount("workers", options.workers),
    top: parseCount("top", options.top),
  };
}

/** Finds the files, or says in one line why it cannot. */
async function searchDirectory(directory: string): Promise<File[]> {
  try {
    return await findFiles(directory);
  } catch (error) {
    throw new Failure(`Cannot read the directory: ${messageOf(error)}`);
  }
}

function sizeOf(files: File[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}

/** Shows a bar on a terminal, and nothing where the output goes elsewhere. */
function showProgress(max: number): ProgressBar | undefined {
  if (max === 0 || !Deno.stderr.isTerminal()) return undefined;
  return new ProgressBar({ max, interval: 100, clear: true });
}

async function main(args: string[]): Promise<void> {
  const options = parseOptions(args);
  if (options === undefined) return console.log(USAGE);

  const files = await searchDirectory(options.directory);
  const chunks = [...chunkFiles(files)];
  const bar = showProgress(sizeOf(files));
  const total: Count = { words: new Map(), files: 0, unreadable: 0 };
  try {
    const counts = countChunks(chunks, options.backend, options.workers);
    let done = 0;
    for await (const count of counts) {
      addCount(total, count);
      // The counts come in the order of the chunks.
      if (bar !== undefined) bar.value += sizeOf(chunks[done++]!);
    }
  } finally {
    await bar?.stop();
  }

  const ranked = rank(total.words);
  const sum = ranked.reduce((sum, [, count]) => sum + count, 0);
  const width = String(ranked[0]?.[1] ?? "").length;
  for (const [word, count] of ranked.slice(0, options.top)) {
    console.log(`${String(count).padStart(width)}  ${word}`);
  }
  console.log(
    `${sum} words, ${ranked.length} different, in ${total.files} text files`,
  );
  if (total.unreadable > 0) {
    console.error(`${total.unreadable} files could not be read`);
  }
}

if (import.meta.main) await runMain(main);
