// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  checkDuration,
  checkFunction,
  checkObject,
  describe,
  integerOption,
} from "../_internal/base/validation.ts";
import {
  checkWait,
  MAX_DELAY,
  type WaitOptions,
} from "../_internal/base/deadline.ts";
import type { NodeStats } from "./_node_board.ts";
import { parseRedis } from "./_redis.ts";
import { parseAuthKey } from "./_seal.ts";
import { Node, type NodeSettings, SERVE } from "./_worker_node.ts";

export type { NodeStats };

/** How a node is set up: options of {@linkcode serve}. */
export interface ServeOptions {
  /**
   * The Redis server, with user and password where it wants them:
   * `"redis://user:password@host:6379/0"`, or `rediss:` for TLS.
   *
   * @default {"redis://127.0.0.1:6379"}
   */
  url?: string | URL;
  /**
   * The queue to serve.
   *
   * @default {"parallel"}
   */
  queue?: string;
  /**
   * The secret that executors and nodes share. With it a node runs whatever
   * comes from somebody who knows it. Without it, and for whoever does not sign,
   * it runs exports of `modules` on plain data only.
   *
   * @default {undefined} none
   */
  authKey?: string | Uint8Array;
  /**
   * What tasks run in. `"auto"`: those that were declared to wait (`io()`) in
   * threads, many at a time; all others in processes, of which each can be
   * ended for real.
   *
   * @default {"processes"}
   */
  backend?: "threads" | "processes" | "auto";
  /**
   * Tasks that run at a time.
   *
   * @default {navigator.hardwareConcurrency}
   */
  maxWorkers?: number;
  /**
   * Tasks that one worker has under way at a time. More than one is for tasks
   * that wait; with `"auto"` those that are declared as `io()` have threads of
   * their own.
   *
   * @default {1}
   */
  concurrency?: number;
  /**
   * The URLs of modules whose exports run for anybody who reaches Redis, as
   * `import.meta.resolve()` gives them. Executors name the same URLs.
   *
   * @default {[]}
   */
  modules?: readonly (string | URL)[];
  /**
   * What it and its workers are called, in errors and stats. Several nodes may
   * be called the same.
   *
   * @default {`${hostname}-${pid}-${random}`}
   */
  name?: string;
  /**
   * Milliseconds without a sign of life after which its jobs are taken over by
   * other nodes.
   *
   * @default {10_000}
   */
  lockDuration?: number;
  /**
   * Milliseconds between asking a task to stop and stopping its worker.
   *
   * @default {100}
   */
  cancelGrace?: number;
  /**
   * Tasks after which a worker is replaced.
   *
   * @default {Infinity}
   */
  maxTasksPerWorker?: number;
  /**
   * What the workers may do: at most what this program may. All of them are
   * processes then, with `"auto"` too.
   *
   * @default {"inherit"}
   */
  permissions?: Deno.PermissionOptions;
  /**
   * Milliseconds that the first connection may take.
   *
   * @default {10_000}
   */
  connectTimeout?: number;
  /** Certificates of authorities in PEM format, besides those that Deno knows: for `rediss:`. */
  caCerts?: readonly string[];
  /** Called with each task that it would not run, and why: it, or whoever has sent the task, is set up wrongly. */
  onRefusal?: (task: string, reason: string) => void;
  /** Called with each error of Redis. Nothing is lost: what was refused is tried again. */
  onError?: (error: unknown) => void;
}

/** Takes tasks of a queue and runs them: what {@linkcode serve} makes. */
export interface WorkerNode extends AsyncDisposable {
  /** Which node it is: nobody else has this id. It begins with the name that it was given. */
  readonly id: string;
  /** What it is called. */
  readonly name: string;
  /** Resolves when it has ended; rejects where it had to, since its workers cannot start. */
  readonly ended: Promise<void>;
  /**
   * Takes nothing new and finishes what it has.
   *
   * @param options What has not ended after `timeout` milliseconds, or when `signal` aborts, is stopped, and runs again on another node; that is no failed attempt.
   * @returns Resolves when nothing of it is left.
   * @throws {unknown} `signal.reason`, once nothing of it is left, if the signal aborts.
   */
  drain(options?: WaitOptions): Promise<void>;
  /**
   * Stops what it runs, which runs again on another node.
   *
   * @returns Resolves when nothing of it is left.
   */
  terminate(): Promise<void>;
  /**
   * What it has done so far.
   *
   * @returns Its numbers, and those of each worker.
   */
  stats(): NodeStats;
}

