// Copyright 2026 the @concurrent/parallel authors. MIT license.

import type { FunctionDescription, FunctionReference } from "./description.ts";
import { declareOwnExports } from "./own_exports.ts";
import { noteModule } from "./sync_modules.ts";

/** Any function that can be sent to a worker. */
// deno-lint-ignore no-explicit-any -- callers pass functions of every signature
export type AnyFunction = (...args: any[]) => unknown;

/** What the automatic executor believes about a task without measuring it. */
export type TaskKind = "io" | "cpu";

/** How a {@linkcode Task} wants to run. */
export interface TaskOptions {
  /**
   * What the automatic executor believes without measuring.
   *
   * @default {undefined}
   */
  kind?: TaskKind;
  /**
   * The label in errors, statistics and traces.
   *
   * @default {fn.name}
   */
  name?: string;
  /**
   * The run time allowed, in milliseconds. Past it the worker is stopped and
   * replaced, and the future is rejected with a `TaskTimeoutError`.
   *
   * @default {undefined}
   */
  timeout?: number;
  /**
   * Cancels the task, whether it is pending or running.
   *
   * @default {undefined}
   */
  signal?: AbortSignal;
  /**
   * Tasks with a higher priority run first; equal ones in the order of their submission.
   *
   * @default {0}
   */
  priority?: number;
  /**
   * How often the task is run again after a worker crash or an error.
   *
   * @default {0}
   */
  retries?: number;
  /**
   * What is moved to the worker instead of copied: the objects, or a function
   * of the task's arguments that names them.
   *
   * @default {[]}
   */
  // deno-lint-ignore no-explicit-any -- the arguments are those of the task
  transfer?: Transferable[] | ((...args: any[]) => Transferable[]);
}

/**
 * A function plus how it wants to run. Called directly it is the plain function.
 *
 * @typeParam A The arguments.
 * @typeParam R What it returns.
 */
export interface Task<A extends unknown[] = unknown[], R = unknown> {
  (...args: A): R;
  /** How it wants to run. Frozen. */
  readonly options: Readonly<TaskOptions>;
}

/** The functions among the exports of a module, as {@linkcode fromModule} gives them. */
export type ModuleFunctions<M> = {
  readonly [K in keyof M as M[K] extends AnyFunction ? K : never]: M[K];
};

/** A function with options, which is made anew over there of the two. */
export interface TaskDescription {
  readonly kind: "task";
  /** What the task calls. */
  readonly fn: AnyFunction;
  readonly options: Readonly<TaskOptions>;
}

/** What the codec writes of a function. */
export type Description = FunctionDescription | TaskDescription;

// Looked up by identity, so that neither copies of the options nor objects that
// only look like a task are taken for one.
const tasks = new WeakMap<
  object,
  { fn: AnyFunction; options: Readonly<TaskOptions> }
>();
const references = new WeakMap<object, FunctionReference>();

/**
 * Says how a function wants to run, wherever it is submitted. The result is
 * still callable as the plain function. Applied to a task, it adds to the
 * task's options.
 *
 * @example Allow a task one second
 * ```ts
 * import { task } from "@concurrent/parallel";
 * import { assertEquals } from "@std/assert";
 *
 * const square = task((x: number) => x * x, { timeout: 1_000, retries: 2 });
 *
 * assertEquals(square(3), 9);
 * assertEquals(square.options.timeout, 1_000);
 * ```
 *
 * @typeParam A The function's arguments.
 * @typeParam R What the function returns.
 * @param fn The function.
 * @param options How it wants to run.
 * @returns The task.
 * @throws {TypeError} If `fn` is not a function, or an option is of the wrong type.
 * @throws {RangeError} If an option is out of its range.
 */
export function task<A extends unknown[], R>(
  fn: (...args: A) => R,
  options: TaskOptions = {},
): Task<A, R> {
  if (typeof fn !== "function") {
    throw new TypeError(
      `Cannot create task as 'fn' must be a function: current value is ${
        String(fn)
      }`,
    );
  }
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `Cannot create task as 'options' must be an object: current value is ${
        String(options)
      }`,
    );
  }
  const inner = tasks.get(fn);
  const plain = inner?.fn ?? fn as AnyFunction;
  const merged = { ...inner?.options, ...defined(options) };
  validate(merged);
  const { wrapper, complete } = prepareTask();
  complete(plain, merged);
  return wrapper as Task<A, R>;
}

/**
 * Marks a function as one that computes: the automatic executor runs it in
 * parallel without measuring it first. Short for `task(fn, { kind: "cpu" })`.
 *
 * @example Usage
 * ```ts
 * import { cpu } from "@concurrent/parallel";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(cpu((x: number) => x * x).options.kind, "cpu");
 * ```
 *
 * @typeParam A The function's arguments.
 * @typeParam R What the function returns.
 * @param fn The function.
 * @returns The task.
 * @throws {TypeError} If `fn` is not a function.
 */
export function cpu<A extends unknown[], R>(
  fn: (...args: A) => R,
): Task<A, R> {
  return task(fn, { kind: "cpu" });
}

/**
 * Marks a function as one that mostly waits: the automatic executor runs many
 * of them side by side. Short for `task(fn, { kind: "io" })`.
 *
 * @example Usage
 * ```ts
 * import { io } from "@concurrent/parallel";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(io((url: string) => fetch(url)).options.kind, "io");
 * ```
 *
 * @typeParam A The function's arguments.
 * @typeParam R What the function returns.
 * @param fn The function.
 * @returns The task.
 * @throws {TypeError} If `fn` is not a function.
 */
