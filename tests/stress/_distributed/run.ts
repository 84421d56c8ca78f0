// Copyright 2026 the @concurrent/parallel authors. MIT license.

// An executor and nodes, while nodes are killed and replaced and Redis is
// started again: every future settles exactly once, and rightly.

import {
  DistributedExecutor,
  type ServeOptions,
} from "@concurrent/parallel/distributed";
import { task } from "@concurrent/parallel/futures";
import { delay } from "@std/async/delay";
import { NodeProcess } from "../../distributed/_node_process.ts";
import { RedisServer } from "../../distributed/_redis.ts";
import { random } from "../../_internal/memory/_fixtures/records.ts";
import { compute, fail, failOnce, instant, type Traces } from "./tasks.ts";

/** Milliseconds without a settled future after which the rest counts as lost. */
const PATIENCE = 120_000;
/** How many of the tasks (0 to 1) are submitted ahead of what happens next. */
const AHEAD = 0.1;
/** Milliseconds between two looks at the nodes. */
const LOOK = 500;

/** How a run is set up. */
export interface StressOptions {
  readonly nodes: number;
  readonly tasks: number;
  /** When nodes are killed: every so many milliseconds, or when so many of the tasks (0 to 1) have settled. */
  readonly kills:
    | { readonly every: number }
    | { readonly at: readonly number[] };
  /** Milliseconds after which the tasks of a lost node are taken over. */
  readonly lockDuration: number;
  readonly seed: number;
  /** Is told what happens. */
  readonly log?: (line: string) => void;
}

/** What became of the tasks. */
export interface StressCounts {
  /** Futures and items that have settled. */
  settled: number;
  right: number;
  wrong: number;
  /** Those that settled more than once. */
  twice: number;
  /** Those that did not settle. */
  lost: number;
  kills: number;
  restarts: number;
  /** Tasks that nodes have taken over from lost ones, as they said. */
  takeovers: number;
  /** Runs beyond the first of each task; those that fail on purpose count. */
  reruns: number;
}

/** One task, and what is seen of it. */
interface Entry {
  readonly what: string;
  readonly isRight: (value: unknown, error: unknown) => boolean;
  settlements: number;
}

/** One run. */
export async function runDistributed(
  options: StressOptions,
): Promise<StressCounts> {
  await using stress = await Stress.start(options);
  return await stress.run();
}

