// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { type Bar, BARS, judge } from "../../bench/_peers/bars.ts";
import { renderChart } from "../../bench/_peers/chart.ts";
import { Child, type CommandLine } from "../../bench/_peers/child.ts";
import { fillPlaces } from "../../bench/_peers/document.ts";
import { measure, orderOf, Results } from "../../bench/_peers/measure.ts";
import {
  type Program,
  PROGRAMS,
  selectPrograms,
} from "../../bench/_peers/programs.ts";
import {
  mergeReports,
  parseReport,
  type Report,
} from "../../bench/_peers/report.ts";
import {
  selectSubjects,
  type Subject,
  SUBJECTS,
} from "../../bench/_peers/subjects.ts";
import {
  formatFigure,
  formatRatio,
  renderMarkdown,
  renderReport,
} from "../../bench/_peers/table.ts";

/** A program that does as it is told, right or wrong. */
const SUBJECT_LINE: CommandLine = {
  command: Deno.execPath(),
  args: [
    ...["run", "-A", "--no-check"],
    new URL("../_fixtures/bench_subject.ts", import.meta.url).pathname,
  ],
};

/** What no working program takes. */
const PLENTY = 60_000;

const OURS = SUBJECTS.find(({ name }) => name === "ThreadPoolExecutor")!;
const PEER = SUBJECTS.find(({ id }) => id === "piscina@deno")!;

function programOf(kind: string, changes: Partial<Program> = {}): Program {
  return {
    ...{ name: kind, title: kind, group: "calls", unit: "us", kind, args: {} },
    ...changes,
  };
}

function createReport(
  results: Results,
  subjects: readonly Subject[] = [OURS, PEER],
): Report {
  return {
    runs: [{
      machine: {
        date: "2026-01-02",
        cpu: "a <fast> one",
        cores: 2,
        os: "linux",
        load: [0, 1],
        commit: "abc1234",
        versions: { deno: "2.9.6" },
      },
      ...{ rounds: 2, isQuick: false },
    }],
    ...{ subjects, programs: PROGRAMS, results },
    missing: [["tinypool@node", "there is no node"]],
  };
}

/** Results with one round for each figure. */
function resultsOf(
  figures: Record<string, Record<string, number>>,
): Results {
  const results = new Results();
  for (const [id, programs] of Object.entries(figures)) {
    for (const [name, value] of Object.entries(programs)) {
      results.add(id, name, { state: "done", figures: { value } });
    }
  }
  return results;
}

async function isAlive(pid: number): Promise<boolean> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => "");
  // A zombie waits only for somebody to hear of its end.
  return stat !== "" && !stat.slice(stat.lastIndexOf(")")).startsWith(") Z");
}

