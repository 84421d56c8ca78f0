// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals } from "@std/assert";
import {
  createTeller,
  Outbox,
  type Teller,
} from "../../distributed/_outbox.ts";
import {
  type Answer,
  Keys,
  places,
  readAnswers,
} from "../../distributed/_protocol.ts";
import {
  closeRedis,
  createRedis,
  openRedis,
  parseRedis,
  type Redis,
} from "../../distributed/_redis.ts";
import { parseAuthKey, Seal } from "../../distributed/_seal.ts";
import { redisTest } from "./_redis.ts";

/** An outbox and what has come of it. */
class Bench implements AsyncDisposable {
  readonly seal = new Seal(parseAuthKey("test", "k"));
  readonly errors: unknown[] = [];
  /** When they came, each before the pause that follows it. */
  readonly errorTimes: number[] = [];
  readonly #errorHeard = new Set<() => void>();
  readonly redis: Redis;
  readonly keys: Keys;
  readonly outbox: Outbox;

  private constructor(redis: Redis, queue: string) {
    this.redis = redis;
    this.keys = new Keys(queue);
    this.outbox = new Outbox({
      redis,
      keys: this.keys,
      seal: this.seal,
      node: "n",
      onError: (error) => {
        this.errorTimes.push(performance.now());
        this.errors.push(error);
        for (const heard of this.#errorHeard) heard();
      },
    });
  }

  static async open(url: string, queue: string): Promise<Bench> {
    const settings = parseRedis("test", { url, queue });
    const redis = createRedis(settings);
    await openRedis(redis, settings, "test");
    return new Bench(redis, queue);
  }

  teller(client: string, number = 1, some: Partial<Teller> = {}): Teller {
    return createTeller({
      client,
      number,
      run: 1,
      resultTtl: 60_000,
      signs: true,
      ...some,
    });
  }

  /** Resolves at the next error. */
  error(): Promise<void> {
    return new Promise((resolve) => this.#errorHeard.add(resolve));
  }

  /** The entries of a client's stream: the answers in each. */
  async entries(client: string): Promise<Answer[][]> {
    const entries = await this.redis.xrangeBuffer(
      this.keys.answers(client),
      "-",
      "+",
    );
    return entries.map(([, [, message]]) => {
      const place = places.answers(this.keys.queue, client);
      const { body } = this.seal.open(place, message!);
      return [...readAnswers(body).answers];
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.outbox.close();
    await closeRedis(this.redis);
  }
}

function news(kind: "begun" | "progress" | "other", byte: number): {
  kind: typeof kind;
  message: Uint8Array;
  reason: string;
} {
  return { kind, message: new Uint8Array([byte]), reason: "" };
}

function bytesOf(answers: readonly Answer[]): number[] {
  return answers.map(({ message }) => message![0]!);
}

redisTest(
  "Outbox.tell() leaves out what an answer of the same batch says too",
  async ({ url, queue }) => {
    await using bench = await Bench.open(url, queue);
    const { outbox } = bench;
    const [short, long, plain] = [1, 2, 3].map((it) => bench.teller("c", it));
    void outbox.tell(short!, news("begun", 1));
    void outbox.tell(long!, news("begun", 2));
    void outbox.tell(long!, news("progress", 3));
    void outbox.tell(long!, news("progress", 4));
    void outbox.tell(plain!, news("other", 5));
    void outbox.tell(plain!, news("other", 6));
    await outbox.tell(short!, news("other", 7));

    const [entry, ...others] = await bench.entries("c");
    assertEquals(others, []);
    assertEquals(bytesOf(entry!), [2, 4, 5, 6, 7]);
    assertEquals(entry!.map(({ place }) => place), [1, 2, 1, 2, 1]);
    assert(await bench.redis.pttl(bench.keys.answers("c")) > 50_000);
  },
);

redisTest(
  "Outbox.tell() does not keep that a call has begun for long",
  async ({ url, queue }) => {
    await using bench = await Bench.open(url, queue);
    const teller = bench.teller("c");
    await bench.outbox.tell(teller, news("begun", 1));
    await bench.outbox.tell(teller, news("other", 2));

    const entries = await bench.entries("c");
    assertEquals(entries.map(bytesOf), [[1], [2]]);
    assertEquals(entries[1]![0]!.place, 2);
  },
);

redisTest(
  "Outbox.tell() keeps the order of what was refused, and holds up nobody else",
  async ({ url, queue }) => {
    await using bench = await Bench.open(url, queue);
    const { outbox, redis, keys } = bench;
    // Nothing can be added to it.
    await redis.set(keys.answers("bad"), "x");
    const bad = bench.teller("bad");
    const refused = bench.error();
    const first = outbox.tell(bad, news("other", 1));
    await refused;
    const second = outbox.tell(bad, news("other", 2));
    await outbox.tell(bench.teller("good"), news("other", 3));
    assertEquals((await bench.entries("good")).map(bytesOf), [[3]]);
    await redis.del(keys.answers("bad"));
    await Promise.all([first, second]);

    const answers = (await bench.entries("bad")).flat();
    assertEquals(bytesOf(answers), [1, 2]);
    assertEquals(answers.map(({ place }) => place), [1, 2]);
  },
);

redisTest(
  "Outbox.flush() resolves when all has left",
  async ({ url, queue }) => {
    await using bench = await Bench.open(url, queue);
    void bench.outbox.tell(bench.teller("a"), news("begun", 1));
    void bench.outbox.tell(bench.teller("b"), news("other", 2));
    await bench.outbox.flush();

    assertEquals((await bench.entries("a")).map(bytesOf), [[1]]);
    assertEquals((await bench.entries("b")).map(bytesOf), [[2]]);
  },
);

redisTest(
  "Outbox.tell() signs what is to be signed, and nothing else",
  async ({ url, queue }) => {
    await using bench = await Bench.open(url, queue);
    const { outbox, keys, seal } = bench;
    const told = [true, false, true].map((signs, at) =>
      outbox.tell(bench.teller("c", at, { signs }), news("other", at))
    );
    await Promise.all(told);

    const entries = await bench.redis.xrangeBuffer(keys.answers("c"), "-", "+");
    const opened = entries.map(([, [, message]]) => {
      const { body, isSigned } = seal.open(
        places.answers(queue, "c"),
        message!,
      );
      return [isSigned, bytesOf(readAnswers(body).answers)];
    });
    assertEquals(opened, [[true, [0, 2]], [false, [1]]]);
  },
);

redisTest(
  "Outbox.tell() keeps a stream for as long as the answer that is kept longest, and cuts what is large",
  async ({ url, queue }) => {
    await using bench = await Bench.open(url, queue);
    const { outbox } = bench;
    const long = bench.teller("c", 1);
    const short = bench.teller("c", 2, { resultTtl: 100 });
    void outbox.tell(long, news("other", 1));
    await outbox.tell(short, news("other", 2));
    assert(await bench.redis.pttl(bench.keys.answers("c")) > 10_000);
    const message = new Uint8Array(600_000);
    const told = [1, 2, 3].map((it) =>
      outbox.tell(bench.teller("d", it), { kind: "other", message, reason: "" })
    );
    await Promise.all(told);

    const entries = await bench.entries("d");
    assertEquals(entries.map(({ length }) => length), [2, 1]);
  },
);

redisTest(
  "Outbox.flush() waits for what is refused, which is tried again less and less often",
  async ({ url, queue }) => {
    await using bench = await Bench.open(url, queue);
    const { outbox, redis, keys } = bench;
    await redis.set(keys.answers("bad"), "x");
    let isFlushed = false;
    void outbox.tell(bench.teller("good"), news("other", 1));
    void outbox.tell(bench.teller("bad"), news("other", 2));
    const flushed = outbox.flush().then(() => isFlushed = true);
    const times = bench.errorTimes;
    while (times.length < 3) await bench.error();
    assertEquals(isFlushed, false);
    // Timers are a little early now and then.
    assert(times[2]! - times[0]! > 58, `${times}`);
    await redis.del(keys.answers("bad"));
    await flushed;

    assertEquals((await bench.entries("bad")).map(bytesOf), [[2]]);
  },
);
