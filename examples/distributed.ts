// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Counts prime numbers on all machines that serve a queue.
 *
 * With a Redis server on this machine,
 * `deno run -A examples/distributed.ts --nodes 2` is all of it: it starts two
 * nodes for the time of the run. Without `--nodes` it uses those that serve the
 * queue already, as `docs/distributed.md` sets them up. `--kill` kills one of
 * the nodes in the middle: the result is the same.
 *
 * @module
 */

import {
  DistributedExecutor,
  type NodeStats,
} from "@concurrent/parallel/distributed";
import {
  BrokenExecutorError,
  current,
  task,
} from "@concurrent/parallel/futures";
import { cpuCount } from "@concurrent/parallel/multiprocessing";
import { parseArgs } from "@std/cli/parse-args";
import {
  Failure,
  messageOf,
  parseCount,
  runMain,
  UsageError,
} from "./_args.ts";

const USAGE = `Counts prime numbers on all machines that serve a queue.

Usage: deno run -A examples/distributed.ts [OPTIONS]

Options:
  --below N             count the primes below N (default: 500000000)
  --piece N             numbers in one task (default: 5000000)
  --url URL             the Redis server (default: PARALLEL_REDIS_URL of the
                        environment, or redis://127.0.0.1:6379)
  --queue NAME          the queue (default: parallel, or primes with --nodes)
  --auth-key-file FILE  the key that executor and nodes share; or it is in the
                        environment, as PARALLEL_AUTH_KEY (with --nodes: a new one)
  --nodes N             start N nodes on this machine, for this run
  --workers N           workers of each of those nodes (default: ${cpuCount()} / N)
  --kill                kill one of those nodes in the middle
  --help                print this text
`;

/** So far a double counts exactly, and a piece's own sieve stays small. */
const MAX_BELOW = 1e15;
const MAX_PIECE = 1e8;

// What runs on the nodes. It comes from the main module, so it travels by
// value: nothing has to be installed over there.

/** Counts the primes from `from` up to, but without, `to`: the sieve of Eratosthenes. */
export function countPrimes(from: number, to: number): number {
  const root = Math.floor(Math.sqrt(to));
  const isSmallComposite = new Uint8Array(root + 1);
  const isComposite = new Uint8Array(Math.max(0, to - from));
  for (let p = 2; p <= root; p++) {
    if (isSmallComposite[p]) continue;
    for (let n = p * p; n <= root; n += p) isSmallComposite[n] = 1;
    const first = Math.max(p * p, Math.ceil(from / p) * p);
    for (let n = first - from; n < isComposite.length; n += p) {
      isComposite[n] = 1;
    }
  }
  let count = 0;
  for (let n = Math.max(2, from); n < to; n++) {
    if (!isComposite[n - from]) count++;
  }
  return count;
}

// What runs here.

/** What was asked for. */
interface Options {
  readonly below: number;
  readonly piece: number;
  readonly url: string;
  readonly queue: string;
  readonly authKey: string | undefined;
  /** How many nodes to start; 0: others serve the queue. */
  readonly nodes: number;
  readonly workers: number;
  readonly kill: boolean;
}

function parseOptions(args: string[]): Options | undefined {
  const options = parseArgs(args, {
    boolean: ["help", "kill"],
    string: [
      "below",
      "piece",
      "url",
      "queue",
      "auth-key-file",
      "nodes",
      "workers",
    ],
    default: {
      below: "500000000",
      piece: "5000000",
      url: Deno.env.get("PARALLEL_REDIS_URL") ?? "redis://127.0.0.1:6379",
    },
    unknown: (arg) => {
      throw new UsageError(`Unknown argument: ${arg}`);
    },
  });
  if (options.help) return undefined;
  const below = parseCount("below", options.below);
  const piece = parseCount("piece", options.piece);
  if (below > MAX_BELOW) {
    throw new UsageError(`--below must be at most ${MAX_BELOW}: ${below}`);
  }
  if (piece > MAX_PIECE) {
    throw new UsageError(`--piece must be at most ${MAX_PIECE}: ${piece}`);
  }
  const nodes = options.nodes === undefined
    ? 0
    : parseCount("nodes", options.nodes);
  if (options.kill && nodes < 2) {
    throw new UsageError("--kill needs --nodes 2, or more");
  }
  if (options.workers !== undefined && nodes === 0) {
    throw new UsageError("--workers is for the nodes of --nodes");
  }
  return {
    below,
    piece,
    url: options.url,
    // Nobody else takes the tasks of a try, and it takes nobody else's.
    queue: options.queue ?? (nodes > 0 ? "primes" : "parallel"),
    authKey: readKey(options["auth-key-file"]) ??
      (nodes > 0 ? crypto.randomUUID() : undefined),
    nodes,
    workers: options.workers === undefined
      ? Math.max(1, Math.floor(cpuCount() / Math.max(1, nodes)))
      : parseCount("workers", options.workers),
    kill: options.kill,
  };
}