async function runPeers(...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "bench/peers.ts", ...args],
    cwd: new URL("../..", import.meta.url),
    env: { NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

Deno.test("Child.call() returns the figures of an answer among other lines", async () => {
  await using child = new Child(SUBJECT_LINE);
  assertEquals(
    await child.call({ kind: "noise", args: {} }, PLENTY),
    { state: "done", figures: { value: 7 } },
  );
  assert(child.isUsable);
});

Deno.test("Child.call() tells wrong results, errors and deaths apart", async () => {
  for (
    const [kind, reason] of [
      ["wrong", "the result is 1, not 2"],
      ["fails", "it cannot be cloned"],
      ["dies", "its process has ended"],
    ] as const
  ) {
    await using child = new Child(SUBJECT_LINE);
    const outcome = await child.call({ kind, args: {} }, PLENTY);
    assertEquals(outcome, { state: kind, reason });
    assert(!child.isUsable);
  }
});

Deno.test("Child.call() gives up on a subject that hangs", async () => {
  await using child = new Child(SUBJECT_LINE);
  assertEquals(
    await child.call({ kind: "hangs", args: {} }, 300),
    { state: "hangs", reason: "no answer in 0.3 s" },
  );
  assert(!child.isUsable);
});

Deno.test({
  name: "Child ends with everything that it has started",
  ignore: Deno.build.os !== "linux",
  async fn() {
    let pid: number;
    {
      await using child = new Child(SUBJECT_LINE);
      const outcome = await child.call({ kind: "family", args: {} }, PLENTY);
      assert(outcome.state === "done");
      pid = outcome.figures.value!;
      assert(await isAlive(pid));
    }
    while (await isAlive(pid)) await new Promise((go) => setTimeout(go, 10));
  },
});

Deno.test("measure() goes on after a subject that hangs, and asks it only once", async () => {
  const programs = [
    programOf("start"),
    programOf("hangs", { timeout: 300 }),
    programOf("noise"),
    programOf("dies"),
  ];
  const steps: string[] = [];
  const results = await measure({
    subjects: [PEER],
    programs,
    rounds: 2,
    commandLine: () => SUBJECT_LINE,
    onStep({ round, group, subject }) {
      steps.push(`${round} ${group} ${subject}`);
    },
  });

  const counts = programs.map(({ name }) => {
    const { rounds, failures } = results.find(PEER.id, name)!;
    return [name, rounds.length, failures.map(({ state }) => state)];
  });
  assertEquals(counts, [
    // One more in the first round: after what hung.
    ["start", 3, []],
    ["hangs", 0, ["hangs"]],
    ["noise", 2, []],
    ["dies", 0, ["dies", "dies"]],
  ]);
  assertEquals(results.median(PEER.id, "noise"), 7);
  assertEquals(steps, [
    "1 calls piscina@deno",
    "2 calls piscina@deno",
  ]);
});

Deno.test("measure() tries a subject twice that does not start, and tells it of all programs", async () => {
  const line = { command: Deno.execPath(), args: ["eval", "Deno.exit(1)"] };
  let count = 0;
  const results = await measure({
    subjects: [PEER],
    programs: [
      programOf("start"),
      programOf("noise"),
      programOf("fails", { group: "work" }),
      programOf("wrong", { group: "rest" }),
    ],
    rounds: 3,
    commandLine() {
      count++;
      return line;
    },
  });
  assertEquals(count, 2);
  const { rounds, failures } = results.find(PEER.id, "wrong")!;
  assertEquals([rounds, failures.map(({ state }) => state)], [[], ["dies"]]);
});

Deno.test("measure() ends at its signal, and keeps what it has", async () => {
  const stop = new AbortController();
  const results = await measure({
    subjects: [PEER],
    programs: [
      programOf("noise"),
      programOf("hangs", { group: "work", timeout: PLENTY }),
      programOf("start", { group: "rest" }),
    ],
    rounds: 2,
    commandLine: () => SUBJECT_LINE,
    signal: stop.signal,
    onStep({ group }) {
      if (group === "work") setTimeout(() => stop.abort(), 100);
    },
  });
  assertEquals(results.median(PEER.id, "noise"), 7);
  assertEquals(results.find(PEER.id, "hangs"), undefined);
});

Deno.test("measure() has ours measured in every round, others only in some", async () => {
  const results = await measure({
    subjects: [OURS, PEER],
    programs: [programOf("noise", { maxRounds: 1 })],
    rounds: 3,
    commandLine: () => SUBJECT_LINE,
  });
  const count = (id: string) => results.find(id, "noise")!.rounds.length;
  assertEquals([count(OURS.id), count(PEER.id)], [3, 1]);
});

Deno.test({
  name: "measure() weighs workers, and sees whether they rest",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const results = await measure({
      subjects: [PEER],
      programs: [
        programOf("memory", { group: "rest" }),
        programOf("idle", { group: "rest", args: { settle: 0, ms: 3_000 } }),
      ],
      rounds: 1,
      commandLine: () => SUBJECT_LINE,
    });
    // The one that takes commands for many allocates 8 MB for each of them.
    const bytes = results.median(PEER.id, "memory");
    assert(bytes > 7 && bytes < 9, `${bytes} MB`);
    // It computes all the time, most of which a busy machine may not give it.
    const used = results.median(PEER.id, "idle");
    assert(used > 100 && used < 15_000, `${used} ms`);
  },
});

