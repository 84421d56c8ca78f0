// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Objects that several processes use: {@linkcode Manager}.
 *
 * @module
 */

import { checkWait, type WaitOptions } from "../_internal/base/deadline.ts";
import { InvalidStateError } from "../_internal/base/errors.ts";
import {
  checkDuration,
  checkFunction,
  checkObject,
  describe,
} from "../_internal/base/validation.ts";
import { declareOwnExports } from "../_internal/wire/functions/own_exports.ts";
import { noteModule } from "../_internal/wire/functions/sync_modules.ts";
import { fromModule } from "../_internal/wire/functions/task.ts";
import { registerShareable } from "../_internal/wire/shareables.ts";
import type { JoinOptions } from "./activity.ts";
import { checkFindable, entriesOf, itemsOf } from "./_contents.ts";
import type { Registration } from "./_manager_server.ts";
import type { DictEntries, DictProxy } from "./dict_proxy.ts";
import type { ListProxy } from "./list_proxy.ts";
import type { NamespaceProxy } from "./namespace_proxy.ts";
import type { ObjectProxy, ProxyOf } from "./object_proxy.ts";
import { Process } from "./process.ts";
import type { SetProxy } from "./set_proxy.ts";

/** What runs in the manager's process; loaded there only. */
const { serveManager } = fromModule<typeof import("./_manager_server.ts")>(
  new URL("./_manager_server.ts", import.meta.url),
);

/** How a {@linkcode Manager} is set up. */
export interface ManagerOptions {
  /**
   * The label of its process.
   *
   * @default {undefined} "Manager-" and a number
   */
  name?: string;
  /** Runs in its process before anything else. If it fails, so does `start()`. */
  // deno-lint-ignore no-explicit-any -- called with `initArgs`
  initializer?: (...args: any[]) => unknown;
  /**
   * The arguments of the initializer.
   *
   * @default {[]}
   */
  initArgs?: unknown[];
  /**
   * How long `shutdown()` waits in each of its steps, in milliseconds.
   *
   * @default {1000}
   */
  shutdownTimeout?: number;
  /**
   * What its process may do: at most what this program may.
   *
   * @default {"inherit"}
   */
  permissions?: Deno.PermissionOptions;
  /** Environment variables of its process, on top of this program's. */
  env?: Record<string, string>;
  /**
   * The working directory of its process.
   *
   * @default {undefined} this program's
   */
  cwd?: string | URL;
}

/** How a type is registered with a {@linkcode Manager}. */
export interface RegisterOptions {
  /**
   * The methods that proxies have. With such a list there are no transactions.
   *
   * @default {undefined} all that are not called `_something`
   */
  exposed?: string[];
  /**
   * Methods whose results stay at the manager, and what stands for them: the name
   * of a registered type, `"dict"`, `"list"`, `"set"`, `"namespace"` or
   * `"iterator"`.
   *
   * @default {{}}
   */
  methodsToProxies?: Record<string, string>;
}

/** Makes an object for a manager to hold: a class, or a function that returns one. */
export type ManagedFactory =
  // deno-lint-ignore no-explicit-any -- whatever `create()` is given
  | (new (...args: any[]) => object)
  // deno-lint-ignore no-explicit-any -- the same
  | ((...args: any[]) => object | Promise<object>);

/**
 * ```text
 * state    meaning                                   leaves by
 * initial  set up                                    start() -> starting
 * starting its process comes up                      it is up -> started; it failed -> closed
 * started  its process serves                        shutdown() -> closed
 * joined   somebody else's: it has arrived           never
 * closed   nothing can be made any more              never
 * ```
 */
type ManagerState = "initial" | "starting" | "started" | "joined" | "closed";

let managers = 0;
/** The manager of a root's proxy. */
const byRoot = new WeakMap<ObjectProxy, Manager>();
let rootOf: (manager: Manager) => ObjectProxy;
let joinedTo: (root: ObjectProxy) => Manager;

/**
 * Holds objects in a process of its own, for all processes that are given a
 * proxy of one: Python's `multiprocessing.Manager`.
 *
 * - **Proxies** are what its methods resolve to; see {@linkcode ObjectProxy}.
 * - **Order:** each call runs when the one before has ended, or waits. So a
 *   method that does not wait is atomic.
 * - **Travel:** a manager can be passed to a process, which makes objects there as well.
 * - **End:** {@linkcode Manager.shutdown}, or the end of the program, however it
 *   ends. From then on every call rejects with `ConnectionClosedError`, those under way too.
 * - **Ctrl-C** does not end it before the program.
 *
 * Against `SharedArray` and `Value`: any data, and a message for each operation.
 *
 * @example Two processes change one dict
 * ```ts
 * import { Manager, Process } from "@concurrent/parallel/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * await using manager = await new Manager().start();
 * const counts = await manager.dict<string, number>();
 * const target = () => counts.update("a", (n = 0) => n + 1);
 * const children = [1, 2].map(() => new Process({ target }).start());
 * for (const child of children) await child.join();
 *
 * assertEquals(await counts.get("a"), 2);
 * ```
 */