class Stress implements AsyncDisposable {
  readonly #options: StressOptions;
  readonly #below: (n: number) => number;
  readonly #log: (line: string) => void;
  readonly #stack = new AsyncDisposableStack();
  readonly #nodes: Promise<NodeProcess>[] = [];
  /** What is to happen, each when so many of the tasks have settled. */
  readonly #plan: { readonly share: number; act(): Promise<void> }[];
  /** Lets the next tasks be submitted. */
  #wake = () => {};
  readonly #takeovers = new Map<string, number>();
  readonly #entries: Entry[] = [];
  readonly #counts: StressCounts = {
    settled: 0,
    right: 0,
    wrong: 0,
    twice: 0,
    lost: 0,
    kills: 0,
    restarts: 0,
    takeovers: 0,
    reruns: 0,
  };
  #server!: RedisServer;
  #serve!: ServeOptions;
  #executor!: DistributedExecutor;
  #traces!: Traces;
  /** When something settled last, by `performance.now()`. */
  #movedAt = 0;

  private constructor(options: StressOptions) {
    const next = random(options.seed);
    this.#options = options;
    this.#below = (n) => next() % n;
    this.#log = options.log ?? (() => {});
    const { kills } = options;
    const shares = "at" in kills ? kills.at : [];
    this.#plan = [
      { share: 0.5, act: () => this.#restart() },
      ...shares.map((share) => ({ share, act: () => this.#replace() })),
    ].sort((a, b) => a.share - b.share);
  }

  static async start(options: StressOptions): Promise<Stress> {
    const stress = new Stress(options);
    try {
      await stress.#start();
      return stress;
    } catch (error) {
      await stress[Symbol.asyncDispose]();
      throw error;
    }
  }

  async run(): Promise<StressCounts> {
    this.#movedAt = performance.now();
    const watch = setInterval(() => this.#look(), LOOK);
    try {
      const mapped = this.#map();
      const submitted = this.#submit();
      await Promise.all([this.#disturb(), mapped, submitted]);
      // What would settle twice has the time for it while everything ends.
      await this.#executor.shutdown();
      this.#look();
    } finally {
      clearInterval(watch);
    }
    return await this.#sum();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  async #start(): Promise<void> {
    const stack = this.#stack;
    this.#server = stack.use(await RedisServer.start({ appendOnly: true }));
    const folder = `${this.#server.directory}/traces`;
    await Deno.mkdir(folder);
    this.#traces = { runs: `${this.#server.directory}/runs`, folder };
    await Deno.writeTextFile(this.#traces.runs, "");
    const at = { url: this.#server.url, queue: "stress", authKey: "stress" };
    this.#serve = {
      ...at,
      backend: "processes",
      maxWorkers: 2,
      lockDuration: this.#options.lockDuration,
    };
    stack.defer(async () => {
      await Promise.all(
        this.#nodes.map(async (it) => (await it)[Symbol.asyncDispose]()),
      );
    });
    for (let i = 0; i < this.#options.nodes; i++) {
      this.#nodes.push(NodeProcess.start(this.#serve));
    }
    this.#executor = new DistributedExecutor({ ...at, backoff: 50 });
    stack.defer(() => this.#executor.terminate());
    await this.#executor.ready();
  }

  /** Nine of ten tasks, of all kinds. */
  async #submit(): Promise<void> {
    const { tasks } = this.#options;
    const traces = this.#traces;
    const flaky = task(failOnce, { retries: 3 });
    const hopeless = task(fail, { retries: 1 });
    const shift = { by: this.#below(1000) };
    // By value, with what it captured.
    const shifted = (n: number) => {
      Deno.writeTextFileSync(traces.runs, ".", { append: true });
      return new Map([["n", n + shift.by]]);
    };
    const submit = (n: number) => {
      switch (n % 9) {
        case 0:
        case 1:
          return this.#expect(
            this.#executor.submit(compute, traces, n, 1 + this.#below(20)),
            `compute ${n}`,
            n * 3,
          );
        case 2:
          return this.#expectError(
            this.#executor.submit(fail, traces, n),
            `fail ${n}`,
            n,
          );
        case 3:
          return this.#expectError(
            this.#executor.submit(hopeless, traces, n),
            `fail twice ${n}`,
            n,
          );
        case 4:
          return this.#expect(
            this.#executor.submit(flaky, traces, n),
            `fail once ${n}`,
            n * 5,
          );
        case 5: {
          return this.#watch(
            this.#executor.submit(shifted, n),
            `closure ${n}`,
            (value) => value instanceof Map && value.get("n") === n + shift.by,
          );
        }
        default:
          return this.#expect(
            this.#executor.submit(instant, traces, n),
            `instant ${n}`,
            n * 2,
          );
      }
    };
    const count = tasks - this.#items;
    const settled: PromiseLike<void>[] = [];
    for (let n = 0; n < count; n++) {
      while (n / count >= (this.#plan[0]?.share ?? 1) + AHEAD) {
        // Whatever happens finds something under way.
        await new Promise<void>((resolve) => this.#wake = resolve);
      }
      settled.push(submit(n));
    }
    await Promise.all(settled);
  }

  /** One of ten tasks: the items of a map, in chunks. */
  async #map(): Promise<void> {
    const traces = this.#traces;
    const calls = Array.from(
      { length: this.#items },
      (_, n) => [traces, n, n % 3] as [Traces, number, number],
    );
    const entries = calls.map(([, n]) =>
      this.#add(`item ${n}`, (value) => value === n * 3)
    );
    let n = 0;
    try {
      for await (
        const value of this.#executor.starmap(compute, calls, { chunkSize: 7 })
      ) this.#settle(entries[n++], value, undefined);
    } catch (error) {
      this.#log(`the map has failed: ${error}`);
    }
  }

  get #items(): number {
    return Math.floor(this.#options.tasks / 10);
  }

  #expect(future: PromiseLike<unknown>, what: string, value: unknown) {
    return this.#watch(future, what, (it) => it === value);
  }

  #expectError(future: PromiseLike<unknown>, what: string, n: number) {
    return this.#watch(
      future,
      what,
      (_, error) =>
        error instanceof RangeError && error.message === `There is no ${n}` &&
        (error as { n?: number }).n === n,
    );
  }

  /** Resolves when it has settled. */
  #watch(
    future: PromiseLike<unknown> & { addDoneCallback?(fn: () => void): void },
    what: string,
    isRight: Entry["isRight"],
  ): PromiseLike<void> {
    const entry = this.#add(what, isRight);
    let calls = 0;
    future.addDoneCallback?.(() => {
      // The first one is told with its value below.
      if (++calls > 1) this.#settle(entry, undefined, undefined);
    });
    return future.then(
      (value) => this.#settle(entry, value, undefined),
      (error) => this.#settle(entry, undefined, error),
    );
  }

  #add(what: string, isRight: Entry["isRight"]): Entry {
    const entry = { what, isRight, settlements: 0 };
    this.#entries.push(entry);
    return entry;
  }

  #settle(entry: Entry | undefined, value: unknown, error: unknown): void {
    this.#movedAt = performance.now();
    const counts = this.#counts;
    if (entry === undefined) {
      counts.twice++;
      return this.#log(`more came than was asked for: ${value}`);
    }
    if (++entry.settlements > 1) {
      counts.twice++;
      return this.#log(`${entry.what} has settled ${entry.settlements} times`);
    }
    counts.settled++;
    if (entry.isRight(value, error)) return void counts.right++;
    counts.wrong++;
    this.#log(`${entry.what} is wrong: ${error ?? Deno.inspect(value)}`);
  }

  /** Has everything happen that is to happen, until all is done. */
  async #disturb(): Promise<void> {
    const { tasks, kills } = this.#options;
    const pause = "every" in kills ? kills.every : Infinity;
    let killAt = performance.now() + pause;
    while (this.#counts.settled < tasks) {
      if (this.#counts.settled >= this.#plan[0]?.share! * tasks) {
        await this.#plan.shift()!.act();
        this.#wake();
      }
      if (performance.now() >= killAt) {
        killAt += pause;
        await this.#replace();
      }
      if (performance.now() - this.#movedAt > PATIENCE) return this.#giveUp();
      await delay(5);
    }
  }

  async #restart(): Promise<void> {
    const isKilled = this.#options.seed % 2 === 0;
    await this.#server[isKilled ? "kill" : "stop"]();
    await this.#server.restart();
    this.#counts.restarts++;
    this.#log(`Redis was ${isKilled ? "killed" : "stopped"} and started again`);
  }

  async #replace(): Promise<void> {
    const at = this.#below(this.#nodes.length);
    const node = await this.#nodes[at]!;
    await node.kill();
    this.#counts.kills++;
    this.#log(`${node.id} was killed, ${this.#counts.settled} are done`);
    this.#nodes[at] = NodeProcess.start(this.#serve);
  }

  /** What has not settled is lost: its futures are cancelled, so that the run ends. */
  async #giveUp(): Promise<void> {
    const lost = this.#entries.filter(({ settlements }) => settlements === 0);
    this.#counts.lost = lost.length;
    for (const { what } of lost.slice(0, 20)) this.#log(`${what} is lost`);
    await this.#executor.terminate();
  }

  #look(): void {
    for (const { id, takenOver } of this.#executor.stats().nodes) {
      this.#takeovers.set(id, takenOver);
    }
  }

  async #sum(): Promise<StressCounts> {
    const counts = this.#counts;
    const { size } = await Deno.stat(this.#traces.runs);
    counts.reruns = size - this.#options.tasks;
    for (const count of this.#takeovers.values()) counts.takeovers += count;
    return counts;
  }
}