Deno.test("orderOf() has everybody follow another one in each round", () => {
  const items = [0, 1, 2, 3, 4, 5, 6];
  const before = new Set<string>();
  for (let round = 1; round <= 6; round++) {
    const order = orderOf(items, round);
    assertEquals(order.toSorted(), items);
    for (const [i, item] of order.entries()) {
      if (i > 0) before.add(`${order[i - 1]} ${item}`);
    }
  }
  assertEquals(before.size, 6 * 6);
  assertEquals(orderOf(["a"], 3), ["a"]);
  assertEquals(orderOf([], 1), []);
});

Deno.test("measure() leaves out what a subject does not have", async () => {
  const results = await measure({
    subjects: [{ ...PEER, programs: ["noise"] }],
    programs: [programOf("start"), programOf("wrong"), programOf("noise")],
    rounds: 1,
    commandLine: () => SUBJECT_LINE,
  });
  assertEquals(Object.keys(results.toJSON()), [`${PEER.id} noise`]);
});

Deno.test("Results.median() is that of the rounds that went well", () => {
  const results = resultsOf({ a: { burst: 3 } });
  results.add("a", "burst", { state: "done", figures: { value: 5 } });
  results.add("a", "burst", { state: "wrong", reason: "1, not 2" });
  assertEquals(results.median("a", "burst"), 4);
  assertEquals(results.median("a", "burst", "cpu"), NaN);
  assertEquals(results.median("a", "start"), NaN);
});

Deno.test("formatFigure() and formatRatio() keep the digits that count", () => {
  assertEquals(formatFigure(0.1234, "us"), "0.123 µs");
  assertEquals(formatFigure(12_345, "us"), "12.3 ms");
  assertEquals(formatFigure(0.05, "ms"), "50.0 µs");
  assertEquals(formatFigure(0, "ms"), "0 ms");
  assertEquals(formatFigure(1.987, "x"), "1.99x");
  assertEquals(formatFigure(NaN, "MB"), "");
  assertEquals(formatRatio(30, 10, "us"), "3.0");
  // Who gains less takes longer.
  assertEquals(formatRatio(0.5, 2, "x"), "4.0");
  assertEquals(formatRatio(1, 0, "us"), "");
});

Deno.test("renderMarkdown() makes columns of equal width", () => {
  assertEquals(
    renderMarkdown([["", "a"], ["long", "b"]]),
    "|      | a   |\n| ---- | --- |\n| long | b   |",
  );
});

Deno.test("renderReport() shows figures, ratios, and who hangs", () => {
  const results = resultsOf({
    [OURS.id]: { "burst": 2, "fib": 2 },
    [PEER.id]: { "burst": 50, "fib": 1 },
  });
  results.add(PEER.id, "round-trip", {
    state: "hangs",
    reason: "no answer in 40 s",
  });
  results.add(PEER.id, "fib", { state: "wrong", reason: "1, not 2" });
  const other = SUBJECTS.find(({ id }) => id === "workerpool@deno")!;
  for (const name of ["start", "burst"]) {
    results.add(other.id, name, { state: "dies", reason: "it has ended" });
  }
  const report = createReport(results, [OURS, PEER, other]);
  const text = renderReport(report, BARS);
  assertMatch(text, /\n- workerpool@deno: dies \(it has ended\): all of it\n/);
  assertMatch(text, /\| workerpool, Deno .*\| dies .*\| dies /);

  assertMatch(text, /\| \*\*ThreadPoolExecutor\*\* .*\| 2\.00 µs +\|/);
  assertMatch(text, /\| piscina, Deno .*\| hangs .*\| 50\.0 µs \(25\.0\) +\|/);
  assertMatch(text, /\| piscina, Deno .*\| 1\.00x\* \(2\.0\)/);
  assertStringIncludes(
    text,
    "- tinypool@node: not measured, there is no node\n" +
      "- piscina@deno: hangs (no answer in 40 s): round-trip in 1 of 1\n" +
      "- piscina@deno: loses tasks (1, not 2): fib in 1 of 2",
  );
  assertMatch(
    text,
    /burst: threads +\| ThreadPoolExecutor@deno .*1\/25\.0 of piscina@deno .*\| met /,
  );
  assertMatch(
    text,
    /burst: threads .* bare rings .*not measured: rings@deno was not run/,
  );
  assertMatch(text, /MB a thread .*not measured: .*: memory was not reached/);
  assertMatch(text, /at least 1\.9x serial +\| 2\.00x +\| met /);
});

