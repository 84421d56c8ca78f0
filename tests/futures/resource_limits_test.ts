// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A thread with limits is another kind of worker for the platform. Nothing else
// may be different: the suites of every pool once more. What becomes of a worker
// whose heap is full is in `tests/faults/overflow_test.ts`.

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { getHeapStatistics } from "node:v8";
import {
  AutoExecutor,
  NotSupportedError,
  ProcessPoolExecutor,
  type ResourceLimits,
  ThreadPoolExecutor,
} from "../../futures/mod.ts";
import { errorOf } from "../_suites/_helpers.ts";
import { square } from "../_suites/_tasks.ts";
import { contextSuite } from "../_suites/context_suite.ts";
import { mapSuite } from "../_suites/map_suite.ts";
import { poolSuite } from "../_suites/pool_suite.ts";
import { executorSuite, type Subject } from "../_suites/executor_suite.ts";
import { signalSuite } from "../_suites/signal_suite.ts";

const subject: Subject = {
  name: "ThreadPoolExecutor with 'resourceLimits'",
  create: (options = {}) =>
    new ThreadPoolExecutor(
      Object(options) !== options || "resourceLimits" in options
        ? options
        : { ...options, resourceLimits: { maxOldGenerationSizeMb: 256 } },
    ),
  backend: "thread",
};

executorSuite(subject);
poolSuite(subject);
mapSuite(subject);
signalSuite(subject);
contextSuite(subject);

const classes = { ThreadPoolExecutor, ProcessPoolExecutor, AutoExecutor };

for (const [name, Pool] of Object.entries(classes)) {
  const create = (resourceLimits: unknown) =>
    new Pool({ resourceLimits: resourceLimits as ResourceLimits });

  for (
    const [limits, param] of [
      [1, "'resourceLimits'"],
      [null, "'resourceLimits'"],
      ["64", "'resourceLimits'"],
      [
        { maxOldGenerationSizeMb: "64" },
        "'resourceLimits.maxOldGenerationSizeMb'",
      ],
      [
        { maxYoungGenerationSizeMb: null },
        "'resourceLimits.maxYoungGenerationSizeMb'",
      ],
      [{ codeRangeSizeMb: 1 }, "'resourceLimits.codeRangeSizeMb'"],
      [
        { maxOldGenerationSizeMB: 64 },
        "'resourceLimits.maxOldGenerationSizeMB'",
      ],
      [[64], "'resourceLimits.0'"],
    ] as const
  ) {
    Deno.test(`${name} refuses the resourceLimits ${JSON.stringify(limits)} by their shape`, () => {
      const error = assertThrows(() => create(limits), TypeError);
      assertStringIncludes(error.message, `Cannot create ${name} as ${param}`);
    });
  }

  for (
    const limit of [
      "maxOldGenerationSizeMb",
      "maxYoungGenerationSizeMb",
      "stackSizeMb",
    ]
  ) {
    for (const value of [0, -1, NaN, Infinity, -Infinity, 2 ** 21]) {
      Deno.test(`${name} refuses a ${limit} of ${value}`, () => {
        const error = assertThrows(
          () => create({ [limit]: value }),
          RangeError,
        );
        assertStringIncludes(
          error.message,
          `'resourceLimits.${limit}' must be from`,
        );
        assertStringIncludes(error.message, `current value is ${value}`);
      });
    }
  }

  Deno.test(`${name} refuses a heap that is too small for the package`, () => {
    assertThrows(() => create({ maxOldGenerationSizeMb: 15.9 }), RangeError);
  });

  Deno.test(`${name} takes resourceLimits that limit nothing`, () => {
    create({});
    create({ maxOldGenerationSizeMb: undefined });
    create(undefined);
  });
}

Deno.test("ThreadPoolExecutor refuses a 'stackSizeMb', which threads do not have", () => {
  assertThrows(
    () => new ThreadPoolExecutor({ resourceLimits: { stackSizeMb: 2 } }),
    NotSupportedError,
    "ProcessPoolExecutor",
  );
});

for (
  const [name, Pool] of Object.entries({
    ThreadPoolExecutor,
    ProcessPoolExecutor,
  })
) {
  Deno.test(`${name} works with the smallest heap that it takes`, async () => {
    await using executor = new Pool({
      maxWorkers: 1,
      resourceLimits: {
        maxOldGenerationSizeMb: 16,
        maxYoungGenerationSizeMb: 1,
      },
    });
    const numbers = Array.from({ length: 100 }, (_, i) => i);
    assertEquals(
      await Array.fromAsync(executor.map(square, numbers)),
      numbers.map(square),
    );
    assertEquals(executor.stats().crashes, 0);
  });

  Deno.test(`${name} gives its workers the heap that 'resourceLimits' says`, async () => {
    const sizes: number[] = [];
    for (const maxOldGenerationSizeMb of [64, 128]) {
      await using executor = new Pool({
        maxWorkers: 1,
        resourceLimits: { maxOldGenerationSizeMb, maxYoungGenerationSizeMb: 3 },
      });
      sizes.push(await executor.submit(heapLimit));
    }
    const MB = 2 ** 20;
    assert(sizes[0]! >= 64 * MB && sizes[0]! < 80 * MB, `${sizes[0]}`);
    assert(sizes[1]! >= 128 * MB && sizes[1]! < 144 * MB, `${sizes[1]}`);
  });
}

Deno.test("ProcessPoolExecutor gives its workers the stack that 'resourceLimits' says", async () => {
  const depths: number[] = [];
  for (const stackSizeMb of [0.25, 4]) {
    await using executor = new ProcessPoolExecutor({
      maxWorkers: 1,
      resourceLimits: { stackSizeMb },
    });
    depths.push(await executor.submit(stackDepth));
    assertEquals(executor.stats().crashes, 0);
  }
  assert(depths[1]! > depths[0]! * 4, depths.join(" "));
});

Deno.test("ProcessPoolExecutor with the largest stack that it takes fails a task without end, and keeps its worker", async () => {
  await using executor = new ProcessPoolExecutor({
    maxWorkers: 1,
    resourceLimits: { stackSizeMb: 6 },
  });
  assert(await executor.submit(stackDepth) > 0);
  assertInstanceOf(await errorOf(executor.submit(overflowStack)), RangeError);
  assertEquals(executor.stats().crashes, 0);
});

Deno.test("ThreadPoolExecutor with 'resourceLimits' has threads like all others", async () => {
  const limited = new ThreadPoolExecutor({
    maxWorkers: 1,
    resourceLimits: { maxOldGenerationSizeMb: 64 },
  });
  const plain = new ThreadPoolExecutor({ maxWorkers: 1 });
  await using _limited = limited;
  await using _plain = plain;
  assertEquals(await limited.submit(globals), await plain.submit(globals));
});

function heapLimit(): number {
  return getHeapStatistics().heap_size_limit;
}

function overflowStack(): number {
  return overflowStack() + 1;
}

function stackDepth(): number {
  let depth = 0;
  const descend = (): void => {
    depth++;
    descend();
  };
  try {
    descend();
  } catch {
    // That was the end of the stack.
  }
  return depth;
}

/** What a task sees of its thread. */
function globals(): string[] {
  const scope = globalThis as unknown as Record<string, unknown>;
  return [
    "close",
    "Deno",
    "importScripts",
    "location",
    "name",
    "navigator",
    "postMessage",
    "process",
    "self",
    "window",
  ].map((key) => `${key}: ${typeof scope[key]}`);
}
