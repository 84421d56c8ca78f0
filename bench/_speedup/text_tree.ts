// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { join } from "@std/path";

const VOCABULARY = 8_000;
const PARAGRAPHS = 512;
const FILES_PER_DIRECTORY = 50;

/** The same numbers in [0, 1) on every machine (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = state + 0x6d2b79f5 | 0;
    let t = Math.imul(state ^ state >>> 15, 1 | state);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 2 ** 32;
  };
}

/** A word of two to four syllables, another one for each number. */
function makeWord(n: number): string {
  let word = "";
  for (let rest = n + 100; rest > 0; rest = Math.floor(rest / 100)) {
    word += "bdfgklmnprstvzhjcwxq"[rest % 20]! +
      "aeiou"[Math.floor(rest / 20) % 5]!;
  }
  return word;
}

/**
 * Writes a tree of text files, the same each time: words as frequent as in a
 * natural language (Zipf's law), files of 2 to 40 kB.
 */
export async function writeTextTree(
  root: string,
  files: number,
): Promise<void> {
  const random = createRandom(1);
  const pick = () => makeWord(Math.floor(VOCABULARY ** random()) - 1);
  const paragraphs = Array.from({ length: PARAGRAPHS }, () => {
    const words = Array.from({ length: 100 + 200 * random() }, pick);
    return `${words.join(" ")}.\n\n`;
  });
  for (let i = 0; i < files; i++) {
    const directory = join(
      root,
      `part_${String(Math.floor(i / FILES_PER_DIRECTORY)).padStart(3, "0")}`,
    );
    if (i % FILES_PER_DIRECTORY === 0) await Deno.mkdir(directory);
    const text = Array.from(
      { length: 2 + Math.floor(38 * random()) },
      () => paragraphs[Math.floor(PARAGRAPHS * random())]!,
    ).join("");
    await Deno.writeTextFile(join(directory, `file_${i}.txt`), text);
  }
}
