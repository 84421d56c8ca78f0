// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  addCount,
  chunkFiles,
  type Count,
  countWords,
  type File,
  findFiles,
} from "../../examples/word_count.ts";
import { hash, type Job, type JobSize } from "./job.ts";
import { writeTextTree } from "./text_tree.ts";

/** Files that are written, and bytes of them that are counted in one task. */
const SIZES: Record<JobSize, { files: number; chunkBytes: number }> = {
  full: { files: 3_000, chunkBytes: 1 << 20 },
  short: { files: 700, chunkBytes: 1 << 19 },
  tiny: { files: 20, chunkBytes: 1 << 16 },
};

/**
 * Sets up the job that reads, computes and sends results of some size.
 *
 * @param size How much text is written.
 * @param directory Files to count instead of written ones.
 */
export async function createWordCountJob(
  size: JobSize,
  directory?: string,
): Promise<Job<File[], Count, Count>> {
  const { files, chunkBytes } = SIZES[size];
  const root = directory ??
    await Deno.makeTempDir({ prefix: "speedup-" });
  async function remove(): Promise<void> {
    if (directory === undefined) await Deno.remove(root, { recursive: true });
  }
  try {
    if (directory === undefined) await writeTextTree(root, files);
    const found = await findFiles(root);
    const bytes = found.reduce((sum, { size }) => sum + size, 0);
    return {
      name: "word-count",
      title: `Word count: ${found.length} files, ${
        (bytes / 1e6).toFixed(1)
      } MB`,
      kind: "cpu",
      items: [...chunkFiles(found, chunkBytes)],
      work: countWords,
      async gather(counts) {
        const total: Count = { words: new Map(), files: 0, unreadable: 0 };
        for await (const count of counts) addCount(total, count);
        return total;
      },
      digest({ words, ...rest }) {
        const text = JSON.stringify([rest, [...words].sort()]);
        return hash(new TextEncoder().encode(text));
      },
      [Symbol.asyncDispose]: remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}
