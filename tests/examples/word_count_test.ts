// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import {
  chunkFiles,
  countWords,
  findFiles,
} from "../../examples/word_count.ts";
import { linesOf, runExample } from "./_run_example.ts";

/** Runs the body with a directory that holds the files, by path. */
async function withTree(
  tree: Record<string, string | Uint8Array>,
  body: (root: string) => void | Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    for (const [path, content] of Object.entries(tree)) {
      await Deno.mkdir(join(root, path, ".."), { recursive: true });
      const bytes = typeof content === "string"
        ? new TextEncoder().encode(content)
        : content;
      await Deno.writeFile(join(root, path), bytes);
    }
    await body(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const TREE = {
  "a.txt": "The cat and the dog. The end.\n",
  "deep/er/b.md": "Ärger, ärger! Don't; the café's open\n",
  "empty.txt": "",
  "picture.bin": new Uint8Array([80, 0, 78, 71]),
};

Deno.test("examples/word_count.ts prints the same, whoever counts", async () => {
  await withTree(TREE, async (root) => {
    const runs = [
      ["--backend", "serial"],
      ["--backend", "threads"],
      ["--backend", "processes", "--workers", "2"],
      ["--backend", "auto", "--workers", "1"],
    ];
    for (const args of runs) {
      const { code, stdout, stderr } = await runExample(
        "word_count.ts",
        ...args,
        "--top",
        "3",
        root,
      );

      assertEquals({ code, stderr }, { code: 0, stderr: "" });
      assertEquals(linesOf(stdout), [
        "4  the",
        "2  ärger",
        "1  and",
        "13 words, 9 different, in 3 text files",
      ]);
    }
  });
});

Deno.test("examples/word_count.ts says what is wrong with its arguments", async () => {
  const cases: [args: string[], code: number, message: string][] = [
    [[], 2, "Name one directory"],
    [["--color", "."], 2, "Unknown option: --color"],
    [["--workers", "0", "."], 2, "--workers must be a positive integer: 0"],
    [["--top", "x", "."], 2, "--top must be a positive integer: x"],
    [["--backend", "gpu", "."], 2, "processes, auto or serial: gpu"],
    [["/no/such/directory"], 1, "Cannot read the directory"],
    [["deno.json"], 1, "Cannot read the directory"],
    // A number as a name stays what it is.
    [["007"], 1, "'007'"],
  ];
  for (const [args, code, message] of cases) {
    const result = await runExample("word_count.ts", ...args);

    assertEquals([result.code, result.stdout], [code, ""]);
    assertStringIncludes(result.stderr, message);
    assertEquals(linesOf(result.stderr).length, 1);
  }
});

Deno.test("examples/word_count.ts --help prints the options", async () => {
  const { code, stdout } = await runExample("word_count.ts", "--help");

  assertEquals(code, 0);
  for (const option of ["--backend", "--workers", "--top", "DIR"]) {
    assertStringIncludes(stdout, option);
  }
});

Deno.test("countWords() tells files that it cannot read", () => {
  const count = countWords([{ path: "/no/such/file", size: 1 }]);

  assertEquals(count, { words: new Map(), files: 0, unreadable: 1 });
});

Deno.test("findFiles() finds the files of all levels in a fixed order", async () => {
  await withTree(TREE, async (root) => {
    const files = await findFiles(root);

    assertEquals(
      files.map(({ path, size }) => [path.slice(root.length + 1), size]),
      [
        ["a.txt", 30],
        [join("deep", "er", "b.md"), 40],
        ["empty.txt", 0],
        ["picture.bin", 4],
      ],
    );
  });
});

Deno.test("chunkFiles() closes a chunk when it is large enough", () => {
  const files = [4, 7, 12, 1, 1].map((size, i) => ({ path: `${i}`, size }));

  assertEquals(
    [...chunkFiles(files, 10)].map((chunk) => chunk.map(({ path }) => path)),
    [["0", "1"], ["2"], ["3", "4"]],
  );
  assertEquals([...chunkFiles([], 10)], []);
});