Deno.test("judge() compares with the best of the rivals", () => {
  const [bar] = BARS.filter(({ text }) =>
    text === "at most 1/10 of the best peer in Deno"
  ) as [Bar];
  const other = SUBJECTS.find(({ id }) => id === "workerpool@deno")!;
  const subjects = [OURS, PEER, other];
  const judgeWith = (burst: number) =>
    judge(
      bar,
      createReport(
        resultsOf({
          [OURS.id]: { burst },
          [PEER.id]: { burst: 60 },
          [other.id]: { burst: 50 },
        }),
        subjects,
      ),
    );
  assertEquals(judgeWith(5).isMet, true);
  assertEquals(judgeWith(5.1).isMet, false);
  assertStringIncludes(judgeWith(5.1).measured, "of workerpool@deno");
  assertEquals(judge(bar, createReport(new Results())), {
    measured:
      `not measured: ${OURS.id}: burst was not reached; no rival has run burst`,
    isMet: undefined,
  });
});

Deno.test("BARS name subjects and programs that there are", () => {
  const ids = new Set<string>(SUBJECTS.map(({ id }) => id));
  const names = new Set<string>(PROGRAMS.map(({ name }) => name));
  class Reader extends Results {
    override median(id: string, program: string): number {
      assert(ids.has(id), id);
      assert(names.has(program), program);
      return 1;
    }
  }
  for (const bar of BARS) {
    const { isMet } = judge(bar, createReport(new Reader(), SUBJECTS));
    assert(isMet !== undefined, `${bar.what}: ${bar.text}`);
  }
});

Deno.test("mergeReports() makes one report of parts", () => {
  const part = (
    id: string,
    burst: number,
    subject: Subject,
    changes: Partial<Report> = {},
  ) =>
    parseReport(JSON.stringify({
      ...createReport(resultsOf({ [id]: { burst } }), [subject]),
      ...changes,
    }));
  const merged = mergeReports([
    part(PEER.id, 50, PEER, { missing: [[OURS.id, "it was too late"]] }),
    part(OURS.id, 3, OURS),
    part(OURS.id, 1, OURS),
  ]);
  assertEquals(merged.subjects, [OURS, PEER]);
  assertEquals(merged.results.median(OURS.id, "burst"), 2);
  assertEquals(merged.missing.map(([id]) => id), ["tinypool@node"]);
  const text = renderReport(merged, BARS);
  assertEquals(text.match(/Medians of 2 rounds/g)!.length, 3);
  assertMatch(text, /1\/25\.0 of piscina@deno/);

  const quick = part(OURS.id, 1, OURS, {
    programs: selectPrograms(["burst"], true),
  });
  assertThrows(
    () => mergeReports([merged, quick]),
    RangeError,
    "burst was not the same",
  );
  assertThrows(() => parseReport("{}"), TypeError, "no report");
  assertThrows(() => parseReport("null"), TypeError, "no report");
});

