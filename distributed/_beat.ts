// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What a node says of itself each second, in the stream `beats`: executors sum
// it up, and wait for nodes there. One of each second is left out while the one
// before has not arrived: a node that has lost its connection has nothing to say
// later. One that tells of a change waits for it.

import type { Lane } from "../_internal/pool/lane.ts";
import { sumStats } from "../_internal/pool/lane.ts";
import { BEAT, type NodeStats } from "./_node_board.ts";
import { FIELD, type Keys } from "./_protocol.ts";
import type { Redis } from "./_redis.ts";

/** Beats that are kept, of all nodes. */
const MAX_BEATS = 1000;
/** Milliseconds after the last one for which they are. */
const BEATS_TTL = 60_000;

/** What a node has done. */
export interface NodeTally {
  completed: number;
  failed: number;
  cancelled: number;
  refused: number;
  takenOver: number;
}

/** What stays the same of a node. */
export type NodeIdentity = Pick<
  NodeStats,
  "id" | "name" | "host" | "pid" | "backend" | "slots"
>;

/** What a node has to say. */
export function nodeStats(
  identity: NodeIdentity,
  state: NodeStats["state"],
  running: number,
  startedAt: number,
  tally: NodeTally,
  lanes: readonly Lane[],
): NodeStats {
  const { workers, idle, crashes, restarts, stuck, perWorker } = sumStats(
    lanes,
  );
  return {
    ...identity,
    state,
    upTime: performance.now() - startedAt,
    running,
    ...tally,
    workers,
    idle,
    crashes,
    restarts,
    stuck,
    perWorker,
  };
}

/** Writes beats until it is stopped. */
export class Beat {
  readonly #redis: Redis;
  readonly #key: string;
  readonly #stats: () => NodeStats;
  #timer: ReturnType<typeof setInterval> | undefined;
  readonly #onBeat: () => void;
  /** The one that has not arrived. */
  #underWay: Promise<void> | undefined;
  #isStopped = false;

  /** @param onBeat Called before each of them. */
  constructor(
    redis: Redis,
    keys: Keys,
    stats: () => NodeStats,
    onBeat: () => void,
  ) {
    this.#onBeat = onBeat;
    this.#redis = redis;
    this.#key = keys.beats;
    this.#stats = stats;
  }

  /** The first one, and one each second from now. */
  async start(): Promise<void> {
    await this.#write();
    if (this.#isStopped) return;
    this.#timer = setInterval(() => {
      this.#onBeat();
      if (this.#underWay === undefined) void this.now();
    }, BEAT);
  }

  /** One at once: something has changed. */
  async now(): Promise<void> {
    const before = this.#underWay ?? Promise.resolve();
    const beat = before.then(() => this.#write()).catch(() => {
      // Redis cannot take it now, and the next one says more.
    });
    this.#underWay = beat;
    await beat;
    if (this.#underWay === beat) this.#underWay = undefined;
  }

  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
  }

  async #write(): Promise<void> {
    await Promise.all([
      this.#redis.xadd(
        this.#key,
        "MAXLEN",
        "~",
        MAX_BEATS,
        "*",
        FIELD,
        JSON.stringify(this.#stats()),
      ),
      this.#redis.pexpire(this.#key, BEATS_TTL),
    ]);
  }
}
