// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * A node from a shell: the program that {@linkcode "./serve.ts".serve} is in
 * one line.
 *
 * ```sh
 * deno run -A jsr:@concurrent/parallel/distributed/node --help
 * ```
 *
 * SIGTERM and SIGINT drain it; the second one ends it at once. It ends with 0
 * once it is drained, with 2 where its arguments are wrong and with 1 where it
 * cannot serve.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { serve, type ServeOptions, type WorkerNode } from "./serve.ts";

const HELP = `Runs the tasks of a queue on this machine.

Usage: deno run -A distributed/node.ts [OPTIONS]

  --url URL            Redis: redis://user:password@host:6379, rediss:// for TLS
                       [default: $PARALLEL_REDIS_URL, or redis://127.0.0.1:6379]
  --queue NAME         The queue to serve [default: parallel]
  --auth-key-file FILE The key that executors and nodes share: the file's text
                       [default: $PARALLEL_AUTH_KEY, or none]
  --backend KIND       threads, processes or auto [default: processes]
  --workers N          Tasks that run at a time [default: one for each core]
  --module URL         A module whose exports run without a key; may be repeated
  --name NAME          What the node is called; others may be called the same
                       [default: host, process, letters]
  --lock-duration MS   Without a sign of life for so long its tasks are taken
                       over by others [default: 10000]
  --drain-timeout MS   What has not ended so long after SIGTERM goes back to the
                       queue [default: it is waited for]
  --help               Shows this

SIGTERM and SIGINT: finishes what runs, takes nothing new; the second one: ends
now. What was stopped runs again on another node.
`;

const TEXTS = [
  "url",
  "queue",
  "auth-key-file",
  "backend",
  "workers",
  "name",
  "lock-duration",
  "drain-timeout",
] as const;

/** Milliseconds between two lines that say the same of tasks that were refused, or of errors. */
const QUIET = 10_000;

/** The arguments are wrong. */
class UsageError extends RangeError {
  override readonly name = "UsageError";
}

interface Settings {
  readonly options: ServeOptions;
  readonly drainTimeout: number | undefined;
}

/** Undefined where help is wanted. */
function parseSettings(args: readonly string[]): Settings | undefined {
  const flags = parseArgs(args, {
    boolean: ["help"],
    string: [...TEXTS, "module"],
    collect: ["module"],
    alias: { h: "help" },
    unknown: (word) => {
      throw new UsageError(`there is no option '${word}'`);
    },
  });
  if (flags.help) return undefined;
  for (const key of TEXTS) {
    if (flags[key] === "") throw new UsageError(`'--${key}' needs a value`);
  }
  const options: ServeOptions = {
    modules: flags.module.map(moduleUrl),
    ...given("url", flags.url ?? environment("PARALLEL_REDIS_URL")),
    ...given("queue", flags.queue),
    // Checked there, with the rest.
    ...given("backend", flags.backend as ServeOptions["backend"]),
    ...given("name", flags.name),
    ...given("maxWorkers", number("workers", flags.workers)),
    ...given("lockDuration", number("lock-duration", flags["lock-duration"])),
    ...given("authKey", authKey(flags["auth-key-file"])),
  };
  return {
    options,
    drainTimeout: number("drain-timeout", flags["drain-timeout"]),
  };
}

function given<K extends string, V>(
  key: K,
  value: V | undefined,
): { [_ in K]?: V & NonNullable<unknown> } {
  return value === undefined
    ? {}
    : { [key]: value } as { [_ in K]: V & NonNullable<unknown> };
}

function environment(name: string): string | undefined {
  return Deno.env.get(name) || undefined;
}

function number(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text)) {
    throw new UsageError(`'--${flag}' must be a number, and is '${text}'`);
  }
  return Number(text);
}

