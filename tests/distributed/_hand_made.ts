// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A client made by hand: puts jobs into a queue as an executor does, says what
// it wants of them, and hears what nodes say. Where an executor would not do
// something (change a job, sign it with another key), it does.

import { Buffer } from "node:buffer";
import { Queue } from "bullmq";
import { networkBackend, NO_TRANSFER } from "../../_internal/pool/backend.ts";
import { Job, type RemoteWork } from "../../_internal/pool/job.ts";
import { readAnswer, readError } from "../../_internal/pool/answers.ts";
import { writeCall } from "../../_internal/pool/relayed_call.ts";
import { ByteWriter } from "../../_internal/wire/bytes.ts";
import { encodeError } from "../../_internal/wire/error_codec.ts";
import { CallMode } from "../../_internal/wire/messages.ts";
import {
  readRelayAnswer,
  Relay,
  type RelayAnswer,
  writeRelay,
} from "../../_internal/wire/relay_messages.ts";
import {
  type Answer,
  FIELD,
  type JobBody,
  jobId,
  Keys,
  places,
  readAnswers,
  writeControl,
  writeJob,
} from "../../distributed/_protocol.ts";
import {
  closeRedis,
  createRedis,
  openRedis,
  parseRedis,
  type Redis,
} from "../../distributed/_redis.ts";
import { parseAuthKey, Seal } from "../../distributed/_seal.ts";
import { StreamReader } from "../../distributed/_stream_reader.ts";

/** How a job is put. */
export interface PutOptions {
  readonly name?: string;
  readonly kind?: "io" | "cpu";
  readonly timeout?: number;
  readonly retries?: number;
  readonly mode?: CallMode;
  readonly maxPayload?: number;
  readonly backoff?: number;
  /** Changes the body before it is signed. */
  readonly change?: (body: JobBody) => JobBody;
  /** Changes what is put into the queue. */
  readonly forge?: (data: Uint8Array, id: string) => Uint8Array;
}

/** What was heard of a job, in the order in which it came. */
export interface Heard extends Answer {
  readonly node: string;
  readonly isSigned: boolean;
  readonly answer: RelayAnswer | undefined;
}

const ENDS: readonly number[] = [Relay.done, Relay.failed, Relay.cancelled];

/** A client of a queue. */
export class HandClient implements AsyncDisposable {
  readonly id = `c${crypto.randomUUID().slice(0, 8)}`;
  readonly queue: Queue;
  readonly heard: Heard[] = [];
  readonly redis: Redis;
  readonly #keys: Keys;
  readonly #seal: Seal;
  readonly #reader: StreamReader;
  readonly #listeners = new Set<() => void>();
  readonly #modes = new Map<number, CallMode>();
  #lastNumber = 0;

