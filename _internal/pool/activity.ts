// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { checkWait, type WaitOptions } from "../base/deadline.ts";
import { SerializationError } from "../base/errors.ts";
import { nextProcessNumber, nextThreadNumber } from "../memory/domain.ts";
import {
  checkFunction,
  checkObject,
  checkSignal,
  describe,
} from "../base/validation.ts";
import { type AnyFunction, unwrapTask } from "../wire/functions/task.ts";
import { CallMode } from "../wire/messages.ts";
import { privateMember } from "../wire/_codec_private_members.ts";
import { thisProcess } from "../worker/current.ts";
import { processBackend, threadBackend } from "./backend.ts";
import { type Call, SingleRun } from "./single_run.ts";

/** How an {@linkcode Activity} is set up: what threads and processes have in common. */
export interface ActivityOptions<
  A extends unknown[] = unknown[],
  R = unknown,
> {
  /** What it runs. */
  target?: (...args: A) => R;
  /**
   * The target's arguments.
   *
   * @default {[]}
   */
  args?: A;
  /**
   * The label.
   *
   * @default {undefined} "Thread-" or "Process-", and a number; of a process of a process "Process-1:2"
   */
  name?: string;
  /**
   * True: the program ends without waiting for it, and it ends with the program.
   *
   * @default {false}
   */
  daemon?: boolean;
  /**
   * What it may do: at most what this program may. Processes only.
   *
   * @default {"inherit"}
   */
  permissions?: Deno.PermissionOptions;
  /** Stops it. */
  signal?: AbortSignal;
}

/** How to wait for a thread or a process. */
export interface JoinOptions {
  /**
   * How long to wait, in milliseconds; `0` polls.
   *
   * @default {undefined} waits for ever
   */
  timeout?: number;
  /** Ends the wait; the promise rejects with `signal.reason`. */
  signal?: AbortSignal;
}

/** Processes only. */
export interface ActivityEnvironment {
  /** Environment variables on top of this program's. */
  env?: Record<string, string>;
  /**
   * The working directory.
   *
   * @default {undefined} this program's
   */
  cwd?: string | URL;
}

/** What the classes on top add. */
export interface ActivityHooks {
  /** Where subclasses begin. */
  // deno-lint-ignore no-explicit-any -- any activity
  readonly base: abstract new (...args: any[]) => Activity;
  /** What a worker runs where a subclass overrides `run()`: makes the object there of its class, the call and the fields, and calls it. */
  readonly runner: AnyFunction;
  /** Nobody has asked for the result, and it is an error. */
  onUncaught(activity: Activity, error: unknown): void;
}

/** The hooks of the activity that is created next: they are no part of its constructor. */
let nextHooks: ActivityHooks | undefined;
let runOf: (activity: Activity) => SingleRun;

/** For the classes on top, each time: how the activity that is created next behaves. Returns the options. */
export function withHooks<O>(hooks: ActivityHooks, options: O): O {
  nextHooks = hooks;
  return options;
}

/**
 * A function with a worker of its own: what `Thread` and `Process` share.
 *
 * @example Run a function wherever the caller wants it
 * ```ts
 * import { type Activity, Thread } from "@concurrent/parallel/threading";
 * import { assertEquals } from "@std/assert";
 *
 * async function resultOf<R>(activity: Activity<R>): Promise<R> {
 *   await using started = activity.start();
 *   return await started.result();
 * }
 *
 * assertEquals(await resultOf(new Thread({ target: () => 6 * 7 })), 42);
 * ```
 *
 * @typeParam R What the target returns.
 */
export abstract class Activity<R = unknown> implements AsyncDisposable {
  readonly #what: "thread" | "process";
  readonly #name: string;
  readonly #daemon: boolean;
  readonly #call: Call;
  readonly #hooks: ActivityHooks;
  readonly #run: SingleRun;

  static {
    runOf = (activity) => activity.#run;
  }