/**
 * Runs the tasks that `DistributedExecutor`s submit to a queue, on workers of
 * this machine. A program, or many on many machines, that does so is a node.
 *
 * - **Takes over**: a task whose node was lost runs again on another one.
 * - **Goes on**: where Redis is gone for a while, what runs goes on, and its
 *   results wait until there is a connection again.
 *
 * @example Serve until the program is told to stop
 * ```ts
 * import { serve } from "@concurrent/parallel/distributed";
 *
 * async function main(url: string, authKey: string): Promise<void> {
 *   await using node = await serve({ url, authKey });
 *   console.log(`${node.id} serves`);
 *   await new Promise<void>((resolve) => {
 *     Deno.addSignalListener("SIGTERM", () => resolve());
 *   });
 * }
 *
 * void main; // main("redis://user:password@10.0.0.5:6379", "secret")
 * ```
 *
 * @example Where there is no server
 * ```ts
 * import { serve } from "@concurrent/parallel/distributed";
 * import { BrokenExecutorError } from "@concurrent/parallel/futures";
 * import { assertRejects } from "@std/assert";
 *
 * await assertRejects(
 *   () => serve({ url: "redis://127.0.0.1:1", connectTimeout: 10 }),
 *   BrokenExecutorError,
 * );
 * ```
 *
 * @param options What to serve, and with what.
 * @returns The node, once it takes tasks.
 * @throws {TypeError} If an option is of the wrong type.
 * @throws {RangeError} If an option is out of its range.
 * @throws {NotSupportedError} If threads are to have other permissions than this program.
 * @throws {BrokenExecutorError} If Redis cannot be reached in time or refuses the connection, or workers cannot start.
 */
export async function serve(options: ServeOptions = {}): Promise<WorkerNode> {
  const node = new Node(parseSettings(options));
  await node.start();
  return {
    id: node.id,
    name: node.name,
    ended: node.gone,
    async drain(options: WaitOptions = {}): Promise<void> {
      checkWait("drain a node", options);
      await node.drain(options);
    },
    terminate: () => node.terminate(),
    stats: () => node.stats(),
    [Symbol.asyncDispose]: () => node.drain({}),
  };
}

const BACKENDS = ["threads", "processes", "auto"] as const;
const DEFAULT_LOCK_DURATION = 10_000;

function parseSettings(options: ServeOptions): NodeSettings {
  checkObject(SERVE, "options", options);
  const { permissions, onRefusal, onError, cancelGrace } = options;
  const { backend = "processes" } = options;
  if (!BACKENDS.includes(backend)) {
    throw new TypeError(
      `Cannot ${SERVE} as 'backend' must be "threads", "processes" or "auto": current value is ${
        describe(backend)
      }`,
    );
  }
  if (onRefusal !== undefined) checkFunction(SERVE, "onRefusal", onRefusal);
  if (onError !== undefined) checkFunction(SERVE, "onError", onError);
  checkDuration(SERVE, "cancelGrace", cancelGrace);
  const host = hostname();
  const given = parseName(options.name);
  const random = crypto.randomUUID().slice(0, 8);
  const id = `${given ?? `${host}-${Deno.pid}`}-${random}`;
  return {
    redis: parseRedis(SERVE, options),
    id,
    name: given ?? id,
    host,
    authKey: parseAuthKey(SERVE, options.authKey),
    // A thread may do what the program may.
    backend: backend === "auto" && (permissions ?? "inherit") !== "inherit"
      ? "processes"
      : backend,
    maxWorkers: integerOption(
      SERVE,
      "maxWorkers",
      options.maxWorkers,
      navigator.hardwareConcurrency,
      1,
    ),
    modules: parseModules(options.modules),
    lockDuration: integerOption(
      SERVE,
      "lockDuration",
      options.lockDuration,
      DEFAULT_LOCK_DURATION,
      MIN_LOCK_DURATION,
      MAX_DELAY,
    ),
    concurrency: integerOption(
      SERVE,
      "concurrency",
      options.concurrency,
      1,
      1,
    ),
    cancelGrace,
    maxTasksPerWorker: options.maxTasksPerWorker,
    permissions,
    onRefusal: later(onRefusal),
    onError: later(onError),
  };
}

const MIN_LOCK_DURATION = 100;

/** What it throws is its own matter, and no task's. */
function later<A extends unknown[]>(
  fn: ((...args: A) => void) | undefined,
): (...args: A) => void {
  if (fn === undefined) return () => {};
  return (...args) => queueMicrotask(() => fn(...args));
}

function parseModules(
  modules: readonly (string | URL)[] = [],
): ReadonlySet<string> {
  if (!Array.isArray(modules)) {
    throw new TypeError(
      `Cannot ${SERVE} as 'modules' must be an array: current value is ${
        describe(modules)
      }`,
    );
  }
  return new Set(modules.map((module, at) => {
    if (
      !(typeof module === "string" || module instanceof URL) ||
      !URL.canParse(module)
    ) {
      throw new TypeError(
        `Cannot ${SERVE} as 'modules[${at}]' must be a URL (import.meta.resolve() makes one): current value is ${
          describe(module)
        }`,
      );
    }
    return new URL(module).href;
  }));
}

function parseName(name: unknown): string | undefined {
  if (name === undefined) return undefined;
  if (typeof name !== "string") {
    throw new TypeError(
      `Cannot ${SERVE} as 'name' must be a string: current value is ${
        describe(name)
      }`,
    );
  }
  if (name === "") {
    throw new RangeError(
      `Cannot ${SERVE} as 'name' must not be empty: current value is ""`,
    );
  }
  return name;
}

/** The machine's name, where this program may know it. */
function hostname(): string {
  try {
    return Deno.hostname();
  } catch {
    return "localhost";
  }
}