export class Manager implements AsyncDisposable {
  readonly #options: ManagerOptions;
  readonly #name: string;
  readonly #timeout: number;
  #types: Registration[] = [];
  #state: ManagerState = "initial";
  #root: ObjectProxy | undefined;
  #process: Process<Promise<ObjectProxy>> | undefined;
  #ending: Promise<void> | undefined;

  static {
    rootOf = (manager) => manager.#rootFor("send the manager");
    joinedTo = (root) => {
      const manager = new Manager();
      manager.#state = "joined";
      manager.#root = root;
      byRoot.set(root, manager);
      return manager;
    };
  }

  /**
   * Sets the manager up; `start()` starts its process.
   *
   * @param options How it is set up.
   * @throws {TypeError} If an option is of the wrong type.
   * @throws {RangeError} If `shutdownTimeout` is negative.
   */
  constructor(options: ManagerOptions = {}) {
    const verb = "create Manager";
    checkObject(verb, "options", options);
    const { initializer, initArgs, name, shutdownTimeout } = options;
    if (initializer !== undefined) {
      checkFunction(verb, "initializer", initializer);
    }
    if (initArgs !== undefined && !Array.isArray(initArgs)) {
      throw new TypeError(
        `Cannot ${verb} as 'initArgs' must be an array: current value is ${
          describe(initArgs)
        }`,
      );
    }
    checkDuration(verb, "shutdownTimeout", shutdownTimeout);
    this.#timeout = shutdownTimeout ?? 1_000;
    this.#options = { ...options };
    this.#name = name ?? `Manager-${++managers}`;
  }

  /**
   * Starts its process.
   *
   * @returns This manager, when objects can be made.
   * @throws {InvalidStateError} If it was started before.
   * @throws Whatever the initializer throws, or keeps the process from starting.
   */
  async start(): Promise<this> {
    if (this.#state !== "initial") {
      throw new InvalidStateError(
        `Cannot start manager '${this.#name}': it ${STATES[this.#state]}`,
      );
    }
    this.#state = "starting";
    const { initializer, initArgs = [], permissions, env, cwd } = this.#options;
    try {
      this.#process = new Process<Promise<ObjectProxy>>({
        target: serveManager,
        args: [{ initializer, initArgs, types: this.#types }],
        name: this.#name,
        daemon: true,
        ...(permissions && { permissions }),
        ...(env && { env }),
        ...(cwd && { cwd }),
      });
      this.#root = await this.#process.start().result();
    } catch (error) {
      this.#state = "closed";
      throw error;
    }
    this.#state = "started";
    byRoot.set(this.#root, this);
    return this;
  }

  /**
   * Adds a type of objects, for {@linkcode Manager.create}. It goes to the process
   * as functions and classes do: an export by reference, anything else by value.
   *
   * @param name What it is called.
   * @param factory A class, or a function that makes the object or returns one that is there.
   * @param options Which methods proxies have.
   * @returns Resolves when it is known there; before `start()` at once.
   * @throws {TypeError} If an argument is of the wrong type.
   * @throws {InvalidStateError} If the manager was shut down.
   */
  async register(
    name: string,
    factory: ManagedFactory,
    { exposed, methodsToProxies }: RegisterOptions = {},
  ): Promise<void> {
    if (typeof name !== "string" || name === "") {
      throw new TypeError(
        `Cannot register a type as 'name' must be a string that is not empty: current value is ${
          describe(name)
        }`,
      );
    }
    checkFunction("register a type", "factory", factory);
    const type: Registration = {
      name,
      create: factory,
      exposed,
      methodsToProxies,
    };
    if (this.#state === "initial") this.#types.push(type);
    else {
      await this.#rootFor("register a type").callMethod("register", type);
    }
  }

  /**
   * Makes an object of a registered type.
   *
   * @typeParam T Its class.
   * @param name What it was registered as.
   * @param args What its constructor or function is given.
   * @returns The proxy of the object; where the type's function returns a shared object, such as a proxy or a lock, that object.
   * @throws {TypeError} If there is no such type.
   * @throws {InvalidStateError} If the manager was not started, or was shut down.
   * @throws {ConnectionClosedError} If its process is gone.
   * @throws Whatever the constructor or function throws.
   */
  create<T = unknown>(name: string, ...args: unknown[]): Promise<ProxyOf<T>> {
    return this.#create(name, args);
  }

  /**
   * Makes a dict.
   *
   * @typeParam K The keys.
   * @typeParam V The values.
   * @param entries What is in it: pairs, a map, or an object's properties.
   * @returns Its proxy.
   */
  async dict<K = unknown, V = unknown>(
    entries: DictEntries<K, V> = [],
  ): Promise<DictProxy<K, V>> {
    return await this.#create("dict", [entriesOf(entries)]);
  }

  /**
   * Makes a list.
   *
   * @typeParam T The items.
   * @param items What is in it.
   * @returns Its proxy.
   */
  async list<T = unknown>(items: Iterable<T> = []): Promise<ListProxy<T>> {
    return await this.#create("list", [
      itemsOf("create a list", "items", items),
    ]);
  }