/** A URL, or a path here. */
function moduleUrl(text: string): string {
  if (URL.canParse(text)) return text;
  if (text === "") throw new UsageError("'--module' needs a value");
  const folder = `file://${Deno.cwd()}/`;
  if (!URL.canParse(text, folder)) {
    throw new UsageError(
      `'--module' must be a URL or a path, and is '${text}'`,
    );
  }
  return new URL(text, folder).href;
}

/** The key, which is never an argument: everybody on the machine could read it. */
function authKey(path: string | undefined): string | undefined {
  if (path === undefined) return environment("PARALLEL_AUTH_KEY");
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
    const { mode } = Deno.statSync(path);
    if (mode !== null && (mode & 0o077) !== 0) {
      warn(`others may read or write the key's file '${path}': chmod 600 it`);
    }
  } catch (error) {
    throw new UsageError(
      `'--auth-key-file' cannot be read: ${messageOf(error)}`,
    );
  }
  const key = text.replace(/\r?\n$/, "");
  if (key === "") throw new UsageError(`the key's file '${path}' is empty`);
  return key;
}

function say(line: string): void {
  console.log(line);
}

function warn(line: string): void {
  console.error(`warning: ${line}`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Says the same thing once in a while, and how often it was not said. */
function rarely(): (key: string, line: string) => void {
  const said = new Map<string, { at: number; left: number }>();
  return (key, line) => {
    const now = performance.now();
    const last = said.get(key);
    if (last !== undefined && now - last.at < QUIET) {
      last.left++;
      return;
    }
    const left = last === undefined || last.left === 0
      ? ""
      : ` (and ${last.left} more times)`;
    if (said.size > 1000) said.clear();
    said.set(key, { at: now, left: 0 });
    warn(line + left);
  };
}

async function start(options: ServeOptions): Promise<WorkerNode> {
  try {
    return await serve(options);
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) {
      throw new UsageError(error.message, { cause: error });
    }
    throw error;
  }
}

/** Serves until a signal comes. Returns the exit code. */
async function run({ options, drainTimeout }: Settings): Promise<number> {
  const refused = rarely();
  const failed = rarely();
  const stopping = Promise.withResolvers<Deno.Signal>();
  const signals: readonly Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT"]
    : ["SIGTERM", "SIGINT"];
  const current: { node?: WorkerNode } = {};
  let count = 0;
  for (const signal of signals) {
    Deno.addSignalListener(signal, () => {
      // It has nothing yet.
      if (current.node === undefined) Deno.exit(0);
      count++;
      stopping.resolve(signal);
      if (count !== 2) return;
      say("stopping now: what runs goes back to the queue");
      // It is told by `ended`.
      current.node.terminate().catch(() => {});
    });
  }
  const node = current.node = await start({
    ...options,
    onRefusal: (task, reason) =>
      refused(reason, `refused task '${task}': ${reason}`),
    onError: (error) => failed(messageOf(error), `Redis: ${messageOf(error)}`),
  });
  const { slots, backend, state } = node.stats();
  say(
    `${state} queue '${options.queue ?? "parallel"}' as ${node.id} (${slots} ${
      backend === "auto" ? "workers" : backend
    }${options.authKey === undefined ? ", no key" : ""})`,
  );
  const signal = await Promise.race([stopping.promise, node.ended]);
  if (signal !== undefined) {
    const { running } = node.stats();
    say(`${signal}: draining, ${running} task(s) left`);
    await (count > 1 ? node.terminate() : node.drain(
      drainTimeout === undefined ? {} : { timeout: drainTimeout },
    ));
  }
  const { completed, failed: failures } = node.stats();
  say(`done: ${completed} task(s) completed, ${failures} failed`);
  return 0;
}

if (import.meta.main) {
  try {
    const settings = parseSettings(Deno.args);
    if (settings === undefined) {
      say(HELP.trimEnd());
      Deno.exit(0);
    }
    Deno.exit(await run(settings));
  } catch (error) {
    console.error(`error: ${messageOf(error)}`);
    if (!(error instanceof UsageError)) Deno.exit(1);
    console.error("(--help shows the options)");
    Deno.exit(2);
  }
}