export function io<A extends unknown[], R>(
  fn: (...args: A) => R,
): Task<A, R> {
  return task(fn, { kind: "io" });
}

/**
 * Refers to the functions that another module exports, without importing the
 * module here: the worker imports it. Called directly, such a function imports
 * the module and calls the export, and gives a promise.
 *
 * @example Usage
 * ```ts
 * import { fromModule } from "@concurrent/parallel";
 * import { assertEquals } from "@std/assert";
 *
 * const path = fromModule<typeof import("node:path")>("node:path");
 *
 * assertEquals(path.basename.name, "basename");
 * ```
 *
 * @typeParam M The module, as `typeof import("./tasks.ts")`.
 * @param specifier The module: an absolute URL, such as `import.meta.resolve("./tasks.ts")` gives it, or a `node:`, `npm:` or `jsr:` specifier.
 * @returns The module's functions.
 * @throws {TypeError} If `specifier` is relative: only the calling module could resolve it.
 */
export function fromModule<M>(specifier: string | URL): ModuleFunctions<M> {
  const url = String(specifier);
  if (!URL.canParse(url)) {
    throw new TypeError(
      `Cannot refer to module as 'specifier' must be an absolute URL, such as import.meta.resolve() gives: current value is ${url}`,
    );
  }
  const stubs = new Map<string, AnyFunction>();
  return new Proxy(Object.create(null), {
    get(_target, name) {
      // `then` would make `await fromModule(…)` call the stub.
      if (typeof name !== "string" || name === "then") return undefined;
      let stub = stubs.get(name);
      if (stub === undefined) {
        stub = createStub({ kind: "reference", url, name });
        stubs.set(name, stub);
      }
      return stub;
    },
  });
}

/** A task that is not complete before `complete()` was called. */
export interface PreparedTask {
  readonly wrapper: AnyFunction;
  /** Says what it calls, and how that wants to run. Called once. */
  complete(fn: AnyFunction, options: TaskOptions): void;
}

/** Makes a task before its function, which may refer to it. */
export function prepareTask(): PreparedTask {
  let plain: AnyFunction;
  const wrapper = (...args: unknown[]) => plain(...args);
  return {
    wrapper,
    complete(fn, options) {
      plain = fn;
      Object.defineProperties(wrapper, {
        name: { value: fn.name, configurable: true },
        length: { value: fn.length, configurable: true },
        options: { value: Object.freeze(options), enumerable: true },
      });
      tasks.set(wrapper, { fn, options });
    },
  };
}

/**
 * Takes a task apart.
 *
 * @param fn A task or a plain function.
 * @returns The plain function, and the options; empty ones for a plain function.
 */
export function unwrapTask(
  fn: AnyFunction,
): { fn: AnyFunction; options: Readonly<TaskOptions> } {
  return tasks.get(fn) ?? { fn, options: NO_OPTIONS };
}

/**
 * Tells which export a function of {@linkcode fromModule} stands for.
 *
 * @param fn Any function.
 * @returns The reference, or `undefined` for every other function.
 */
export function referenceOf(fn: AnyFunction): FunctionReference | undefined {
  return references.get(fn);
}

/** Those of a function that is no task. */
export const NO_OPTIONS: Readonly<TaskOptions> = Object.freeze({});

/** A function that stands for an export. */
export function createStub(reference: FunctionReference): AnyFunction {
  const { url, name } = reference;
  const stub = async (...args: unknown[]) => {
    const fn = (await import(url))[name];
    if (typeof fn !== "function") {
      throw new TypeError(
        `Cannot call export '${name}' of module ${url} as it must be a function: current value is ${
          String(fn)
        }`,
      );
    }
    return await fn(...args);
  };
  Object.defineProperty(stub, "name", { value: name, configurable: true });
  references.set(stub, reference);
  return stub;
}

/** An option that is given as `undefined` does not undo the inner task's. */
function defined(options: TaskOptions): TaskOptions {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  );
}

function validate(options: TaskOptions): void {
  const { kind, name, timeout, signal, priority, retries, transfer } = options;
  if (kind !== undefined && kind !== "io" && kind !== "cpu") {
    throw new TypeError(wording("kind", 'be "io" or "cpu"', kind));
  }
  if (name !== undefined && typeof name !== "string") {
    throw new TypeError(wording("name", "be a string", name));
  }
  assertNumber("timeout", timeout);
  if (timeout !== undefined && !(timeout >= 0)) {
    throw new RangeError(wording("timeout", "not be negative", timeout));
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError(wording("signal", "be an AbortSignal", signal));
  }
  assertNumber("priority", priority);
  if (Number.isNaN(priority)) {
    throw new RangeError(wording("priority", "be a number", priority));
  }
  assertNumber("retries", retries);
  if (
    retries !== undefined &&
    !(retries >= 0 && (Number.isInteger(retries) || retries === Infinity))
  ) {
    throw new RangeError(
      wording("retries", "be a non-negative integer", retries),
    );
  }
  if (
    transfer !== undefined && typeof transfer !== "function" &&
    !Array.isArray(transfer)
  ) {
    throw new TypeError(
      wording("transfer", "be an array or a function", transfer),
    );
  }
}

function assertNumber(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== "number") {
    throw new TypeError(wording(name, "be a number", value));
  }
}

function wording(name: string, constraint: string, value: unknown): string {
  return `Cannot create task as 'options.${name}' must ${constraint}: current value is ${
    String(value)
  }`;
}

declareOwnExports(import.meta.url, { task, cpu, io, fromModule });
// A blocked thread that is sent a task finds it here, where it is loaded.
noteModule(import.meta.url, { prepareTask });
