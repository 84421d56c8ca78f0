// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Connections to Redis: what they are made of, what they do when they are
// lost, and what a user is told who gets none.
//
// A connection that is lost is made again, for ever, with pauses that grow to a
// second; commands wait meanwhile, and are sent again where their answer had
// not come: every command that this package sends may be repeated. One that
// does not answer for a while is lost: where a cable is cut nobody says so. None
// keeps the program alive: what waits for an answer does (`base/registry.ts`).

import { Redis, type RedisOptions } from "ioredis";
import { after } from "../_internal/base/deadline.ts";
import { BrokenExecutorError } from "../_internal/base/errors.ts";
import { holdProgram, releaseProgram } from "../_internal/base/registry.ts";
import { checkDuration, describe } from "../_internal/base/validation.ts";

export type { Redis };

/** What is given for a connection. */
export interface RedisOptionsGiven {
  readonly url?: unknown;
  readonly queue?: unknown;
  readonly caCerts?: unknown;
  readonly connectTimeout?: number | undefined;
}

/** What a connection is made of; checked. */
export interface RedisSettings {
  readonly url: URL;
  readonly queue: string;
  readonly caCerts: readonly string[] | undefined;
  /** Milliseconds that the first connection may take. */
  readonly connectTimeout: number;
  /** Milliseconds without an answer after which a connection counts as lost. */
  readonly silence: number;
}

export const DEFAULT_URL = "redis://127.0.0.1:6379";
export const DEFAULT_QUEUE = "parallel";
const DEFAULT_CONNECT_TIMEOUT = 10_000;
const SILENCE = 5_000;
/** Between two attempts, in milliseconds. */
const FIRST_PAUSE = 25;
const LONGEST_PAUSE = 1000;
/** Errors that no further attempt will mend. */
const REFUSALS =
  /^(WRONGPASS|NOAUTH|NOPERM|ERR AUTH|ERR Client sent AUTH|ERR DB index)/;

/**
 * Checks what was given for a connection.
 *
 * @throws {TypeError} If an option is of the wrong type.
 * @throws {RangeError} If an option is out of its range.
 */
export function parseRedis(
  verb: string,
  {
    url = DEFAULT_URL,
    queue = DEFAULT_QUEUE,
    caCerts,
    connectTimeout = DEFAULT_CONNECT_TIMEOUT,
  }: RedisOptionsGiven,
): RedisSettings {
  checkDuration(verb, "connectTimeout", connectTimeout);
  if (typeof queue !== "string") {
    throw new TypeError(
      `Cannot ${verb} as 'queue' must be a string: current value is ${
        describe(queue)
      }`,
    );
  }
  if (queue === "" || queue.includes(":")) {
    throw new RangeError(
      `Cannot ${verb} as 'queue' must be a name without colons: current value is ${
        describe(queue)
      }`,
    );
  }
  if (
    caCerts !== undefined &&
    !(Array.isArray(caCerts) && caCerts.every((it) => typeof it === "string"))
  ) {
    throw new TypeError(
      `Cannot ${verb} as 'caCerts' must be an array of certificates in PEM format: current value is ${
        describe(caCerts)
      }`,
    );
  }
  return {
    url: parseUrl(verb, url),
    queue,
    caCerts: caCerts as string[] | undefined,
    connectTimeout,
    silence: SILENCE,
  };
}

function parseUrl(verb: string, given: unknown): URL {
  if (typeof given !== "string" && !(given instanceof URL)) {
    throw new TypeError(
      `Cannot ${verb} as 'url' must be a string: current value is ${
        describe(given)
      }`,
    );
  }
  // What a URL holds may be a password: it is not repeated.
  if (!URL.canParse(given)) {
    throw new RangeError(
      `Cannot ${verb} as 'url' must be a URL such as ${DEFAULT_URL}: current value is none`,
    );
  }
  const url = new URL(given);
  if (url.protocol !== "redis:" && url.protocol !== "rediss:") {
    throw new RangeError(
      `Cannot ${verb} as 'url' must begin with redis:// or rediss://: current value begins with ${url.protocol}`,
    );
  }
  try {
    decodeURIComponent(url.username + url.password);
  } catch {
    throw new RangeError(
      `Cannot ${verb} as 'url' must have '%25' for a '%' in its user and password: current value has another one`,
    );
  }
  if (!/^\/?\d*$/.test(url.pathname)) {
    throw new RangeError(
      `Cannot ${verb} as 'url' must end with the number of a database, or with none: current value ends with ${url.pathname}`,
    );
  }
  return url;
}

/** Where a connection goes, without its password. */
export function nameOfServer({ url }: RedisSettings): string {
  return `${url.protocol}//${url.host}`;
}

