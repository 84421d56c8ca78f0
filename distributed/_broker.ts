// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The executor's side of Redis: one connection for commands, one that reads.
//
// state    meaning                                          leaves by
// new      nobody has asked for it                          open() -> opening
// opening  the first connections are made                   both are there -> open; one is refused -> broken
// open     jobs go out, answers come in                     close() -> closed; no connection for `reconnectTimeout` -> broken
// broken   it will not work; its owner has been told why    close() -> closed
// closed   nothing is held                                  never

import { Queue } from "bullmq";
import { afterUnheld } from "../_internal/base/deadline.ts";
import { BrokenExecutorError } from "../_internal/base/errors.ts";
import {
  JobSender,
  type OutgoingJob,
  type SenderEvents,
} from "./_job_sender.ts";
import { NodeBoard } from "./_node_board.ts";
import { FIELD, type Keys } from "./_protocol.ts";
import {
  closeRedis,
  createRedis,
  nameOfServer,
  openingError,
  openRedis,
  type Redis,
  type RedisSettings,
  whyNot,
} from "./_redis.ts";
import { type ReadStream, StreamReader } from "./_stream_reader.ts";

/** How an executor reaches Redis. */
export interface BrokerSettings extends RedisSettings {
  /** Milliseconds without a connection after which it is broken. */
  readonly reconnectTimeout: number;
}

/** What a broker tells its owner. */
export interface BrokerEvents<T extends OutgoingJob> extends SenderEvents<T> {
  /** Answers have come. */
  answers(messages: readonly Uint8Array[]): void;
  /** There is a connection again after one was lost, for so many milliseconds. */
  reconnected(gap: number): void;
  /** It will not work any more. */
  broken(error: unknown): void;
}

/** Entries that are kept of the stream of control messages. */
const CONTROL_LENGTH = 10_000;
/** Milliseconds after the last one for which they are: whoever reads is not behind by more. */
const CONTROL_TTL = 3_600_000;
/** Entries of beats that are read at the start. */
const FIRST_BEATS = 256;
/** Ids that are asked about at a time. */
const ASKED = 500;

/** The connections of an executor. */
export class Broker<T extends OutgoingJob> {
  readonly #settings: BrokerSettings;
  readonly #keys: Keys;
  readonly #client: string;
  readonly #events: BrokerEvents<T>;
  readonly #verb: string;
  readonly #redis: Redis;
  readonly #reading: Redis;
  /** The nodes that serve the queue. */
  readonly board = new NodeBoard();
  #queue: Queue | undefined;
  #sender: JobSender<T> | undefined;
  #reader: StreamReader | undefined;
  #answers: ReadStream;
  #state: "new" | "opening" | "open" | "broken" | "closed" = "new";
  #opened: Promise<void> | undefined;
  /** What was submitted before there was a connection. */
  #early: T[] = [];
  /** When the connection was lost, by `performance.now()`. */
  #lostAt: number | undefined;
  #forget = () => {};
  /** Those who wait until the reader has come to an entry. */
  readonly #waiting = new Set<() => void>();

  constructor(
    settings: BrokerSettings,
    keys: Keys,
    client: string,
    verb: string,
    events: BrokerEvents<T>,
  ) {
    this.#settings = settings;
    this.#keys = keys;
    this.#client = client;
    this.#verb = verb;
    this.#events = events;
    this.#redis = createRedis(settings);
    this.#reading = createRedis(settings);
    this.#answers = {
      key: keys.answers(client),
      from: "0",
      take: (messages, last) => {
        events.answers(messages);
        // What was read is not needed any more.
        this.#redis.xtrim(this.#answers.key, "MINID", behind(last)).catch(
          () => {},
        );
        for (const look of [...this.#waiting]) look();
      },
    };
  }

  /** Resolves when what was sent has arrived. */
  get idle(): Promise<void> {
    return this.#sender?.idle ?? Promise.resolve();
  }

  /** Makes the connections; resolves when they are there, once and for all. */
  open(): Promise<void> {
    return this.#opened ??= this.#open();
  }

