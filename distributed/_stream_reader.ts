// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Reads Redis streams as they grow: one loop of XREAD BLOCK on a connection of
// its own, since a connection that waits takes no other commands.
//
// Each stream goes on behind the entry that was read last: what is written
// while a connection is lost is read when there is one again. A connection
// that is silent for longer than a wait can take is lost too (`silence` in
// `_redis.ts`): it always waits for an answer, so that a way which is cut
// without a word is noticed.

import { after } from "../_internal/base/deadline.ts";
import { FIELD } from "./_protocol.ts";
import type { Redis } from "./_redis.ts";

/** What one XREAD may wait, of the time after which its connection counts as lost. */
const PATIENCE = 0.5;
/** Entries of one stream that are read at a time. */
const COUNT = 256;
/** Milliseconds between two attempts where Redis refuses to read. */
const PAUSE = 500;

/** A stream that is read. */
export interface ReadStream {
  readonly key: string;
  /** The entry behind which to go on; `"0"`: from the beginning. */
  from: string;
  /** Takes the messages of some entries. Must not throw. */
  take(messages: readonly Uint8Array[], last: string): void;
}

/** An answer of XREAD. */
type Entries = [key: Uint8Array, [id: Uint8Array, fields: Uint8Array[]][]][];

const decoder = new TextDecoder();

/** Reads some streams until it is closed. */
export class StreamReader {
  readonly #redis: Redis;
  readonly #streams: readonly ReadStream[];
  #state: "reading" | "closed" = "reading";
  /** Ends a pause, or the wait for an answer. */
  #resume = () => {};
  /** Resolves when nothing is read any more. */
  readonly closed: Promise<void>;

  /** @param redis An open connection, for this reader alone. */
  constructor(redis: Redis, streams: readonly ReadStream[]) {
    this.#redis = redis;
    this.#streams = streams;
    this.closed = this.#read();
  }

  close(): void {
    this.#state = "closed";
    this.#resume();
    this.#redis.disconnect();
  }

  async #read(): Promise<void> {
    while (this.#state === "reading") {
      try {
        const entries = await this.#ask();
        for (const [key, list] of entries ?? []) this.#take(key, list);
      } catch {
        // It is closed, or Redis cannot be read from now (it loads its data,
        // or has failed over): nothing is lost by asking again.
        await this.#pause();
      }
    }
  }

  async #ask(): Promise<Entries | null> {
    const closed = Promise.withResolvers<null>();
    this.#resume = () => closed.resolve(null);
    const answer = this.#redis.xreadBuffer(
      "COUNT",
      COUNT,
      "BLOCK",
      Math.ceil(this.#redis.options.socketTimeout! * PATIENCE),
      "STREAMS",
      ...this.#streams.map(({ key }) => key),
      ...this.#streams.map(({ from }) => from),
    ) as Promise<Entries | null>;
    // A command of a lost connection that was closed when the next one had been
    // accepted and was not ready yet is forgotten by ioredis: it never ends.
    return await Promise.race([answer, closed.promise]);
  }

  #take(keyBytes: Uint8Array, list: Entries[number][1]): void {
    const key = decoder.decode(keyBytes);
    const stream = this.#streams.find((it) => it.key === key);
    const last = list.at(-1);
    if (stream === undefined || last === undefined) return;
    stream.from = decoder.decode(last[0]);
    const messages: Uint8Array[] = [];
    for (const [, fields] of list) {
      for (let i = 0; i + 1 < fields.length; i += 2) {
        if (decoder.decode(fields[i]) === FIELD) messages.push(fields[i + 1]!);
      }
    }
    stream.take(messages, stream.from);
  }

  async #pause(): Promise<void> {
    if (this.#state === "closed") return;
    await new Promise<void>((resolve) => {
      const disarm = after(PAUSE, resolve);
      this.#resume = () => {
        disarm();
        resolve();
      };
    });
  }
}