/** Makes a connection; it is not open yet. */
export function createRedis(
  { url, caCerts, silence }: RedisSettings,
): Redis {
  const redis = new EndableRedis(url.href, {
    lazyConnect: true,
    maxRetriesPerRequest: null,
    keepAlive: 30_000,
    retryStrategy: (times) =>
      Math.min(FIRST_PAUSE * 2 ** Math.min(times, 10), LONGEST_PAUSE) *
      (0.5 + Math.random() / 2),
    // Options for TLS would turn it on.
    ...(caCerts === undefined || url.protocol !== "rediss:"
      ? {}
      : { tls: { ca: [...caCerts] } }),
    socketTimeout: silence,
  });
  const watch = redis["setSocketTimeout"].bind(redis);
  redis["setSocketTimeout"] = () => {
    watch();
    redis["socketTimeoutTimer"]?.unref();
  };
  redis.duplicate = ((override?: Partial<RedisOptions>) => {
    // It is BullMQ's, waits for longer, and is watched there.
    const { socketTimeout: _, ...options } = redis.options;
    return new EndableRedis(
      { ...options, ...override } as RedisOptions & {
        replyMapping?: "legacy";
      },
    );
  }) as Redis["duplicate"];
  redis.on("connect", () => {
    unref(redis);
    writeTogether(redis);
  });
  // It is told by what waits for it, and there is nothing to do but to go on.
  redis.on("error", (error: unknown) => lastErrors.set(redis, error));
  redis.on("ready", () => lastErrors.delete(redis));
  return redis;
}

/**
 * One whose `disconnect()` ends it at any time. While a connection is being
 * made again ioredis only makes no further attempt: commands that wait are
 * never answered, and no `end` comes, which BullMQ waits for.
 */
class EndableRedis extends Redis {
  #isEnding = false;

  override disconnect(reconnect = false): void {
    if (reconnect || this.status !== "reconnecting") {
      return super.disconnect(reconnect);
    }
    if (this.#isEnding) return;
    this.#isEnding = true;
    // The next attempt is the last one, and in vain.
    const { retryStrategy } = this.options;
    this.options.retryStrategy = () => null;
    const onConnect = () => super.disconnect();
    this.once("connect", onConnect);
    this.once("end", () => {
      this.#isEnding = false;
      this.options.retryStrategy = retryStrategy;
      this.off("connect", onConnect);
    });
  }
}

/** Has the commands of one turn leave in one write: each costs a call of the system. */
function writeTogether(redis: Redis): void {
  const stream = redis.stream as unknown as {
    cork(): void;
    uncork(): void;
    write(...args: unknown[]): boolean;
  };
  const write = stream.write.bind(stream);
  let isCorked = false;
  stream.write = (...args) => {
    if (!isCorked) {
      isCorked = true;
      stream.cork();
      queueMicrotask(() => {
        isCorked = false;
        stream.uncork();
      });
    }
    return write(...args);
  };
}

/** Of those that are not ready: what their last attempt has failed with. */
const lastErrors = new WeakMap<Redis, unknown>();

function unref(redis: Redis): void {
  const stream = redis.stream as { unref?(): void } | undefined;
  stream?.unref?.();
}

/**
 * Opens a connection. Resolves when it takes commands.
 *
 * @param verb What somebody wanted to do.
 * @throws {BrokenExecutorError} If it is refused or not permitted, or not there in time.
 */
export async function openRedis(
  redis: Redis,
  settings: RedisSettings,
  verb: string,
): Promise<void> {
  const opened = Promise.withResolvers<void>();
  const fail = (state: string) =>
    opened.reject(
      new BrokenExecutorError(`Cannot ${verb}: ${state}`, {
        cause: lastErrors.get(redis),
      }),
    );
  const server = nameOfServer(settings);
  const onReady = () => opened.resolve();
  const onError = (error: unknown) => {
    if (error instanceof Deno.errors.NotCapable) {
      fail(`this program may not connect to ${server} (${error.message})`);
    } else if (error instanceof Error && REFUSALS.test(error.message)) {
      fail(`${server} refuses it (${error.message})`);
    }
  };
  const onEnd = () => fail(`the connection to ${server} was closed`);
  redis.on("ready", onReady);
  redis.on("error", onError);
  redis.on("end", onEnd);
  const disarm = after(settings.connectTimeout, () => {
    const time = settings.connectTimeout;
    fail(`${server} has not answered for ${time} ms${whyNot(redis)}`);
  });
  holdProgram();
  try {
    if (redis.status === "ready") return;
    // One that fails is tried again; `error` has told why.
    redis.connect().catch(() => {});
    await opened.promise;
  } catch (error) {
    await closeRedis(redis);
    throw error;
  } finally {
    disarm();
    releaseProgram();
    redis.off("ready", onReady);
    redis.off("error", onError);
    redis.off("end", onEnd);
  }
}

/** What the last attempt has failed with: no such host, nobody listens, an unknown certificate. */
export function whyNot(redis: Redis): string {
  const error = lastErrors.get(redis);
  const message = error instanceof Error ? error.message : "";
  return message === "" ? "" : ` (${message})`;
}

/**
 * What a user is told of an error on the way to being connected: a command that
 * Redis refuses says that this user may not do that there.
 */
export function openingError(
  error: unknown,
  settings: RedisSettings,
  verb: string,
): unknown {
  if (!(error instanceof Error) || error.name !== "ReplyError") return error;
  return new BrokenExecutorError(
    `Cannot ${verb}: ${nameOfServer(settings)} refuses it (${error.message})`,
    { cause: error },
  );
}

/** Milliseconds that the end of a connection may take. */
const END_TIME = 3_000;

/**
 * Ends a connection. Resolves when nothing of it is left; commands that had no
 * answer fail.
 */
export async function closeRedis(redis: Redis): Promise<void> {
  if (redis.status === "end") return;
  const ended = Promise.withResolvers<void>();
  redis.once("end", () => ended.resolve());
  redis.disconnect();
  const disarm = after(END_TIME, () => ended.resolve());
  await ended.promise;
  disarm();
}
