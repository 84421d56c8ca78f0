// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { renderChart } from "../../bench/_speedup/chart.ts";
import { createFetchJob } from "../../bench/_speedup/fetch_job.ts";
import { createMandelbrotJob } from "../../bench/_speedup/mandelbrot_job.ts";
import {
  measure,
  median,
  WrongResultError,
} from "../../bench/_speedup/measure.ts";
import { createReport, type Report } from "../../bench/_speedup/report.ts";
import { renderTable } from "../../bench/_speedup/table.ts";
import { writeTextTree } from "../../bench/_speedup/text_tree.ts";
import { findFiles } from "../../examples/word_count.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));

async function runSpeedup(...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "bench/speedup.ts", ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

async function withDirectory(
  body: (root: string) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    await body(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

/** Throws unless every element of the document is closed in its turn. */
function assertWellFormed(xml: string): void {
  const open: string[] = [];
  const tags = xml.matchAll(
    /<(\/?)([\w-]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/g,
  );
  let text = "";
  let end = 0;
  for (const { index, 0: tag, 1: close, 2: name, 4: empty } of tags) {
    text += xml.slice(end, index);
    end = index + tag.length;
    if (close) assertEquals(open.pop(), name);
    else if (!empty) open.push(name!);
  }
  text += xml.slice(end);
  assertEquals(open, []);
  // What is left between the tags is text.
  assert(!/[<>]|&(?!amp;|lt;|gt;)/.test(text), text);
}

Deno.test("bench/speedup.ts prints, writes and draws every job and backend", async () => {
  await withDirectory(async (root) => {
    const [json, svg] = [join(root, "s.json"), join(root, "s.svg")];
    const { code, stdout, stderr } = await runSpeedup(
      ...["--tiny", "--workers", "1,2", "--repeat", "2"],
      ...["--json", json, "--svg", svg],
    );

    assertEquals({ code, stderr }, { code: 0, stderr: "" });
    const report: Report = JSON.parse(await Deno.readTextFile(json));
    assertEquals(report.repeat, 2);
    assertEquals(report.machine.deno, Deno.version.deno);
    assertEquals(
      report.jobs.map(({ name }) => name),
      ["mandelbrot", "word-count", "fetch"],
    );
    for (const { title, serial, measurements } of report.jobs) {
      assertStringIncludes(stdout, title);
      assertEquals(serial.times.length, 2);
      assertEquals(
        measurements.map(({ backend, workers }) => `${backend} ${workers}`),
        ["threads", "processes", "auto"].flatMap((b) => [`${b} 1`, `${b} 2`]),
      );
      for (const { workers, times, speedup, efficiency } of measurements) {
        assertEquals(times.length, 2);
        assert(speedup > 0);
        assertEquals(efficiency, speedup / workers);
      }
    }
    assertEquals(stdout, `${renderTable(report)}\n`);
    const chart = await Deno.readTextFile(svg);
    assertEquals(chart, renderChart(report));
    assertWellFormed(chart);
  });
});

Deno.test("bench/speedup.ts measures what it is told", async () => {
  await withDirectory(async (root) => {
    const json = join(root, "s.json");
    const { code, stdout } = await runSpeedup(
      ...["--tiny", "--job", "word-count,word-count"],
      ...["--backend", "threads,threads"],
      ...["--workers", "1,1", "--repeat", "1", "--dir", join(ROOT, "examples")],
      ...["--json", json],
    );

    assertEquals(code, 0);
    const { jobs }: Report = JSON.parse(await Deno.readTextFile(json));
    assertEquals(jobs.length, 1);
    assertEquals(jobs[0]!.measurements.length, 1);
    const count = (await findFiles(join(ROOT, "examples"))).length;
    assertStringIncludes(stdout, `Word count: ${count} files`);
  });
});

Deno.test("bench/speedup.ts says what is wrong with its arguments", async () => {
  const cases: [args: string[], message: string][] = [
    [["--job", "sort"], "--job must be of mandelbrot, word-count, fetch: sort"],
    [["--backend", "gpu"], "--backend must be of threads, processes, auto"],
    [["--workers", "1,x"], "--workers must be a positive integer: x"],
    [["--repeat", "0"], "--repeat must be a positive integer: 0"],
    [["--repeat", "1,2"], "--repeat must be a positive integer: 1,2"],
    [["--workers", "1,1000000"], "--workers must be at most "],
    [["--fast"], "Unknown argument: --fast"],
    [["--json"], "--json must name a path"],
    [["--svg="], "--svg"],
    [["--json", "examples"], "--json cannot be written: "],
    [["--svg", "no/such/s.svg"], "--svg cannot be written: "],
    [["--dir", "nope"], "--dir cannot be read: "],
    [["--dir", "deno.json"], "--dir cannot be read: "],
  ];
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await runSpeedup(...args);

    assertEquals([code, stdout], [2, ""]);
    assertStringIncludes(stderr, message);
    assertEquals(stderr.trimEnd().split("\n").length, 1);
  }
});

Deno.test("bench/speedup.ts --help prints the options", async () => {
  const { code, stdout } = await runSpeedup("--help");

  assertEquals(code, 0);
  for (const option of ["--job", "--workers", "--repeat", "--json", "--svg"]) {
    assertStringIncludes(stdout, option);
  }
});

Deno.test("measure() refuses times of wrong results", async () => {
  await using job = createMandelbrotJob("tiny");
  let runs = 0;
  const wrong = { ...job, digest: () => Promise.resolve(`${runs++}`) };

  const error = await assertRejects(
    () =>
      measure({ jobs: [wrong], backends: ["auto"], workers: [1], repeat: 1 }),
    WrongResultError,
  );
  assertStringIncludes(error.message, "mandelbrot on auto x 1");
});

Deno.test("measure() does every step once a round", async () => {
  await using job = createFetchJob("tiny");
  const steps: string[] = [];
  await measure({
    jobs: [job],
    backends: ["auto"],
    workers: [1, 2],
    repeat: 2,
    onStep: (step) => steps.push(step),
  });

  assertEquals(
    steps,
    [1, 2].flatMap((round) =>
      ["plain loop", "auto x 1", "auto x 2"].map((where) =>
        `round ${round} of 2: fetch, ${where}`
      )
    ),
  );
});

Deno.test("median() is the value in the middle", () => {
  assertEquals(median([3, 10, 1]), 3);
  assertEquals(median([4, 1, 2, 9]), 3);
});

Deno.test("writeTextTree() writes the same text each time", async () => {
  await withDirectory(async (root) => {
    const contents: string[][] = [];
    for (const name of ["a", "b"]) {
      await Deno.mkdir(join(root, name));
      await writeTextTree(join(root, name), 60);
      const files = await findFiles(join(root, name));
      assertEquals(files.length, 60);
      contents.push(
        await Promise.all(files.map(({ path }) => Deno.readTextFile(path))),
      );
    }
    assertEquals(contents[0], contents[1]);
  });
});

Deno.test("renderChart() draws what is slower than the plain loop, and what is far faster", () => {
  const measurements = [1, 2].map((workers) => ({
    backend: "auto" as const,
    workers,
    times: [1],
    time: 1,
    speedup: workers === 1 ? 0.01 : 100,
    efficiency: 1,
  }));
  const chart = renderChart(createReport(
    [{
      name: "fetch",
      title: "Ask & wait: <b>",
      kind: "io",
      serial: { times: [1], time: 1 },
      measurements,
    }],
    1,
    0,
  ));

  assertWellFormed(chart);
  assertStringIncludes(chart, "Ask &amp; wait");
  assertStringIncludes(chart, ">128<");
  assert(!/NaN|Infinity|undefined/.test(chart));
});
