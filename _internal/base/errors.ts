// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Base class of every error that this library creates itself. Errors that a
 * task threw keep their own class.
 *
 * @example Catch anything that the library reports
 * ```ts
 * import { ParallelError, SerializationError } from "@concurrent/parallel";
 * import { assert } from "@std/assert";
 *
 * assert(new SerializationError("Cannot send x") instanceof ParallelError);
 * ```
 */
export class ParallelError extends Error {
  /**
   * Creates the error.
   *
   * @param message What could not be done and why.
   * @param options The standard options; `cause` is kept.
   */
  constructor(message?: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/**
 * The future was cancelled, or its task was stopped because somebody asked for
 * it. `cause` holds the reason, where one was given.
 *
 * @example Usage
 * ```ts
 * import { CancelledError, Future } from "@concurrent/parallel/futures";
 * import { assertRejects } from "@std/assert";
 *
 * const future = new Future<number>();
 * future.cancel("not needed any more");
 *
 * await assertRejects(() => future.result(), CancelledError);
 * ```
 */
export class CancelledError extends ParallelError {}

/**
 * A wait lasted longer than its `timeout`. What was waited for goes on. Against
 * a {@linkcode TaskTimeoutError}: there the task itself ran for too long.
 *
 * @example Usage
 * ```ts
 * import { Future, TimeoutError } from "@concurrent/parallel/futures";
 * import { assertRejects } from "@std/assert";
 *
 * const future = new Future<number>();
 *
 * await assertRejects(() => future.result({ timeout: 0 }), TimeoutError);
 * ```
 */
export class TimeoutError extends ParallelError {}

/**
 * A task ran longer than its own `timeout` and was stopped. Against a plain
 * {@linkcode TimeoutError}: the task does not go on.
 *
 * @example Usage
 * ```ts
 * import { task } from "@concurrent/parallel";
 * import { TaskTimeoutError, ThreadPoolExecutor } from "@concurrent/parallel/futures";
 * import { assertInstanceOf } from "@std/assert";
 *
 * await using pool = new ThreadPoolExecutor({ maxWorkers: 1, cancelGrace: 0 });
 * const never = task(() => new Promise(() => {}), { timeout: 1 });
 *
 * assertInstanceOf(await pool.submit(never).exception(), TaskTimeoutError);
 * ```
 */
export class TaskTimeoutError extends TimeoutError {}

/**
 * What should be made is there already: shared memory of the same name.
 *
 * @example Usage
 * ```ts
 * import { AlreadyExistsError, SharedMemory } from "@concurrent/parallel/multiprocessing";
 * import { assertThrows } from "@std/assert";
 *
 * using memory = SharedMemory.create({ size: 16 });
 *
 * assertThrows(
 *   () => SharedMemory.create({ size: 16, name: memory.name }),
 *   AlreadyExistsError,
 * );
 * ```
 */
export class AlreadyExistsError extends ParallelError {}

/**
 * What was named is not there, or not any more: shared memory that nobody has
 * made, that was unlinked, or whose last owner is gone.
 *
 * @example Usage
 * ```ts
 * import { NotFoundError, SharedMemory } from "@concurrent/parallel/multiprocessing";
 * import { assertThrows } from "@std/assert";
 *
 * assertThrows(() => SharedMemory.open("nobody-has-made-it"), NotFoundError);
 * ```
 */
export class NotFoundError extends ParallelError {}

/**
 * The operation does not fit the state that the object is in.
 *
 * @example Usage
 * ```ts
 * import { Future, InvalidStateError } from "@concurrent/parallel/futures";
 * import { assertThrows } from "@std/assert";
 *
 * const future = new Future<number>();
 * future.setResult(1);
 *
 * assertThrows(() => future.setResult(2), InvalidStateError);
 * ```
 */
export class InvalidStateError extends ParallelError {}

/**
 * A feature that this version does not have, or that the chosen backend cannot
 * offer.
 *
 * @example Usage
 * ```ts
 * import { NotSupportedError, ThreadPoolExecutor } from "@concurrent/parallel/futures";
 * import { assertThrows } from "@std/assert";
 *
 * assertThrows(
 *   () => new ThreadPoolExecutor({ permissions: "none" }),
 *   NotSupportedError,
 * );
 * ```
 */
export class NotSupportedError extends ParallelError {}

/**
 * The lock was released since the thread that held it has ended or was
 * terminated. Whoever gets this error holds the lock now, and should check what
 * the lock protects: its last holder may have stopped in the middle.
 *
 * @example Usage
 * ```ts
 * import { AbandonedLockError, ParallelError } from "@concurrent/parallel/threading";
 * import { assert } from "@std/assert";
 *
 * assert(AbandonedLockError.prototype instanceof ParallelError);
 * ```
 */
export class AbandonedLockError extends ParallelError {}

/**
 * Somebody left the barrier, or it was aborted: those who wait at it are not
 * all going to come.
 *
 * @example Usage
 * ```ts
 * import { Barrier, BrokenBarrierError } from "@concurrent/parallel/threading";
 * import { assertRejects } from "@std/assert";
 *
 * const barrier = new Barrier(2);
 *
 * await assertRejects(() => barrier.wait({ timeout: 0 }), BrokenBarrierError);
 * ```
 */
export class BrokenBarrierError extends ParallelError {}

/**
 * The wait would never end: every thread that could end it is blocked itself, or
 * there is none.
 *
 * @example Usage
 * ```ts
 * import { DeadlockError, Lock } from "@concurrent/parallel/threading";
 * import { assertThrows } from "@std/assert";
 *
 * const lock = new Lock();
 * lock.acquireSync();
 *
 * // No other thread is there to release it, and this one would be blocked.
 * assertThrows(() => lock.acquireSync(), DeadlockError);
 * ```
 */
export class DeadlockError extends ParallelError {}

/**
 * The other end of a connection is gone: what was sent before has been read, or
 * an object is used whose owner has ended.
 *
 * @example Usage
 * ```ts
 * import { ConnectionClosedError } from "@concurrent/parallel/multiprocessing";
 * import { assert } from "@std/assert";
 *
 * assert(new ConnectionClosedError("Cannot receive: closed") instanceof Error);
 * ```
 */
export class ConnectionClosedError extends ParallelError {}

/**
 * The queue stayed empty for as long as `get()` was allowed to wait.
 *
 * @example Usage
 * ```ts
 * import { Queue, QueueEmptyError } from "@concurrent/parallel/threading";
 * import { assertRejects } from "@std/assert";
 *
 * await assertRejects(() => new Queue().get({ timeout: 0 }), QueueEmptyError);
 * ```
 */
export class QueueEmptyError extends TimeoutError {}

/**
 * The queue stayed full for as long as `put()` was allowed to wait. The item was
 * not put.
 *
 * @example Usage
 * ```ts
 * import { Queue, QueueFullError } from "@concurrent/parallel/threading";
 * import { assertRejects } from "@std/assert";
 *
 * const queue = new Queue<number>(1);
 * await queue.put(1);
 *
 * await assertRejects(() => queue.put(2, { timeout: 0 }), QueueFullError);
 * ```
 */
export class QueueFullError extends TimeoutError {}

/**
 * The queue was shut down: nothing can be put, and nothing is left to get.
 *
 * @example Usage
 * ```ts
 * import { Queue, QueueShutDownError } from "@concurrent/parallel/threading";
 * import { assertRejects } from "@std/assert";
 *
 * const queue = new Queue<number>();
 * queue.shutdown();
 *
 * await assertRejects(() => queue.put(1), QueueShutDownError);
 * ```
 */
export class QueueShutDownError extends ParallelError {}

/**
 * The other side of a connection has not proved that it knows the key. Nothing
 * that it sent was read.
 *
 * @example Usage
 * ```ts
 * import { AuthenticationError, connectClient, Listener } from "@concurrent/parallel/multiprocessing";
 * import { assertRejects } from "@std/assert";
 *
 * using listener = new Listener({ authKey: "sesame" });
 * const { address } = listener;
 *
 * await assertRejects(
 *   () => connectClient({ address, authKey: "thyme" }),
 *   AuthenticationError,
 * );
 * ```
 */
export class AuthenticationError extends ParallelError {}

/**
 * The message is longer than the receiver was ready to take. It was received,
 * and is in `bytes`.
 *
 * @example Usage
 * ```ts
 * import { BufferTooShortError, pipe } from "@concurrent/parallel/multiprocessing";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const [a, b] = pipe();
 * await a.sendBytes(new Uint8Array(16));
 * const error = await assertRejects(
 *   () => b.recvBytes({ maxLength: 8 }),
 *   BufferTooShortError,
 * );
 *
 * assertEquals(error.bytes.length, 16);
 * a.close();
 * b.close();
 * ```
 */
export class BufferTooShortError extends ParallelError {
  /** The whole message. */
  readonly bytes: Uint8Array<ArrayBuffer>;

  /**
   * Creates the error.
   *
   * @param message What was too short for what.
   * @param bytes The whole message.
   */
  constructor(message: string, bytes: Uint8Array<ArrayBuffer>) {
    super(message);
    this.bytes = bytes;
  }
}

/**
 * The executor cannot run tasks any more: its workers cannot start, or its
 * initializer has failed. `cause` holds the first reason.
 *
 * @example Usage
 * ```ts
 * import { BrokenExecutorError, ThreadPoolExecutor } from "@concurrent/parallel/futures";
 * import { assertInstanceOf } from "@std/assert";
 *
 * await using pool = new ThreadPoolExecutor({
 *   maxWorkers: 1,
 *   initializer: () => {
 *     throw new RangeError("No such table");
 *   },
 * });
 * const error = await pool.submit(() => 1).exception();
 *
 * assertInstanceOf(error, BrokenExecutorError);
 * assertInstanceOf(error.cause, RangeError);
 * ```
 */
export class BrokenExecutorError extends ParallelError {}

/**
 * A thread pool whose workers cannot start or whose initializer failed.
 *
 * @example Usage
 * ```ts
 * import {
 *   BrokenExecutorError,
 *   BrokenThreadPoolError,
 * } from "@concurrent/parallel/futures";
 * import { assert } from "@std/assert";
 *
 * assert(BrokenThreadPoolError.prototype instanceof BrokenExecutorError);
 * ```
 */
export class BrokenThreadPoolError extends BrokenExecutorError {}

/**
 * A process pool whose workers cannot start or whose initializer failed.
 *
 * @example Usage
 * ```ts
 * import {
 *   BrokenExecutorError,
 *   BrokenProcessPoolError,
 * } from "@concurrent/parallel/futures";
 * import { assert } from "@std/assert";
 *
 * assert(BrokenProcessPoolError.prototype instanceof BrokenExecutorError);
 * ```
 */
export class BrokenProcessPoolError extends BrokenExecutorError {}

/** Where and how a worker ended, for {@linkcode WorkerCrashedError}. */
export interface WorkerCrashDetails {
  /** The worker's label, such as `"ThreadPoolExecutor-1_0"`. */
  worker: string;
  /** The exit code, where the worker had one. */
  exitCode?: number | undefined;
  /** The signal that ended a process, such as `"SIGKILL"`. */
  signal?: string | undefined;
  /** The label of the task that it was running. */
  task?: string | undefined;
}

/**
 * The worker that ran the task ended before the task did. Other tasks are not
 * touched, and the pool replaces the worker.
 *
 * @example Usage
 * ```ts
 * import { ThreadPoolExecutor, WorkerCrashedError } from "@concurrent/parallel/futures";
 * import { assertEquals, assertInstanceOf } from "@std/assert";
 *
 * await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
 * const error = await pool.submit(() => self.close()).exception();
 *
 * assertInstanceOf(error, WorkerCrashedError);
 * assertEquals(error.exitCode, 0);
 * ```
 */
export class WorkerCrashedError extends ParallelError {
  /** The worker's label. */
  readonly worker: string;
  /** The exit code, or `undefined` where there is none. */
  readonly exitCode: number | undefined;
  /** The signal that ended the process, or `undefined`. */
  readonly signal: string | undefined;
  /** The label of the task that was running, or `undefined`. */
  readonly task: string | undefined;

  /**
   * Creates the error.
   *
   * @param message What happened.
   * @param details Which worker and task, and how it ended.
   * @param options The standard options; `cause` is kept.
   */
  constructor(
    message: string,
    details: WorkerCrashDetails,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.worker = details.worker;
    this.exitCode = details.exitCode;
    this.signal = details.signal;
    this.task = details.task;
  }
}

/**
 * A function or value that cannot travel to a worker, or a message that cannot
 * be read. Thrown by the call that sends, before anything is sent.
 *
 * @example Usage
 * ```ts
 * import { SerializationError, ThreadPoolExecutor } from "@concurrent/parallel/futures";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
 * const error = assertThrows(
 *   () => pool.submit((value: unknown) => value, { cache: new WeakMap() }),
 *   SerializationError,
 * );
 *
 * assertEquals(error.path, "args[0].cache");
 * ```
 */
export class SerializationError extends ParallelError {
  /** Where the value is, such as `"args[0].socket"`; empty where no path applies. */
  readonly path: string;
  /** Why it cannot travel, in a few words. */
  readonly reason: string;

  /**
   * Creates the error.
   *
   * @param message The whole sentence.
   * @param options `path` and `reason` as data, and the standard `cause`.
   */
  constructor(
    message: string,
    options: ErrorOptions & { path?: string; reason?: string } = {},
  ) {
    super(message, options);
    this.path = options.path ?? "";
    this.reason = options.reason ?? "";
  }
}
