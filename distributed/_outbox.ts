// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What a node tells clients, on its way to their streams.
//
//   tell() -> the client's last batch -> sealed, one command -> Redis
//             open: takes more           fixed: sent again as it is      reply: dropped
//
// 1. What comes while a flush is under way is collected, and leaves with the
//    next one: one command for each client, a script, since a stream that has
//    no time to live would stay where its node dies before it gives it one.
// 2. Of each client only the oldest batch is under way. Would the next one
//    leave before its reply, it might arrive where that one was refused; and
//    clients skip what has a lower place than what they have heard.
// 3. A batch gets its bytes, and its answers their places, when it leaves for
//    the first time. It is sent again as it is, so that whoever hears it twice
//    can tell: a connection was lost before the reply, or Redis had refused it
//    for a while (no memory, loading, a replica). Pauses grow; other clients
//    do not wait for one whose stream cannot be written.
// 4. That a call has begun, and its progress, wait a moment for what follows.
//    An end that comes meanwhile says that it had begun as well.

import { Buffer } from "node:buffer";
import {
  type Answer,
  FIELD,
  type Keys,
  places,
  writeAnswers,
} from "./_protocol.ts";
import type { Redis } from "./_redis.ts";
import type { Seal } from "./_seal.ts";

/** Milliseconds for which that a call has begun, or its progress, may wait. */
const LAZY_TIME = 5;
/** Bytes after which a batch is full. */
const BATCH_SIZE = 1 << 20;
const FIRST_PAUSE = 20;
const LONGEST_PAUSE = 2000;

/** One run of a job, as its client hears of it. */
export interface Teller {
  readonly client: string;
  readonly number: number;
  readonly run: number;
  /** Milliseconds for which answers are kept. */
  readonly resultTtl: number;
  /** Whether what it is told is signed. */
  readonly signs: boolean;
  /** Answers that have left. */
  told: number;
  /** What was told last and has not left. */
  last?: Draft | undefined;
}

/** Makes what tells of a run. */
export function createTeller(
  run: Omit<Teller, "told" | "last">,
): Teller {
  return { ...run, told: 0 };
}

/** What is told. */
export type News =
  /** That it has begun, how far it is, or anything else. */
  & { readonly kind: "begun" | "progress" | "other" }
  & Pick<Answer, "message" | "reason">;

/** What has not left yet. */
interface Draft extends News {
  readonly teller: Teller;
  /** Something that came later says it too. */
  isObsolete: boolean;
}

/** What leaves together. */
interface Batch {
  readonly drafts: Draft[];
  size: number;
  resultTtl: number;
  /** Set when it leaves for the first time. */
  bytes: Uint8Array | undefined;
  readonly sent: PromiseWithResolvers<void>;
}

/** What is on its way to one client. */
interface Post {
  readonly client: string;
  readonly signs: boolean;
  /** Oldest first; never empty. */
  readonly batches: Batch[];
  /** Until its next attempt; 0 where the last one went well. */
  pause: number;
  isResting: boolean;
}

/** What an outbox needs. */
export interface OutboxOptions {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly seal: Seal;
  /** Who tells it. */
  readonly node: string;
  /** Something was refused, and will be tried again. */
  readonly onError: (error: unknown) => void;
}

/** Adds to a stream, and sees to it that the stream is gone one day. */
const TELL = `
local id = redis.call("XADD", KEYS[1], "*", ARGV[1], ARGV[2])
redis.call("PEXPIRE", KEYS[1], ARGV[3])
return id`;

interface Telling {
  tellClient(
    key: string,
    field: string,
    message: Buffer,
    resultTtl: number,
  ): Promise<string>;
}