function readKey(file: string | undefined): string | undefined {
  if (file === undefined) return Deno.env.get("PARALLEL_AUTH_KEY");
  try {
    return Deno.readTextFileSync(file).trim();
  } catch (error) {
    throw new UsageError(`--auth-key-file: ${messageOf(error)}`);
  }
}

/** The command line of a node, as it is run on any machine. */
function startNode(options: Options): Deno.ChildProcess {
  const { url, queue, workers, authKey } = options;
  return new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet"],
      import.meta.resolve("@concurrent/parallel/distributed/node"),
      ...["--queue", queue, "--workers", `${workers}`],
      // How soon what it ran is taken over, where it is killed.
      ...["--lock-duration", "1000"],
    ],
    // Whatever is an argument can be read by everybody on the machine.
    env: { PARALLEL_REDIS_URL: url, PARALLEL_AUTH_KEY: authKey! },
    stdin: "null",
    stdout: "null",
  }).spawn();
}

/** Waits until so many nodes serve the queue. */
async function findNodes(
  executor: DistributedExecutor,
  { queue, nodes }: Options,
  children: readonly Deno.ChildProcess[],
): Promise<readonly NodeStats[]> {
  const timer = setTimeout(
    () => console.log(`waiting for a node that serves queue '${queue}'`),
    2_000,
  );
  const ended = children.map(async (child) => {
    const { code } = await child.status;
    throw new Failure(`A node has ended with ${code}`);
  });
  try {
    await Promise.race([executor.ready(), ...ended]);
    // One is there; the others say so within a second.
    while (executor.stats().nodes.length < nodes) {
      await Promise.race([
        new Promise((resolve) => setTimeout(resolve, 50)),
        ...ended,
      ]);
    }
  } finally {
    clearTimeout(timer);
    for (const it of ended) it.catch(() => {});
  }
  return executor.stats().nodes;
}

/** Counts, and says how far it is; which node has done how many pieces. */
async function count(
  executor: DistributedExecutor,
  options: Options,
  onPiece: (done: ReadonlyMap<string, number>) => void,
): Promise<{ primes: number; pieces: ReadonlyMap<string, number> }> {
  const { below, piece } = options;
  const pieces = new Map<string, number>();
  const starts = function* () {
    for (let from = 0; from < below; from += piece) yield from;
  };
  // A worker process that dies costs a run; a node that dies costs none.
  const work = task((from: number) => ({
    primes: countPrimes(from, Math.min(from + piece, below)),
    worker: current.worker.name,
  }), { name: "countPrimes", retries: 2 });
  const total = Math.ceil(below / piece);
  let [primes, done] = [0, 0];
  for await (
    const part of executor.map(work, starts(), { ordered: false, chunkSize: 1 })
  ) {
    primes += part.primes;
    // Workers are called as their node is, with a number behind.
    const node = part.worker.replace(/_\d+$/, "");
    pieces.set(node, (pieces.get(node) ?? 0) + 1);
    const percent = (n: number) => Math.floor(10 * n / total) * 10;
    if (percent(++done) > percent(done - 1)) console.log(`${percent(done)} %`);
    onPiece(pieces);
  }
  return { primes, pieces };
}

function openExecutor({ url, queue, authKey }: Options): DistributedExecutor {
  try {
    return new DistributedExecutor({
      url,
      queue,
      ...(authKey === undefined ? {} : { authKey }),
    });
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}

async function run(options: Options): Promise<void> {
  await using executor = openExecutor(options);
  const children = Array.from(
    { length: options.nodes },
    () => startNode(options),
  );
  try {
    const nodes = await findNodes(executor, options, children);
    const slots = nodes.reduce((sum, node) => sum + node.slots, 0);
    console.log(`${nodes.length} nodes, ${slots} workers`);
    let isToKill = options.kill;
    const start = performance.now();
    const { primes, pieces } = await count(executor, options, (done) => {
      if (!isToKill) return;
      isToKill = false;
      // The first that has done something has more to do.
      const [id] = done.keys();
      const node = nodes.find((node) => node.id === id)!;
      children.find(({ pid }) => pid === node.pid)!.kill("SIGKILL");
      console.log(`killed ${id}`);
    });
    const seconds = ((performance.now() - start) / 1_000).toFixed(2);
    console.log(`${primes} primes below ${options.below} in ${seconds} s`);
    for (const [node, done] of pieces) {
      console.log(`  ${node}: ${done} tasks`);
    }
  } finally {
    for (const child of children) stopNode(child);
    await Promise.all(children.map(({ status }) => status));
  }
}

/** As `systemctl stop` does: it finishes what it has. */
function stopNode(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGTERM");
  } catch (error) {
    // It has ended.
    if (!(error instanceof TypeError)) throw error;
  }
}

async function main(args: string[]): Promise<void> {
  const options = parseOptions(args);
  if (options === undefined) return console.log(USAGE);
  try {
    await run(options);
  } catch (error) {
    if (error instanceof BrokenExecutorError) throw new Failure(error.message);
    throw error;
  }
}

if (import.meta.main) await runMain(main);