  /**
   * Makes a set.
   *
   * @typeParam T The members.
   * @param members What is in it.
   * @returns Its proxy.
   */
  async set<T = unknown>(members: Iterable<T> = []): Promise<SetProxy<T>> {
    const items = itemsOf<T>("create a set", "members", members);
    for (const item of items) checkFindable("create a set", "members", item);
    return await this.#create("set", [items]);
  }

  /**
   * Makes a namespace.
   *
   * @typeParam T The names and the types of their values.
   * @param values The values by name.
   * @returns Its proxy.
   */
  // deno-lint-ignore no-explicit-any -- an interface is no Record of unknown
  async namespace<T extends object = Record<string, any>>(
    values?: T,
  ): Promise<NamespaceProxy<T>> {
    return await this.#create("namespace", [entriesOf(values ?? {})]);
  }

  /**
   * Ends the manager's process: asks it to, which it does when the calls under
   * way have ended; after `shutdownTimeout` ends it with SIGTERM, and after
   * another with SIGKILL. Once more does nothing more.
   *
   * @returns Resolves when the process has ended.
   * @throws {InvalidStateError} If this manager was not started here.
   */
  shutdown(): Promise<void> {
    if (this.#state === "closed") return this.#ending ?? Promise.resolve();
    if (this.#state !== "started") {
      return Promise.reject(
        new InvalidStateError(
          `Cannot shut down manager '${this.#name}': it ${STATES[this.#state]}`,
        ),
      );
    }
    this.#state = "closed";
    return this.#ending = this.#end(this.#process!);
  }

  /**
   * Waits until the manager's process has ended.
   *
   * @param options How long to wait.
   * @returns True: it has. False: the timeout has passed.
   * @throws {InvalidStateError} If this manager was not started here.
   */
  async join(options: JoinOptions = {}): Promise<boolean> {
    checkWait("join a manager", options as WaitOptions);
    if (this.#process === undefined) {
      throw new InvalidStateError(
        `Cannot join manager '${this.#name}': it ${STATES[this.#state]}`,
      );
    }
    return await this.#process.join(options);
  }

  /**
   * The label of its process.
   *
   * @returns The name.
   */
  get name(): string {
    return this.#name;
  }

  /**
   * The operating system's number of its process.
   *
   * @returns The number; `undefined` where it was not started here.
   */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /**
   * Shuts it down, where it was started here.
   *
   * @returns Resolves when its process has ended.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state !== "initial" && this.#state !== "joined") {
      await this.shutdown();
    }
  }

  // deno-lint-ignore no-explicit-any -- the caller knows what it is
  async #create(name: string, args: unknown[]): Promise<any> {
    const root = this.#rootFor(`create a '${name}'`);
    return await root.callMethod("create", name, ...args);
  }

  #rootFor(action: string): ObjectProxy {
    if (this.#state === "started" || this.#state === "joined") {
      return this.#root!;
    }
    throw new InvalidStateError(
      `Cannot ${action}: manager '${this.#name}' ${STATES[this.#state]}`,
    );
  }

  async #end(process: Process): Promise<void> {
    const options = { timeout: this.#timeout };
    // Where it cannot answer it is ended all the same.
    this.#root!.callMethod("shutDown").catch(() => {});
    if (await process.join(options)) return;
    void process.terminate();
    if (await process.join(options)) return;
    await process.kill();
  }
}

const STATES: Readonly<Record<ManagerState, string>> = {
  initial: "was not started",
  starting: "is starting",
  started: "was started before",
  joined: "is another process's",
  closed: "was shut down",
};

declareOwnExports(import.meta.url, { Manager });
noteModule(import.meta.url, { Manager });
registerShareable("multiprocessing.Manager", Manager, {
  encode(manager, context) {
    context.modules.add(import.meta.url);
    return rootOf(manager);
  },
  decode(root) {
    return byRoot.get(root as ObjectProxy) ?? joinedTo(root as ObjectProxy);
  },
});