  /** Adds a job to the queue. */
  send(job: T): void {
    if (this.#sender !== undefined) return this.#sender.send(job);
    this.#early.push(job);
    // Told through `broken()`.
    this.open().catch(() => {});
  }

  /** Takes back a job that has not been sent. */
  take(job: T): boolean {
    if (this.#sender !== undefined) return this.#sender.take(job);
    const at = this.#early.indexOf(job);
    if (at !== -1) this.#early.splice(at, 1);
    return at !== -1;
  }

  /** Takes a job out of the queue that nobody runs; true where it was there. */
  async remove(id: string): Promise<boolean> {
    return await this.#queue?.remove(id) === 1;
  }

  /** Tells all nodes; also before there is a connection: nodes keep what comes before its job. */
  async control(message: Uint8Array): Promise<void> {
    await this.open();
    await Promise.all([
      this.#redis.xadd(
        this.#keys.control,
        "MAXLEN",
        "~",
        CONTROL_LENGTH,
        "*",
        FIELD,
        Buffer.from(message.buffer, message.byteOffset, message.length),
      ),
      this.#redis.pexpire(this.#keys.control, CONTROL_TTL),
    ]);
  }

  /** Those jobs that are neither in the queue nor under way. What was written of them before has been read when it resolves. */
  async missingOf(jobs: readonly T[]): Promise<T[]> {
    const missing: T[] = [];
    for (let at = 0; at < jobs.length; at += ASKED) {
      const asked = jobs.slice(at, at + ASKED);
      const pipeline = this.#redis.pipeline();
      for (const { id } of asked) pipeline.exists(this.#queue!.toKey(id));
      const replies = await pipeline.exec() ?? [];
      asked.forEach((job, i) => {
        const [error, count] = replies[i] ?? [];
        if (error === null && count === 0) missing.push(job);
      });
    }
    if (missing.length > 0) await this.#readAll();
    return missing;
  }

  /**
   * Closes the connections. Resolves when nothing of them is left.
   *
   * @param isOver Resolves when what was sent is not waited for any more.
   */
  async close(isOver: Promise<void>): Promise<void> {
    const wasOpen = this.#state === "open";
    this.#end("closed");
    if (wasOpen) await Promise.race([this.#farewell(), isOver]);
    await this.#hangUp();
    await this.#opened?.catch(() => {});
    await this.#reader?.closed;
  }

  /** What was sent arrives, where there is a connection. */
  async #farewell(): Promise<void> {
    // Nobody reads it any more.
    this.#redis.del(this.#answers.key).catch(() => {});
    await this.#queue?.close().catch(() => {});
    if (this.#redis.status === "ready") {
      await this.#redis.quit().catch(() => {});
    }
  }

  async #open(): Promise<void> {
    this.#state = "opening";
    const settings = this.#settings;
    try {
      await Promise.all([
        openRedis(this.#redis, settings, this.#verb),
        openRedis(this.#reading, settings, this.#verb),
      ]);
      const beats = await this.#beats();
      if (this.#state !== "opening") throw closedError(this.#verb);
      this.#queue = new Queue(this.#keys.queue, { connection: this.#redis });
      // Each command that fails says so itself.
      this.#queue.on("error", () => {});
      this.#reader = new StreamReader(this.#reading, [this.#answers, beats]);
    } catch (cause) {
      const error = openingError(cause, settings, this.#verb);
      this.#break(error);
      throw error;
    }
    this.#state = "open";
    this.#watch();
    const sender = this.#sender = new JobSender<T>(this.#queue, this.#events);
    for (const job of this.#early) sender.send(job);
    this.#early = [];
  }

  /** The stream of beats behind those of now, which are read here. */
  async #beats(): Promise<ReadStream> {
    const { beats: key } = this.#keys;
    const newest = await this.#redis.xrevrangeBuffer(
      key,
      "+",
      "-",
      "COUNT",
      FIRST_BEATS,
    );
    const [seconds] = await this.#redis.time();
    const decoder = new TextDecoder();
    for (const [id, fields] of newest.toReversed()) {
      const age = Number(seconds) * 1000 - parseInt(decoder.decode(id));
      if (fields[1] !== undefined) this.board.hear(fields[1], age);
    }
    return {
      key,
      from: newest[0] === undefined ? "0" : decoder.decode(newest[0][0]),
      take: (messages) => messages.forEach((it) => this.board.hear(it)),
    };
  }

  /**
   * Looks after both connections. Where nothing is sent the one that reads is
   * the one that knows when the way is cut: it always waits for an answer.
   */
  #watch(): void {
    const both = [this.#redis, this.#reading];
    for (const redis of both) {
      redis.on("close", () => this.#lost());
      redis.on("ready", () => {
        if (both.every(({ status }) => status === "ready")) this.#found();
      });
    }
  }

  #lost(): void {
    if (this.#state !== "open" || this.#lostAt !== undefined) return;
    this.#lostAt = performance.now();
    const { reconnectTimeout } = this.#settings;
    this.#forget = afterUnheld(reconnectTimeout, () => {
      const server = nameOfServer(this.#settings);
      const why = whyNot(this.#redis) || whyNot(this.#reading);
      this.#break(
        new BrokenExecutorError(
          `Cannot go on: ${server} has been out of reach for ${reconnectTimeout} ms${why}`,
        ),
      );
    });
  }

  #found(): void {
    if (this.#lostAt === undefined) return;
    const gap = performance.now() - this.#lostAt;
    this.#lostAt = undefined;
    this.#forget();
    if (this.#state === "open") this.#events.reconnected(gap);
  }

  #break(error: unknown): void {
    if (this.#state === "broken" || this.#state === "closed") return;
    this.#end("broken");
    void this.#hangUp();
    this.#events.broken(error);
  }

  #end(state: "broken" | "closed"): void {
    this.#state = state;
    this.#forget();
    this.#sender?.close();
    this.#reader?.close();
    for (const look of [...this.#waiting]) look();
  }

  async #hangUp(): Promise<void> {
    await Promise.all([closeRedis(this.#redis), closeRedis(this.#reading)]);
  }

  /** Waits until what is in the stream of answers now has been read. */
  async #readAll(): Promise<void> {
    const last = await this.#redis.xrevrange(
      this.#answers.key,
      "+",
      "-",
      "COUNT",
      1,
    );
    const id = last[0]?.[0];
    if (id === undefined) return;
    await new Promise<void>((resolve) => {
      const look = () => {
        if (this.#state === "open" && isBefore(this.#answers.from, id)) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }
}

function closedError(verb: string): BrokenExecutorError {
  return new BrokenExecutorError(`Cannot ${verb}: it was closed meanwhile`);
}

/** The smallest id behind one: `"<milliseconds>-<number>"`. */
function behind(id: string): string {
  const [time, number = "0"] = id.split("-") as [string, string?];
  return `${time}-${BigInt(number) + 1n}`;
}

function isBefore(a: string, b: string): boolean {
  const [timeA, numberA = "0"] = a.split("-") as [string, string?];
  const [timeB, numberB = "0"] = b.split("-") as [string, string?];
  const [x, y] = [BigInt(timeA), BigInt(timeB)];
  return x < y || (x === y && BigInt(numberA) < BigInt(numberB));
}
