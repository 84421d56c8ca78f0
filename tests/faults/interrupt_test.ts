// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Ctrl-C: the program unwinds and ends by the signal, soon, and no child is
// left, whatever the workers are doing at that moment.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { removeAbandoned } from "../../_internal/wire/socket_place.ts";
import {
  AutoExecutor,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
} from "../../futures/mod.ts";
import { scaled, until } from "../_suites/_helpers.ts";

/** Milliseconds from the signal to the end of the program. */
const SOON = 1_000;

interface Ending {
  readonly code: number;
  readonly signal: Deno.Signal | null;
  /** What it wrote after it had asked for the signal. */
  readonly lines: string[];
  readonly errors: string;
  /** Milliseconds since the last signal. */
  readonly took: number;
}

interface Ways {
  /** Sends the signal to all processes of the program, as a terminal does. */
  readonly toGroup?: boolean;
  /** How often the program asks for it. */
  readonly times?: number;
  /** Sends another one once this line has come. */
  readonly againAt?: string;
  readonly flags?: readonly string[];
}

async function isAlive(pid: number): Promise<boolean> {
  try {
    const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
    return stat.slice(stat.lastIndexOf(")") + 2)[0] !== "Z";
  } catch {
    return false;
  }
}

/** The children of a process; what Linux alone tells. */
async function childrenOf(pid: number): Promise<number[]> {
  const path = `/proc/${pid}/task/${pid}/children`;
  const found = await Deno.readTextFile(path).catch(() => "");
  return found.split(" ").filter((text) => text !== "").map(Number);
}

/** Runs a program and interrupts it when it asks for that. */
async function interrupt(
  mode: string,
  kind: string,
  { toGroup = false, times = 1, againAt, flags = ["-A"] }: Ways = {},
): Promise<Ending> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      ...flags,
      "--quiet",
      new URL("./_fixtures/interrupted.ts", import.meta.url).href,
      mode,
      kind,
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
    // A group of its own.
    detached: true,
  }).spawn();
  const pids = new Set<number>();
  let since = 0;
  const send = async () => {
    for (const pid of await childrenOf(child.pid)) pids.add(pid);
    since = performance.now();
    Deno.kill(toGroup ? -child.pid : child.pid, "SIGINT");
  };
  const read = async () => {
    const lines: string[] = [];
    let rest = "";
    let sent = 0;
    for await (
      const text of child.stdout.pipeThrough(new TextDecoderStream())
    ) {
      const found = (rest + text).split("\n");
      rest = found.pop()!;
      for (const line of found) {
        if (line.startsWith("pids")) {
          if (sent++ < times) await send();
        } else {
          lines.push(line);
          if (line === againAt) await send();
        }
      }
    }
    return lines;
  };
  const timer = setTimeout(() => child.kill("SIGKILL"), 120_000);
  try {
    const [lines, errors, { code, signal }] = await Promise.all([
      read(),
      new Response(child.stderr).text(),
      child.status,
    ]);
    const took = performance.now() - since;
    for (const pid of pids) {
      await until(`${pid} is gone`, async () => !(await isAlive(pid)));
    }
    if (kind === "process" && Deno.build.os === "linux") {
      assert(pids.size > 0 || mode === "closed", "it had no children");
    }
    return { code, signal, lines, errors, took };
  } finally {
    clearTimeout(timer);
  }
}

function assertInterrupted(ending: Ending, lines: string[]): void {
  assertEquals(ending.errors, "");
  assertEquals(ending.lines, lines);
  assertEquals(ending.signal, "SIGINT");
  assert(ending.took < scaled(SOON), `${ending.took} ms`);
}

const REASON = "the program was interrupted (SIGINT)";

/** What the program does when the signal comes, and what it still writes. */
const unwinding: [string, string, string[], Ways?][] = [
  ["iterates over a map", "map", ["finally"]],
  ["iterates over a map that settles", "settled", ["finally"]],
  ["takes its time over the results of a map", "leisurely", ["finally"]],
  ["takes its time over the values of a stream", "stream", ["finally"]],
  ["catches the error and goes on", "caught", ["finally", REASON]],
  ["waits a little in a finally", "cleaned", ["finally", "cleaned"]],
  ["never gets out of a finally", "uncleanable", ["finally"]],
  ["waits for futures", "futures", ["cancelled", "cancelled"]],
  ["waits for a task that is stuck", "stuck", ["finally"]],
  ["starts its workers", "starting", ["finally"]],
  ["shuts down", "shutdown", ["cancelled", "shut down"]],
  ["has nothing left to do before it arrives", "late", ["finally"]],
  ["has idle workers", "idle", []],
  ["has no workers any more", "closed", []],
  ["hears it with all of its processes", "map", ["finally"], { toGroup: true }],
  [
    "starts processes that hear it too",
    "starting",
    ["finally"],
    { toGroup: true },
  ],
  [
    "hears it twice",
    "ungraced",
    ["finally"],
    { againAt: "finally" },
  ],
];

for (const kind of ["thread", "process"]) {
  for (const [what, mode, lines, ways] of unwinding) {
    Deno.test(`SIGINT ends a program that ${what}, with ${kind} workers`, async () => {
      assertInterrupted(await interrupt(mode, kind, ways), lines);
      // A program that is killed by a signal while a child starts leaves the
      // folder of its socket; the next one removes it.
      const temp = Deno.env.get("TMPDIR") ?? "/tmp";
      await removeAbandoned(`${temp}/any/socket`);
    });
  }

  Deno.test(`SIGINT is left to a program that has listeners of its own, with ${kind} workers`, async () => {
    for (
      const [mode, line] of [
        ["node", "interrupted 3 4"],
        ["ignore", "interrupted 9"],
      ] as const
    ) {
      const ending = await interrupt(mode, kind, { toGroup: true });
      assertEquals(ending.errors, "");
      assertEquals(ending.lines, [line]);
      assertEquals([ending.code, ending.signal], [0, null]);
    }
  });

  Deno.test(`SIGINT ends a program that survived the first one, with ${kind} workers`, async () => {
    const ending = await interrupt("survivor", kind, { times: 2 });
    assertInterrupted(ending, ["finally", "heard 2", "finally"]);
  });
}

Deno.test("a second SIGINT ends a program at once", async () => {
  const patient = await interrupt("uncleanable", "thread");
  // Half a second of grace.
  assert(patient.took > 450, `${patient.took} ms`);
  // For ever.
  const hasty = await interrupt("ungraced", "thread", { againAt: "finally" });
  assertInterrupted(hasty, ["finally"]);
});

Deno.test("SIGINT unwinds a program that may not send signals", async () => {
  const flags = ["--no-prompt", "--allow-read", "--allow-sys"];
  assertInterrupted(await interrupt("map", "thread", { flags }), ["finally"]);
});

Deno.test("executors listen for SIGINT once, and only while one of them has workers", async () => {
  const { lines, errors } = await interrupt("listeners", "thread");
  assertEquals(errors, "");
  assertEquals(lines, [
    "new:",
    "one that ignores it:",
    "four tasks of two: on",
    "one is shut down, the other's worker is gone: on off",
    "a new worker, terminated: on off on off",
  ]);
});

Deno.test("executors refuse an 'onInterrupt' that they do not know", () => {
  for (
    const Class of [ThreadPoolExecutor, ProcessPoolExecutor, AutoExecutor]
  ) {
    assertThrows(
      () => new Class({ onInterrupt: "stop" as "ignore" }),
      TypeError,
      `'onInterrupt' must be "terminate" or "ignore"`,
    );
  }
});
