// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { drawRow, type Picture } from "../../examples/mandelbrot.ts";
import { hash, type Job, type JobSize } from "./job.ts";

/** Some rows of a picture. */
export interface Band {
  picture: Picture;
  row: number;
  rows: number;
}

const PICTURES: Record<JobSize, Picture & { rows: number }> = {
  full: { width: 1200, height: 800, iterations: 3_000, rows: 8 },
  short: { width: 1200, height: 800, iterations: 1_000, rows: 16 },
  tiny: { width: 60, height: 40, iterations: 50, rows: 8 },
};

/** Draws some rows of a picture. */
export function drawBand({ picture, row, rows }: Band): Uint8Array {
  const bytes = picture.width * 3;
  const band = new Uint8Array(bytes * rows);
  for (let i = 0; i < rows; i++) {
    band.set(drawRow(row + i, picture), bytes * i);
  }
  return band;
}

/** Sets up the job that computes: pure JavaScript, nearly nothing to send. */
export function createMandelbrotJob(
  size: JobSize,
): Job<Band, Uint8Array, Uint8Array<ArrayBuffer>> {
  const { rows, ...picture } = PICTURES[size];
  const { width, height, iterations } = picture;
  return {
    name: "mandelbrot",
    title:
      `Mandelbrot set: ${width} x ${height} pixels, ${iterations} iterations`,
    kind: "cpu",
    items: Array.from(
      { length: height / rows },
      (_, i) => ({ picture, row: i * rows, rows }),
    ),
    work: drawBand,
    async gather(bands) {
      const pixels = new Uint8Array(width * height * 3);
      let offset = 0;
      for await (const band of bands) {
        pixels.set(band, offset);
        offset += band.length;
      }
      return pixels;
    },
    digest: hash,
    async [Symbol.asyncDispose]() {},
  };
}
