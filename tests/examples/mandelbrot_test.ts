// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { decode } from "fast-png";
import { drawRow } from "../../examples/mandelbrot.ts";
import { linesOf, runExample } from "./_run_example.ts";

const PICTURE = { width: 60, height: 40, iterations: 100 };

/** What the program has to draw, computed here row by row. */
function draw(): Uint8Array {
  const data = new Uint8Array(PICTURE.width * PICTURE.height * 3);
  for (let row = 0; row < PICTURE.height; row++) {
    data.set(drawRow(row, PICTURE), row * PICTURE.width * 3);
  }
  return data;
}

Deno.test("examples/mandelbrot.ts writes the same picture, whoever draws", async () => {
  const root = await Deno.makeTempDir();
  try {
    const expected = draw();
    for (const backend of ["serial", "threads", "processes", "auto"]) {
      const out = join(root, `${backend}.png`);
      const { code, stdout, stderr } = await runExample(
        "mandelbrot.ts",
        ...["--backend", backend, "--workers", "2", "--out", out],
        ...["--width", "60", "--height", "40", "--iterations", "100"],
      );

      assertEquals({ code, stderr }, { code: 0, stderr: "" });
      assertStringIncludes(stdout, `${backend}.png: 60 x 40 pixels in `);
      const { width, height, channels, data } = decode(
        await Deno.readFile(out),
      );
      assertEquals([width, height, channels], [60, 40, 3]);
      assertEquals(new Uint8Array(data), expected);
    }
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("drawRow() draws what is inside black and what is outside not", () => {
  const row = drawRow(20, PICTURE);
  const pixel = (column: number) => [
    ...row.subarray(column * 3, column * 3 + 3),
  ];

  assertEquals(row.length, 180);
  // The point (0, 0) is inside, the left edge is not.
  assertEquals(pixel(43), [0, 0, 0]);
  assert(pixel(0).some((part) => part > 0));
});

Deno.test("examples/mandelbrot.ts says what is wrong with its arguments", async () => {
  const cases: [args: string[], code: number, message: string][] = [
    [[], 2, "--out must name a file"],
    [["--out", "x.png", "y"], 2, "Unknown argument: y"],
    [["--out", "x.png", "--width=-1"], 2, "--width must be a positive"],
    [["--out", "x.png", "--backend", "gpu"], 2, "auto or serial: gpu"],
    [["--out"], 2, "--out must name a file"],
    [["--out", "x.png", "--width", "1e8"], 2, "must be at most 100000000"],
    [["--out", "x.png", "--height", "1e300"], 2, "must be a positive integer"],
    ...["/no/such/x.png", ".", "deno.json/x.png"].map((
      out,
    ): [string[], number, string] => [
      ["--out", out, "--width", "2", "--height", "2", "--backend", "serial"],
      1,
      "Cannot write the picture",
    ]),
  ];
  for (const [args, code, message] of cases) {
    const result = await runExample("mandelbrot.ts", ...args);

    assertEquals([result.code, result.stdout], [code, ""]);
    assertStringIncludes(result.stderr, message);
    assertEquals(linesOf(result.stderr).length, 1);
  }
});
