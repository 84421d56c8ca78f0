// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { delay } from "@std/async/delay";
import { DelayProbe, ownLoops } from "../../bench/_auto/delay.ts";
import type { Result, Timed } from "../../bench/_auto/measure.ts";
import { judge, sumUp } from "../../bench/_auto/report.ts";
import { noiseBetween } from "../../bench/_auto/statistics.ts";

async function run(...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "bench/auto.ts", ...args],
    cwd: new URL("../..", import.meta.url),
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

Deno.test("bench/auto.ts measures a workload with every choice and puts it into a document", async () => {
  const doc = await Deno.makeTempFile();
  try {
    const place = (text: string) =>
      `<!-- bench:auto table -->${text}<!-- bench:auto end -->`;
    await Deno.writeTextFile(doc, place("\n\nreplaced\n\n"));
    const { code, stdout, stderr } = await run(
      ...["--short", "--cores", "1", "--only", "cpu-tiny-submit", "--doc", doc],
    );
    // A machine that is busy with other tests may miss a bar.
    assert(code <= 1, stderr);
    const [head, row, ...rest] = stdout.trimEnd().split("\n");
    assertMatch(head!, /inline\s+threads\s+processes\s+auto\s+auto \/ best/);
    assertMatch(
      row!,
      /^cpu-tiny-submit(\s+~?[\d.]+ ms( \([\dx ]+\))?){3}\s+[\d.]+ ms\s+[\d.]+x/,
    );
    assertMatch(rest[0]!, /^ {4}area: (inline|thread), .*: /);
    assertEquals(
      rest.slice(-5).filter((line) => !/^(met|MISSED)\b/.test(line)),
      [],
    );
    assertEquals(stderr, "");
    const text = await Deno.readTextFile(doc);
    assertMatch(text, /\| cpu-tiny-submit \| ~?[\d.]+ ms/);
    assert(!text.includes("replaced"));
  } finally {
    await Deno.remove(doc);
  }
});

Deno.test("bench/auto.ts says what it does not know", async () => {
  assertEquals((await run("--what")).code, 2);
  assertEquals((await run("--only", "what")).code, 2);
});

function timed(
  family: Timed["family"],
  warm: number[],
  cold = warm,
): Timed {
  return {
    name: family,
    family,
    pilot: warm[0]!,
    warm,
    first: cold,
    whole: cold,
  };
}

function createResult(changes: Partial<Result>): Result {
  const delays = { max: 1, p99: 1, waited: 0 };
  return {
    name: "some",
    title: "something",
    calls: 1,
    auto: timed("auto", [10, 10, 10]),
    fixed: [
      timed("inline", [10, 10, 10], [30, 30, 30]),
      timed("threads", [20, 20, 20], [10, 10, 10]),
      // Left out after the pilot.
      { ...timed("processes", []), pilot: 100 },
    ],
    control: { name: "inline", warm: [10, 10, 10] },
    delay: { warm: delays, cold: delays, control: delays },
    explained: [
      {
        name: "fn",
        backend: "inline",
        expected: ["inline"],
        reason: "so",
        runnerUp: "thread: not so",
        inlineCalls: 1,
      },
    ],
    ...changes,
  };
}

Deno.test("judge() compares with whatever is best, warm and cold", () => {
  const { best, warm, warmAll, bestWhole, whole } = judge(
    createResult({ auto: timed("auto", [9, 11, 13], [14, 16, 18]) }),
  );
  assertEquals([best, bestWhole], ["inline", "threads"]);
  assertEquals(warm, { value: 1.1, isMet: false });
  assertEquals(warmAll, { value: 1.1, isMet: true });
  assertEquals(whole, { value: 1.6, isMet: false });
});

Deno.test("judge() says what is within the noise, and does not call it reached", () => {
  const auto = timed("auto", [11, 11, 11]);
  const quiet = judge(createResult({ auto }));
  assertEquals([quiet.noise, quiet.isNoise], [1, false]);
  const control = { name: "inline", warm: [8, 10, 12] };
  const noisy = judge(createResult({ auto, control }));
  assertEquals([noisy.warm.isMet, noisy.isNoise], [false, true]);
});

Deno.test("judge() has a bar for the delay where the event loop is chosen", () => {
  const late = { max: 21, p99: 1, waited: 0 };
  const soon = { ...late, max: 1 };
  const delays = { warm: soon, cold: late, control: late };
  assertEquals(judge(createResult({ delay: delays })).delay, {
    value: 21,
    isMet: false,
  });
  const { explained: [fn] } = createResult({});
  const explained = [
    { ...fn!, backend: "thread" as const, inlineCalls: 0 },
  ];
  const other = judge(createResult({ delay: delays, explained }));
  assert(other.delay.isMet);
  assert(!other.isExplained);
});

Deno.test("sumUp() counts what has failed as reaching nothing", () => {
  const met = judge(createResult({}));
  const missed = judge(createResult({ auto: timed("auto", [11, 11, 11]) }));
  const isMet = (count: number, failed: string[]) =>
    sumUp([...Array(count).fill(met), missed], failed).map((sum) => sum.isMet);
  // One of ten may be above the bar of most.
  assertEquals(isMet(9, []), [true, true, true, true, true]);
  assertEquals(isMet(8, []), [false, true, true, true, true]);
  assertEquals(isMet(9, ["other"]), Array(5).fill(false));
});

/** Keeps the event loop for so many milliseconds; when it did. */
function block(ms: number): [start: number, end: number] {
  const start = performance.now();
  while (performance.now() < start + ms);
  return [start, performance.now()];
}

Deno.test("DelayProbe sees how late the event loop is, less what the bench's own loops take", async () => {
  using probe = new DelayProbe();
  block(30);
  assert(probe.read().max >= 29);

  const since = performance.now();
  using other = new DelayProbe();
  const [start, end] = block(30);
  ownLoops.add(start, end);
  await delay(0);
  const { max } = other.read();
  const rest = performance.now() - since - (end - start);
  assert(max <= rest, `${max} ms of ${rest} ms`);
});

Deno.test("noiseBetween() is the ratio that equals stay below nine of ten times", () => {
  const quiet = Array(9).fill(10);
  assertEquals(noiseBetween(quiet, quiet), 1);
  assertEquals(noiseBetween(quiet, Array(9).fill(12)), 1.2);
  const noisy = [5, 20, 10, 10, 10, 10, 10, 10, 10];
  // A median hardly moves with two of nine.
  assertEquals(noiseBetween(noisy, noisy), 1);
  const wild = [5, 20, 6, 18, 10, 7, 15, 9, 11];
  const noise = noiseBetween(wild, wild);
  assert(noise > 1.2 && noise < 4, `${noise}`);
});
