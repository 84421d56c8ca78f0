// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Workloads with much to send and little to compute.

import { countAbove, findWord } from "./tasks.ts";
import {
  checkResults,
  nothing,
  type Setting,
  waves,
  type Workload,
} from "./workload.ts";

/** Arrays of 8 MB, of which an eighth is read. */
export function createArrays({ scale }: Setting): Workload {
  const arrays = Array.from(
    { length: 4 },
    (_, i) => new Float64Array(1 << 20).fill(i + 1),
  );
  return {
    name: "payload-array",
    title: "submit() with a Float64Array of 8 MB, of which an eighth is read",
    calls: Math.ceil(256 * scale),
    functions: [{ fn: countAbove, expected: ["inline"] }],
    canInline: true,
    waits: false,
    async run(executor, calls) {
      // Few at a time: each one is a copy of 8 MB.
      const results = await waves(executor, countAbove, {
        calls,
        size: 4,
        args: (i) => [arrays[i % 4]!, i % 4],
      });
      checkResults(results, () => 1 << 17, calls);
    },
    [Symbol.asyncDispose]: nothing,
  };
}

/** Texts of 4 MB, in which a word is looked for. */
export function createTexts({ scale }: Setting): Workload {
  const filler = "all work and no play ".repeat(200_000);
  const texts = [0.5, 0.7, 0.9, 0.6].map((place) => {
    const at = Math.floor(filler.length * place);
    return `${filler.slice(0, at)}needle${filler.slice(at)}`;
  });
  const expected = texts.map((text) => text.indexOf("needle"));
  return {
    name: "payload-text",
    title: "submit() with a text of 4 MB, in which a word is looked for",
    calls: Math.ceil(64 * scale),
    functions: [{ fn: findWord, expected: ["inline", "thread"] }],
    canInline: true,
    waits: false,
    async run(executor, calls) {
      const results = await waves(executor, findWord, {
        calls,
        size: 4,
        args: (i) => [texts[i % 4]!, "needle"],
      });
      checkResults(results, (i) => expected[i % 4], calls);
    },
    [Symbol.asyncDispose]: nothing,
  };
}
