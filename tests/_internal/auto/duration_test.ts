// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals } from "@std/assert";
import { duration } from "../../../_internal/auto/duration.ts";

Deno.test("duration() gives three digits and no power of ten", () => {
  assertEquals(
    [0, 0.000_001, 0.0123456, 0.16049, 0.9996, 1, 364.49, 1234, 4_321_000]
      .map(duration),
    [
      "0 µs",
      "0 µs",
      "12.3 µs",
      "160 µs",
      "1000 µs",
      "1 ms",
      "364 ms",
      "1.23 s",
      "4320 s",
    ],
  );
});
