// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Draws the Mandelbrot set, row by row, on all cores.
 *
 * Run it with `deno run -A examples/mandelbrot.ts --out mandelbrot.png`;
 * `--help` shows the options. Whatever the backend and the number of workers,
 * the picture is the same.
 *
 * @module
 */

import { cpuCount } from "@concurrent/parallel/multiprocessing";
import { parseArgs } from "@std/cli/parse-args";
import { encode } from "fast-png";
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

const USAGE = `Draws the Mandelbrot set.

Usage: deno run -A examples/mandelbrot.ts [OPTIONS] --out FILE.png

Options:
  --out FILE        where the picture goes
  --width N         width in pixels (default: 1200)
  --height N        height in pixels (default: 800)
  --iterations N    more give a finer edge and take longer (default: 1000)
  --backend NAME    threads, processes, auto or serial (default: threads)
  --workers N       workers at most (default: ${cpuCount()}, one for each core)
  --help            print this text
`;

/** The picture and its encoded form have to fit into memory. */
const MAX_PIXELS = 100_000_000;

/** A picture that is to be drawn. */
export interface Picture {
  /** In pixels. */
  width: number;
  /** In pixels. */
  height: number;
  /** After how many steps a point counts as inside. */
  iterations: number;
}

// What runs in the workers.

/** Steps after which the point leaves the circle of radius 2, as a fraction. */
function escape(x: number, y: number, iterations: number): number {
  let [re, im, re2, im2] = [0, 0, 0, 0];
  for (let i = 0; i < iterations; i++) {
    im = 2 * re * im + y;
    re = re2 - im2 + x;
    re2 = re * re;
    im2 = im * im;
    if (re2 + im2 > 4) return i / iterations;
  }
  return 1;
}

/** Computes one row of the picture: three bytes for each pixel. */
export function drawRow(row: number, picture: Picture): Uint8Array {
  const { width, height, iterations } = picture;
  const pixels = new Uint8Array(width * 3);
  // The set lies between -2 and 0.5; the height shows what the width leaves.
  const scale = 3 / width;
  const y = (row - height / 2) * scale;
  for (let column = 0; column < width; column++) {
    const x = (column - width * 0.72) * scale;
    const steps = escape(x, y, iterations);
    if (steps === 1) continue; // Inside: black.
    const light = steps ** 0.3;
    pixels[column * 3] = 255 * light;
    pixels[column * 3 + 1] = 255 * light ** 2;
    pixels[column * 3 + 2] = 255 * (0.2 + 0.8 * light ** 4);
  }
  return pixels;
}

// What runs here.

/** Yields the rows of the picture from top to bottom. */
async function* drawRows(
  picture: Picture,
  backend: Backend,
  maxWorkers: number,
): AsyncGenerator<Uint8Array> {
  const rows = Array(picture.height).keys();
  if (backend === "serial") {
    for (const row of rows) yield drawRow(row, picture);
    return;
  }
  await using executor = new EXECUTORS[backend]({ maxWorkers });
  // The function takes the picture along, to wherever it runs.
  yield* executor.map((row) => drawRow(row, picture), rows);
}

function parseOptions(args: string[]) {
  const options = parseArgs(args, {
    boolean: ["help"],
    string: ["out", "width", "height", "iterations", "backend", "workers"],
    default: {
      width: "1200",
      height: "800",
      iterations: "1000",
      backend: "threads",
      workers: `${cpuCount()}`,
    },
    unknown: (arg) => {
      throw new UsageError(`Unknown argument: ${arg}`);
    },
  });
  if (options.help) return undefined;
  const { out } = options;
  if (!out) throw new UsageError("--out must name a file");
  const width = parseCount("width", options.width);
  const height = parseCount("height", options.height);
  if (width * height > MAX_PIXELS) {
    throw new UsageError(
      `--width times --height must be at most ${MAX_PIXELS}: ${width} x ${height}`,
    );
  }
  return {
    out,
    backend: parseBackend(options.backend),
    workers: parseCount("workers", options.workers),
    picture: {
      width,
      height,
      iterations: parseCount("iterations", options.iterations),
    },
  };
}

/** Writes a file, or says in one line why it cannot. */
async function writePicture(out: string, bytes: Uint8Array): Promise<void> {
  try {
    await Deno.writeFile(out, bytes);
  } catch (error) {
    throw new Failure(`Cannot write the picture: ${messageOf(error)}`);
  }
}

async function main(args: string[]): Promise<void> {
  const options = parseOptions(args);
  if (options === undefined) return console.log(USAGE);

  const { out, picture, backend, workers } = options;
  const { width, height } = picture;
  const start = performance.now();
  const data = new Uint8Array(width * height * 3);
  let offset = 0;
  for await (const row of drawRows(picture, backend, workers)) {
    data.set(row, offset);
    offset += row.length;
  }
  const seconds = ((performance.now() - start) / 1_000).toFixed(2);
  await writePicture(out, encode({ width, height, data, channels: 3 }));
  console.log(`${out}: ${width} x ${height} pixels in ${seconds} s`);
}

if (import.meta.main) await runMain(main);
