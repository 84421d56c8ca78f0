// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The nodes that serve a queue, as an executor knows them: from the beats that
// each of them writes every second (`_beat.ts`).

import type { WorkerStats } from "../_internal/pool/scheduler_options.ts";

/** Milliseconds between two beats of a node. */
export const BEAT = 1_000;
/** Milliseconds without a beat after which a node counts as gone. */
export const SILENCE = 5_000;

/** Slots that a node is believed to have: a map reads its input that far ahead. */
const MAX_SLOTS = 1 << 14;
/** Nodes that are known at a time. */
const MAX_NODES = 1000;

/** What a node says of itself. */
export interface NodeStats {
  /** Which node it is: nobody else has this id. It begins with the name that it was given. */
  readonly id: string;
  /** What it is called. Several nodes may be called the same. */
  readonly name: string;
  /** The name of its machine. */
  readonly host: string;
  /** Its process. */
  readonly pid: number;
  /** Whether it takes tasks, finishes what it has, or has ended. */
  readonly state: "serving" | "draining" | "gone";
  /** What its workers are. */
  readonly backend: "threads" | "processes" | "auto";
  /** Milliseconds since it has served. */
  readonly upTime: number;
  /** Tasks that its workers can run at a time. */
  readonly slots: number;
  /** Workers that live. */
  readonly workers: number;
  /** Workers with nothing to do. */
  readonly idle: number;
  /** Tasks that it has and that have not ended. */
  readonly running: number;
  /** Tasks that returned; each item of a chunk of a map counts. */
  readonly completed: number;
  /** Tasks that threw, timed out or lost their worker; each run counts. */
  readonly failed: number;
  /** Tasks that were cancelled. */
  readonly cancelled: number;
  /** Tasks that it would not run: not signed, signed with another key, changed, or not on its list. */
  readonly refused: number;
  /** Tasks that it has taken over from nodes that were lost. */
  readonly takenOver: number;
  /** Workers that ended by themselves. */
  readonly crashes: number;
  /** Workers that were replaced, for whatever reason. */
  readonly restarts: number;
  /** Threads that were given up while they were busy and still run. */
  readonly stuck: number;
  /** Each worker that lives. */
  readonly perWorker: readonly WorkerStats[];
}

/** The numbers of a node, and one text that every beat has. */
const NUMBERS = [
  "pid",
  "upTime",
  "slots",
  "workers",
  "idle",
  "running",
  "completed",
  "failed",
  "cancelled",
  "refused",
  "takenOver",
  "crashes",
  "restarts",
  "stuck",
] as const;

/** The nodes of a queue. */
export class NodeBoard {
  readonly #nodes = new Map<string, { stats: NodeStats; heardAt: number }>();
  readonly #listeners = new Set<() => void>();

  /**
   * Takes a beat; what is none is left alone: anybody can write to the stream.
   *
   * @param age Milliseconds since it was written.
   */
  hear(message: Uint8Array, age = 0): void {
    let stats: NodeStats;
    try {
      stats = JSON.parse(new TextDecoder().decode(message));
    } catch {
      return;
    }
    if (!isNodeStats(stats)) return;
    if (
      !this.#nodes.has(stats.id) && this.#nodes.size >= MAX_NODES &&
      // Those of which nothing is heard any more go.
      this.nodes.length >= MAX_NODES
    ) return;
    if (stats.state === "gone") this.#nodes.delete(stats.id);
    else {
      const heardAt = performance.now() - age;
      this.#nodes.set(stats.id, { stats, heardAt });
    }
    for (const listener of [...this.#listeners]) listener();
  }

  /** Those that were heard of lately. */
  get nodes(): NodeStats[] {
    const now = performance.now();
    const nodes: NodeStats[] = [];
    for (const [id, { stats, heardAt }] of this.#nodes) {
      if (now - heardAt > SILENCE) this.#nodes.delete(id);
      else nodes.push(stats);
    }
    return nodes;
  }

  /** Calls a function with each beat; returns what takes that back. */
  onBeat(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

function isNodeStats(stats: unknown): stats is NodeStats {
  if (typeof stats !== "object" || stats === null) return false;
  const it = stats as Record<string, unknown>;
  return typeof it.id === "string" && typeof it.name === "string" &&
    typeof it.host === "string" &&
    (it.state === "serving" || it.state === "draining" ||
      it.state === "gone") &&
    NUMBERS.every((key) => isCount(it[key])) &&
    (it.slots as number) <= MAX_SLOTS &&
    Array.isArray(it.perWorker) && it.perWorker.every(isWorkerStats);
}

/** What is summed up of each. */
function isWorkerStats(stats: unknown): boolean {
  if (typeof stats !== "object" || stats === null) return false;
  const { busyTime, utilization } = stats as Record<string, unknown>;
  return isCount(busyTime) && isCount(utilization);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value < Infinity;
}