Deno.test("fillPlaces() replaces what is in the places of a document", () => {
  const document = (table: string) =>
    `Before\n\n<!-- bench:peers calls -->\n${table}\n<!-- bench:peers end -->\n\nAfter $1\n`;
  const sections = new Map([["calls", "| $& |"], ["bars", "| b |"]]);
  const filled = fillPlaces(document("| old |\n| older |"), sections);
  assertEquals(filled, document("\n| $& |\n"));
  assertEquals(fillPlaces(filled, sections), filled);
  assertThrows(
    () => fillPlaces(filled, new Map()),
    RangeError,
    "there is no calls",
  );
  assertThrows(() => fillPlaces("Before", sections), RangeError, "no place");
});

Deno.test("renderChart() draws a bar for each figure that there is", () => {
  const chart = renderChart(createReport(resultsOf({
    [OURS.id]: { burst: 2, fib: 2 },
    [PEER.id]: { burst: 50 },
  })));
  const bars = chart.match(/<rect class="(ours|deno)" x=/g)!;
  assertEquals(bars.length, 3);
  assert(!/NaN|Infinity|undefined/.test(chart));
  assertStringIncludes(chart, "burst of 20 000, lower is better");
  assertStringIncludes(chart, "24 x fib(31), higher is better");
});

Deno.test("selectSubjects() and selectPrograms() take names and ids", () => {
  assertEquals(
    selectSubjects(["piscina"]).map(({ id }) => id),
    ["piscina@deno", "piscina@node"],
  );
  assertEquals(selectSubjects(["piscina@node"]).length, 1);
  assertThrows(() => selectSubjects(["pisc"]), RangeError, "no pisc");
  assertThrows(() => selectPrograms(["fast"], false), RangeError, "no fast");
  const [quick] = selectPrograms(["burst"], true);
  assertEquals(quick!.args, { fn: "add", tasks: 2_000 });
  assertEquals(selectSubjects(undefined), SUBJECTS);
});

Deno.test("bench/peers.ts measures what it is asked for, and shows it again", async () => {
  const folder = await Deno.makeTempDir();
  const [json, svg, doc] = ["a.json", "a.svg", "a.md"]
    .map((name) => `${folder}/${name}`) as [string, string, string];
  try {
    const { code, stdout, stderr } = await runPeers(
      ...["--quick", "--rounds", "1", "--svg", svg, "--json", json],
      ...["--only", "ThreadPoolExecutor,postMessage@deno,inline@deno,memcpy"],
      ...["--programs", "start,round-trip,float64-1k,uneven,map-1us"],
    );
    assertEquals(code, 0);
    assertMatch(stderr, /^(\d+:\d\d {2}round 1 of 1: What .*\n){3}$/);
    for (const group of ["What a call costs", "What two workers gain"]) {
      assertStringIncludes(stdout, `### ${group}`);
    }
    assertMatch(stdout, /\| postMessage, Deno +\|.* µs \(\d/);
    assertMatch(stdout, /\| memcpy, Deno +\| \d/);
    assert(!/hangs|dies|loses tasks|fails/.test(stdout), stdout);
    assertStringIncludes(await Deno.readTextFile(svg), "round trip, lower");

    await Deno.writeTextFile(
      doc,
      "# Peers\n\n<!-- bench:peers calls -->\n<!-- bench:peers end -->\n",
    );
    const again = await runPeers("--from", json, "--svg", svg, "--doc", doc);
    assertEquals([again.code, again.stdout], [0, stdout]);
    assertMatch(await Deno.readTextFile(doc), /\n\n\| +\| import/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("bench/peers.ts says what is wrong with its arguments", async () => {
  const cases: [args: string[], message: string][] = [
    [["--only", "pisc"], "--only: there is no pisc"],
    [["--programs", "fast"], "--programs: there is no fast"],
    [["--rounds", "0"], "--rounds must be a positive integer: 0"],
    [["--fast"], "Unknown argument: --fast"],
    [["--svg="], "--svg must name a path"],
    [["--from", "a.json,"], "--from must name a path"],
  ];
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await runPeers(...args);
    assertEquals([code, stdout], [2, ""]);
    assertStringIncludes(stderr, message);
  }
});