/** Writes answers to the streams of clients. */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #redis: Redis & Telling;
  readonly #posts = new Map<string, Post>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #lazyTimer: ReturnType<typeof setTimeout> | undefined;
  #isFlushing = false;
  #isClosed = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
    options.redis.defineCommand("tellClient", { numberOfKeys: 1, lua: TELL });
    this.#redis = options.redis as Redis & Telling;
  }

  /** Tells a client something. Resolves when Redis has it; never, where it is closed before. */
  tell(teller: Teller, news: News): Promise<void> {
    const { kind, message } = news;
    const { last } = teller;
    if (last !== undefined && last.kind !== "other") {
      const isRepeated = last.kind === kind;
      if (isRepeated || (last.kind === "begun" && kind === "other")) {
        last.isObsolete = true;
      }
    }
    const draft: Draft = {
      kind,
      message,
      reason: news.reason,
      teller,
      isObsolete: false,
    };
    teller.last = draft;
    const post = this.#post(teller);
    const batch = openBatch(post);
    batch.drafts.push(draft);
    batch.size += message?.length ?? 0;
    batch.resultTtl = Math.max(batch.resultTtl, teller.resultTtl);
    if (kind === "other") this.#wake();
    else {
      this.#lazyTimer ??= setTimeout(() => {
        this.#lazyTimer = undefined;
        this.#wake();
      }, LAZY_TIME);
    }
    return batch.sent.promise;
  }

  /** Resolves when all has left. */
  async flush(): Promise<void> {
    this.#wake();
    while (this.#posts.size > 0 && !this.#isClosed) {
      const [post] = this.#posts.values();
      await post!.batches.at(-1)!.sent.promise;
    }
  }

  /** Whatever has not left is given up. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#lazyTimer);
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#posts.clear();
  }

  #post({ client, signs }: Teller): Post {
    const key = `${signs ? "+" : "-"}${client}`;
    let post = this.#posts.get(key);
    if (post === undefined) {
      post = { client, signs, batches: [], pause: 0, isResting: false };
      this.#posts.set(key, post);
    }
    return post;
  }

  #wake(): void {
    if (this.#isFlushing || this.#isClosed) return;
    this.#isFlushing = true;
    // What comes in the same turn of the event loop leaves together.
    queueMicrotask(() => void this.#flush());
  }

  async #flush(): Promise<void> {
    while (true) {
      const due = [...this.#posts].filter(([, post]) => !post.isResting);
      if (due.length === 0) break;
      clearTimeout(this.#lazyTimer);
      this.#lazyTimer = undefined;
      const errors = await this.#send(due.map(([, post]) => post));
      if (this.#isClosed) break;
      for (const [at, [key, post]] of due.entries()) {
        if (errors[at] === undefined) this.#arrived(key, post);
        else this.#refused(post, errors[at]);
      }
    }
    // Nothing was awaited since there was nothing to do.
    this.#isFlushing = false;
  }

  /** Sends the oldest batch of each. Returns what has become of it: undefined where it has arrived. */
  async #send(posts: readonly Post[]): Promise<unknown[]> {
    const { keys } = this.#options;
    const replies = await Promise.allSettled(posts.map((post) => {
      const batch = post.batches[0]!;
      const bytes = batch.bytes ??= this.#seal(post, batch);
      return this.#redis.tellClient(
        keys.answers(post.client),
        FIELD,
        Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
        batch.resultTtl,
      );
    }));
    return replies.map((it) =>
      it.status === "rejected" ? it.reason : undefined
    );
  }

  #seal({ client, signs }: Post, { drafts }: Batch): Uint8Array {
    const { keys, seal, node } = this.#options;
    const answers = drafts.filter((it) => !it.isObsolete).map(
      ({ teller, message, reason }) => ({
        number: teller.number,
        run: teller.run,
        place: ++teller.told,
        message,
        reason,
      }),
    );
    for (const draft of drafts) {
      if (draft.teller.last === draft) draft.teller.last = undefined;
    }
    const place = places.answers(keys.queue, client);
    return seal.close(place, writeAnswers({ node, answers }), signs);
  }

  #arrived(key: string, post: Post): void {
    post.pause = 0;
    const batch = post.batches.shift()!;
    if (post.batches.length === 0) this.#posts.delete(key);
    batch.sent.resolve();
  }

  #refused(post: Post, error: unknown): void {
    this.#options.onError(error);
    post.pause = Math.min(Math.max(post.pause * 2, FIRST_PAUSE), LONGEST_PAUSE);
    post.isResting = true;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      post.isResting = false;
      this.#wake();
    }, post.pause);
    this.#timers.add(timer);
  }
}

/** The batch that takes the next answer: the last one, unless it is full or was under way. */
function openBatch({ batches }: Post): Batch {
  const last = batches.at(-1);
  if (
    last !== undefined && last.bytes === undefined && last.size < BATCH_SIZE
  ) return last;
  const batch: Batch = {
    drafts: [],
    size: 0,
    resultTtl: 1,
    bytes: undefined,
    sent: Promise.withResolvers(),
  };
  batches.push(batch);
  return batch;
}