  /**
   * Sets it up; `start()` starts it.
   *
   * @param what What runs it.
   * @param options What it runs, and how.
   * @throws {TypeError} If an option is of the wrong type.
   * @throws {NotSupportedError} If threads are given `permissions`.
   */
  constructor(
    what: "thread" | "process",
    // deno-lint-ignore no-explicit-any -- the arguments are those of the target
    options: ActivityOptions<any[], R> & ActivityEnvironment,
  ) {
    this.#hooks = nextHooks!;
    nextHooks = undefined;
    const verb = `create ${new.target.name}`;
    checkObject(verb, "options", options);
    const { target = doNothing, args = [], name, daemon = false, signal } =
      options;
    for (
      const [key, type] of [["name", "string"], ["daemon", "boolean"]] as const
    ) {
      const value = options[key];
      if (value === undefined || typeof value === type) continue;
      throw new TypeError(
        `Cannot ${verb} as '${key}' must be a ${type}: current value is ${
          describe(value)
        }`,
      );
    }
    checkFunction(verb, "target", target);
    checkSignal(verb, signal);
    if (!Array.isArray(args)) {
      throw new TypeError(
        `Cannot ${verb} as 'args' must be an array: current value is ${
          describe(args)
        }`,
      );
    }
    this.#what = what;
    const isThread = what === "thread";
    // A number that shows in the name is taken now, any other one at the start.
    const number = isThread || name !== undefined
      ? undefined
      : nextProcessNumber();
    this.#name = name ??
      (isThread ? `Thread-${nextThreadNumber()}` : processName(number!));
    this.#daemon = daemon;
    this.#call = { target, args };
    const task = unwrapTask(target);
    const { permissions, env, cwd } = options;
    this.#run = new SingleRun({
      what,
      name: this.#name,
      backend: isThread
        ? threadBackend({ concurrency: 1, permissions, daemon, isSingle: true })
        : processBackend({
          concurrency: 1,
          permissions,
          env,
          cwd,
          daemon,
          number,
        }),
      mode: isThread ? CallMode.single : CallMode.main,
      target: task.fn,
      args,
      taskOptions: task.options,
      daemon,
      signal: signal ?? task.options.signal,
      onUncaught: (error) => this.#hooks.onUncaught(this, error),
    });
  }

  /**
   * Calls the target, here. `start()` calls it over there. A subclass
   * may override it: over there `this` has the class and the public fields that
   * the object had at `start()`, without its constructor being run again; what it
   * changes there stays there. `#private` members do not travel.
   *
   * @returns What the target returns.
   */
  run(): R {
    const { target, args } = this.#call;
    return target(...args) as R;
  }

  /**
   * Starts it. The target and its arguments travel as they are now.
   *
   * @returns This object.
   * @throws {InvalidStateError} If it was started before.
   * @throws {SerializationError} If the target or an argument cannot travel.
   */
  start(): this {
    this.#run.start(
      this.run === Activity.prototype.run ? undefined : this.#ownRun(),
    );
    return this;
  }

  /** The call that makes the object over there, and runs it. */
  #ownRun(): Call {
    const { base, runner } = this.#hooks;
    const ctor = this.constructor;
    for (
      let type = ctor;
      type !== base && typeof type === "function";
      type = Object.getPrototypeOf(type)
    ) {
      const member = privateMember(String(type));
      if (member === undefined) continue;
      throw new SerializationError(
        `Cannot start ${this.#what} '${this.#name}': private members do not travel, and ${type.name} has ${member}`,
        { path: `this.${member}`, reason: "is private" },
      );
    }
    return { target: runner, args: [ctor, this.#call, { ...this }] };
  }

  /**
   * Waits until it has ended. Does not throw the target's error.
   *
   * @param options How long to wait.
   * @returns True: it has ended. False: the timeout has passed.
   * @throws {InvalidStateError} If it was not started.
   */
  async join(options: JoinOptions = {}): Promise<boolean> {
    checkWait(`join a ${this.#what}`, options as WaitOptions);
    return await this.#run.join(options as WaitOptions);
  }

  /**
   * Waits for what the target returns.
   *
   * @returns The value; rejects with the target's error.
   * @throws {InvalidStateError} If it was not started.
   */
  result(): Promise<R> {
    return this.#run.result() as Promise<R>;
  }

  /**
   * The label.
   *
   * @returns The name.
   */
  get name(): string {
    return this.#name;
  }

  /**
   * Whether the program ends without waiting for it.
   *
   * @returns True for a daemon.
   */
  get daemon(): boolean {
    return this.#daemon;
  }

  /**
   * Tells whether it was started and has not ended.
   *
   * @returns True where it lives.
   */
  isAlive(): boolean {
    return this.#run.isAlive;
  }

  /**
   * Waits until it has ended, where it was started.
   *
   * @returns Resolves when it has.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#run.isStarted) await this.join();
  }
}

/** For the classes on top: the run behind an activity. */
export function singleRunOf(activity: Activity): SingleRun {
  return runOf(activity);
}

function processName(number: number): string {
  const self = thisProcess();
  return `Process-${self === undefined ? "" : `${self.path}:`}${number}`;
}

function doNothing(): undefined {}