  private constructor(
    redis: Redis,
    reading: Redis,
    keys: Keys,
    authKey: string | undefined,
  ) {
    this.redis = redis;
    this.#keys = keys;
    this.#seal = new Seal(parseAuthKey("test", authKey));
    // deno-lint-ignore no-explicit-any -- BullMQ's types are of an older ioredis
    this.queue = new Queue(keys.queue, { connection: redis as any });
    // Whoever waits for a command hears of it.
    this.queue.on("error", () => {});
    this.#reader = new StreamReader(reading, [{
      key: keys.answers(this.id),
      from: "0",
      take: (messages) => {
        for (const message of messages) this.#hear(message);
      },
    }]);
  }

  static async open(
    url: string,
    queue: string,
    authKey?: string,
  ): Promise<HandClient> {
    const settings = parseRedis("test", { url, queue });
    const redis = createRedis(settings);
    const reading = createRedis(settings);
    await openRedis(redis, settings, "test");
    await openRedis(reading, settings, "test");
    return new HandClient(redis, reading, new Keys(queue), authKey);
  }

  /** Puts a call into the queue; returns its number. */
  async put(
    // deno-lint-ignore no-explicit-any -- any function
    fn: (...args: any[]) => unknown,
    args: readonly unknown[] = [],
    options: PutOptions = {},
  ): Promise<number> {
    const { mode = CallMode.single, timeout, retries = 0, backoff = 1 } =
      options;
    const name = options.name ?? (fn.name || "(anonymous)");
    const work = networkBackend().prepare(
      fn,
      args,
      mode,
      NO_TRANSFER,
    ) as RemoteWork;
    const number = ++this.#lastNumber;
    this.#modes.set(number, mode);
    const job = new Job(work, {
      name,
      priority: 0,
      timeout,
      retries,
      maySendAhead: true,
    }, {} as Job["observer"]);
    const { definition, whole } = work;
    const id = jobId(this.id, number);
    const body: JobBody = {
      client: this.id,
      number,
      definition: whole ? undefined : {
        name: definition.name,
        mutable: definition.payload.mutable,
        payload: definition.payload.bytes,
      },
      kind: options.kind,
      maxPayload: options.maxPayload ?? 1 << 20,
      resultTtl: 60_000,
      signals: [],
      call: writeCall(job, work, {
        ticket: number,
        executor: "",
        lane: "process",
        parent: undefined,
      }),
    };
    const { change = (it) => it, forge = (it) => it } = options;
    const sealed = this.#seal.close(
      places.job(this.#keys.queue),
      writeJob(id, name, change(body)),
    );
    await this.queue.add(
      name,
      Buffer.from(forge(sealed, id)).toString("base64"),
      {
        jobId: id,
        priority: 1000,
        attempts: retries + 1,
        backoff: { type: "exponential", delay: backoff },
        removeOnComplete: true,
        removeOnFail: true,
      },
    );
    return number;
  }

  /** Says something of a job to all nodes. */
  async say(
    number: number,
    what: "cancel" | "finish" | { readonly credit: number },
    reason: unknown = "test",
  ): Promise<void> {
    const w = new ByteWriter();
    if (what === "cancel") {
      writeRelay(w, { tag: Relay.cancel, ticket: number });
      encodeError(w, reason, { root: "reason", modules: new Set() });
    } else if (what === "finish") {
      writeRelay(w, { tag: Relay.finish, ticket: number });
    } else {
      writeRelay(w, { tag: Relay.credit, ticket: number, items: what.credit });
    }
    const message = this.#seal.close(
      places.control(this.#keys.queue),
      writeControl({ client: this.id, number, message: w.bytes() }),
    );
    await this.redis.xadd(this.#keys.control, "*", FIELD, Buffer.from(message));
  }

  /** Resolves when something was heard. */
  async until<T>(look: () => T | undefined): Promise<T> {
    while (true) {
      const found = look();
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        const listener = () => {
          this.#listeners.delete(listener);
          resolve();
        };
        this.#listeners.add(listener);
      });
    }
  }

  /** What was heard of a job so far. */
  of(number: number): Heard[] {
    return this.heard.filter((it) => it.number === number);
  }

  /** The end of a job, once it is heard. */
  end(number: number): Promise<Heard> {
    return this.until(() =>
      this.of(number).find(({ answer }) =>
        answer === undefined || ENDS.includes(answer.tag)
      )
    );
  }

  /** What the job returned; throws what it has thrown. */
  async result(number: number): Promise<unknown> {
    const { answer, reason } = await this.end(number);
    if (answer === undefined) throw new RangeError(`refused: ${reason}`);
    if (answer.tag === Relay.done) {
      return readAnswer(this.#modes.get(number)!, answer.payload, []);
    }
    if (answer.tag === Relay.failed || answer.tag === Relay.cancelled) {
      throw readError(answer.payload, []);
    }
  }

  /** The values that a generator has yielded so far. */
  items(number: number): unknown[] {
    const items: unknown[] = [];
    for (const { answer } of this.of(number)) {
      if (answer?.tag !== Relay.item) continue;
      items.push(readAnswer(CallMode.stream, answer.payload, []));
    }
    return items;
  }

  /** Resolves when BullMQ has none of its jobs any more. */
  async finished(): Promise<void> {
    while (true) {
      const counts = await this.queue.getJobCounts();
      if (Object.values(counts).every((it) => it === 0)) return;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#reader.close();
    await this.#reader.closed;
    await this.queue.close();
    await closeRedis(this.redis);
  }

  #hear(message: Uint8Array): void {
    const place = places.answers(this.#keys.queue, this.id);
    let opened: { body: Uint8Array; isSigned: boolean };
    try {
      opened = this.#seal.open(place, message);
    } catch {
      // A refusal of a node with another key.
      opened = { body: Seal.bodyOf(message), isSigned: false };
    }
    const { node, answers } = readAnswers(opened.body);
    for (const answer of answers) {
      this.heard.push({
        ...answer,
        node,
        isSigned: opened.isSigned,
        answer: answer.message === undefined
          ? undefined
          : readRelayAnswer(answer.message),
      });
    }
    for (const listener of [...this.#listeners]) listener();
  }
}
