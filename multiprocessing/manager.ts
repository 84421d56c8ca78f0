// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Objects that several processes use: {@linkcode Manager}.
 *
 * @module
 */

import { checkWait, type WaitOptions } from "../_internal/base/deadline.ts";
import {
  InvalidStateError,
  SerializationError,
} from "../_internal/base/errors.ts";
import {
  checkDuration,
  checkFunction,
  checkObject,
  checkSignal,
  describe,
} from "../_internal/base/validation.ts";
import { declareOwnExports } from "../_internal/wire/functions/own_exports.ts";
import { noteModule } from "../_internal/wire/functions/sync_modules.ts";
import { fromModule } from "../_internal/wire/functions/task.ts";
import { createKey } from "../_internal/wire/handshake.ts";
import { registerShareable } from "../_internal/wire/shareables.ts";
import type { JoinOptions } from "./activity.ts";
import { checkFindable, entriesOf, itemsOf } from "./_contents.ts";
import type {
  Registration,
  ServerOptions,
  ServerReport,
} from "./_manager_server.ts";
import { formatAddress, parseAddress, parseKey } from "./_address.ts";
import type { Barrier } from "./barrier.ts";
import type { Condition } from "./condition.ts";
import type { DictEntries, DictProxy } from "./dict_proxy.ts";
import type { Event } from "./event.ts";
import type { ListProxy } from "./list_proxy.ts";
import type { Lock } from "./lock.ts";
import type { NamespaceProxy } from "./namespace_proxy.ts";
import type { ObjectProxy, ProxyOf } from "./object_proxy.ts";
import { Process } from "./process.ts";
import type { JoinableQueue, Queue, SimpleQueue } from "./queue.ts";
import type { RLock } from "./rlock.ts";
import type { BoundedSemaphore, Semaphore } from "./semaphore.ts";
import type { SetProxy } from "./set_proxy.ts";
import type { NumberOf, NumberType, SharedArray } from "./shared_array.ts";
import type { Value } from "./value.ts";

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
  /**
   * Where those connect who were given no proxy: as for a `Listener`.
   *
   * @default {undefined} nowhere: what is given a proxy needs no address
   */
  address?: string | { hostname?: string; port: number };
  /**
   * The secret that those have to know.
   *
   * @default {undefined} a random one, where there is an `address`
   */
  authKey?: string | Uint8Array;
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
   * What its process may do: at most what this program may. It has to read the
   * modules of what it holds, and of this package where that is on disk.
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

/** Where {@linkcode Manager.connect} connects to. */
export interface ManagerConnectOptions extends WaitOptions {
  /**
   * What {@linkcode Manager.address} says.
   *
   * @default {undefined} the `address` of this manager's options
   */
  address?: string | { hostname?: string; port: number };
  /**
   * The secret that both sides have to know.
   *
   * @default {undefined} the `authKey` of this manager's options
   */
  authKey?: string | Uint8Array;
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
 * state     meaning                                   leaves by
 * initial   set up                                    start(), serve(), connect() -> starting
 * starting  its process comes up, or answers          -> started, serving, joined; a failure -> closed
 * started   its process serves                        shutdown() -> closed
 * serving   this process serves                       shutdown(), the end of serve() -> closed
 * joined    somebody else's serves                    never
 * closed    nothing can be made any more              never
 * ```
 */
type ManagerState =
  | "initial"
  | "starting"
  | "started"
  | "serving"
  | "joined"
  | "closed";

let managers = 0;
/** The manager of a root's proxy. */
const byRoot = new WeakMap<ObjectProxy, Manager>();
let rootOf: (manager: Manager) => ObjectProxy | undefined;
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
  #address: string | undefined;
  #authKey: Uint8Array | undefined;
  #process: Process<Promise<ServerReport>> | undefined;
  #ending: Promise<void> | undefined;

  static {
    rootOf = (manager) => manager.#isServing ? manager.#root : undefined;
    joinedTo = (root) => {
      const manager = new Manager();
      manager.#become("joined", root);
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
    const { address, authKey } = options;
    if (address !== undefined) parseAddress(verb, address);
    if (authKey !== undefined) this.#authKey = parseKey(verb, authKey);
    else if (address !== undefined) this.#authKey = createKey();
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
    this.#begin("start");
    const { permissions, env, cwd } = this.#options;
    let report: ServerReport;
    try {
      this.#process = new Process<Promise<ServerReport>>({
        target: serveManager,
        args: [this.#serverOptions()],
        name: this.#name,
        daemon: true,
        ...(permissions && { permissions }),
        ...(env && { env }),
        ...(cwd && { cwd }),
      });
      report = await this.#process.start().result();
    } catch (error) {
      report = { error };
    }
    if ("error" in report) {
      this.#state = "closed";
      if (this.#process?.isAlive()) await this.#process.join();
      throw report.error;
    }
    this.#become("started", report.root);
    this.#address = report.address;
    return this;
  }

  /**
   * Serves in this process, as Python's `get_server().serve_forever()` does:
   * for functions that give out what this process has. The event loop has to turn.
   *
   * @param options `signal` ends it.
   * @returns Resolves when it was shut down and its calls have ended.
   * @throws {InvalidStateError} If it was started before.
   * @throws {Deno.errors.AddrInUse} If somebody listens at the address already.
   * @throws Whatever the initializer throws; the signal's reason.
   */
  async serve({ signal }: Pick<JoinOptions, "signal"> = {}): Promise<void> {
    checkSignal("serve", signal);
    signal?.throwIfAborted();
    this.#begin("serve with");
    const onAbort = () => void this.shutdown();
    try {
      const { startServer } = await import("./_manager_server.ts");
      const server = await startServer(this.#serverOptions());
      this.#ending = server.closed;
      this.#become("serving", server.root);
      this.#address = server.address;
      signal?.addEventListener("abort", onAbort);
      if (signal?.aborted) onAbort();
      await server.closed;
      signal?.throwIfAborted();
    } finally {
      signal?.removeEventListener("abort", onAbort);
      this.#state = "closed";
    }
  }

  /**
   * Connects to a manager that has an `address`, from a program that knows the key.
   * Both sides prove that they do.
   *
   * @param options Where to, with which key, and how long to try.
   * @returns This manager, when objects can be made.
   * @throws {InvalidStateError} If it was started before.
   * @throws {TimeoutError} If the timeout has passed.
   * @throws {RangeError} If the timeout is negative or NaN.
   * @throws {AuthenticationError} If the key is not the same.
   * @throws {Deno.errors.ConnectionRefused} If nobody listens there.
   * @throws {TypeError} If an option is missing, or of the wrong type.
   */
  async connect(options: ManagerConnectOptions = {}): Promise<this> {
    checkObject("connect", "options", options);
    checkWait("connect", options);
    const { timeout, signal } = options;
    const address = options.address ?? this.#options.address;
    const authKey = options.authKey ?? this.#options.authKey;
    parseAddress("connect", address!);
    this.#authKey = parseKey("connect", authKey!);
    this.#begin("connect");
    try {
      const { connectClient } = await import("./connect_client.ts");
      const began = performance.now();
      using connection = await connectClient<ObjectProxy>({
        address: address!,
        authKey: authKey!,
        timeout,
        signal,
      });
      const left = timeout === undefined
        ? undefined
        : Math.max(0, timeout - (performance.now() - began));
      const root = await connection.recv({ timeout: left, signal });
      this.#become("joined", root);
      this.#address = formatAddress(parseAddress("connect", address!));
    } catch (error) {
      this.#state = "initial";
      throw error;
    }
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
   * @typeParam V The values.
   * @param values What is in it, by key.
   * @returns Its proxy.
   */
  dict<V>(values: { readonly [key: string]: V }): Promise<DictProxy<string, V>>;
  /**
   * Makes a dict.
   *
   * @typeParam K The keys.
   * @typeParam V The values.
   * @param entries What is in it: pairs, a map, or an object's properties.
   * @returns Its proxy.
   */
  dict<K = unknown, V = unknown>(
    entries?: DictEntries<K, V>,
  ): Promise<DictProxy<K, V>>;
  async dict(entries: unknown = []): Promise<DictProxy> {
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
   * Makes a lock. As everything below it is an object of this module, which the
   * manager's process owns.
   *
   * @returns The lock.
   */
  lock(): Promise<Lock> {
    return this.#create("lock", []);
  }

  /**
   * Makes a reentrant lock.
   *
   * @returns The lock.
   */
  rlock(): Promise<RLock> {
    return this.#create("rlock", []);
  }

  /**
   * Makes a condition.
   *
   * @param lock Its lock, made by this manager; a new reentrant one where there is none.
   * @returns The condition.
   */
  condition(lock?: Lock | RLock): Promise<Condition> {
    return this.#create("condition", [lock]);
  }

  /**
   * Makes a semaphore.
   *
   * @param value Its permits.
   * @returns The semaphore.
   */
  semaphore(value = 1): Promise<Semaphore> {
    return this.#create("semaphore", [value]);
  }

  /**
   * Makes a bounded semaphore.
   *
   * @param value Its permits.
   * @returns The semaphore.
   */
  boundedSemaphore(value = 1): Promise<BoundedSemaphore> {
    return this.#create("boundedSemaphore", [value]);
  }

  /**
   * Makes an event.
   *
   * @returns The event.
   */
  event(): Promise<Event> {
    return this.#create("event", []);
  }

  /**
   * Makes a barrier.
   *
   * @param parties How many wait for each other.
   * @returns The barrier.
   */
  barrier(parties: number): Promise<Barrier> {
    return this.#create("barrier", [parties]);
  }

  /**
   * Makes a queue.
   *
   * @typeParam T The items.
   * @param maxSize How many items it holds; 0 for any number.
   * @returns The queue.
   */
  queue<T = unknown>(maxSize = 0): Promise<Queue<T>> {
    return this.#create("queue", [maxSize]);
  }

  /**
   * Makes a queue whose items are waited for.
   *
   * @typeParam T The items.
   * @param maxSize How many items it holds; 0 for any number.
   * @returns The queue.
   */
  joinableQueue<T = unknown>(maxSize = 0): Promise<JoinableQueue<T>> {
    return this.#create("joinableQueue", [maxSize]);
  }

  /**
   * Makes a simple queue.
   *
   * @typeParam T The items.
   * @returns The queue.
   */
  simpleQueue<T = unknown>(): Promise<SimpleQueue<T>> {
    return this.#create("simpleQueue", []);
  }

  /**
   * Makes a number.
   *
   * @typeParam T What the number is.
   * @param type What the number is.
   * @param initial What it is at first; 0 by default.
   * @returns The number.
   */
  value<T extends NumberType>(
    type: T,
    initial?: NumberOf<T>,
  ): Promise<Value<T>> {
    return this.#create("value", [type, initial]);
  }

  /**
   * Makes an array of numbers.
   *
   * @typeParam T What the numbers are.
   * @param type What the numbers are.
   * @param lengthOrValues How many zeros, or the numbers.
   * @returns The array.
   */
  array<T extends NumberType>(
    type: T,
    lengthOrValues: number | Iterable<NumberOf<T>>,
  ): Promise<SharedArray<T>> {
    const content = typeof lengthOrValues === "object"
      ? [...lengthOrValues]
      : lengthOrValues;
    return this.#create("array", [type, content]);
  }

  /**
   * Ends the manager's process: asks it to, which it does when the calls under
   * way have ended; after `shutdownTimeout` ends it with SIGTERM, and after
   * another with SIGKILL. Once more does nothing more.
   *
   * @returns Resolves when the process has ended.
   * @throws {InvalidStateError} If this manager was not started here.
   */
  async shutdown(): Promise<void> {
    const state = this.#state;
    if (state === "closed") return this.#ending;
    if (state !== "started" && state !== "serving") {
      throw new InvalidStateError(
        `Cannot shut down manager '${this.#name}': it ${STATES[state]}`,
      );
    }
    this.#state = "closed";
    // Where it cannot answer it is ended all the same.
    this.#root!.callMethod("shutDown").catch(() => {});
    if (state === "started") this.#ending = this.#end(this.#process!);
    await this.#ending;
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
   * Where others connect, as {@linkcode Manager.connect} takes it.
   *
   * @returns The address; `undefined` where it has none, or is not known here.
   */
  get address(): string | undefined {
    return this.#address;
  }

  /**
   * The key that those have to know.
   *
   * @returns A copy of it; `undefined` where there is no address, or it is not known here.
   */
  get authKey(): Uint8Array | undefined {
    return this.#authKey?.slice();
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
    const own: ManagerState[] = ["started", "serving", "closed"];
    if (own.includes(this.#state)) await this.shutdown();
  }

  #begin(action: string): void {
    if (this.#state !== "initial") {
      throw new InvalidStateError(
        `Cannot ${action} manager '${this.#name}': it ${STATES[this.#state]}`,
      );
    }
    this.#state = "starting";
  }

  #become(state: "started" | "serving" | "joined", root: ObjectProxy): void {
    this.#state = state;
    this.#root = root;
    if (!byRoot.has(root)) byRoot.set(root, this);
  }

  #serverOptions(): ServerOptions {
    const { initializer, initArgs = [], address } = this.#options;
    const authKey = this.#authKey;
    return { initializer, initArgs, types: this.#types, address, authKey };
  }

  // deno-lint-ignore no-explicit-any -- the caller knows what it is
  async #create(name: string, args: unknown[]): Promise<any> {
    const root = this.#rootFor(`create a '${name}'`);
    return await root.callMethod("create", name, ...args);
  }

  get #isServing(): boolean {
    const serving: ManagerState[] = ["started", "serving", "joined"];
    return serving.includes(this.#state);
  }

  #rootFor(action: string): ObjectProxy {
    if (this.#isServing) return this.#root!;
    throw new InvalidStateError(
      `Cannot ${action}: manager '${this.#name}' ${STATES[this.#state]}`,
    );
  }

  async #end(process: Process): Promise<void> {
    const options = { timeout: this.#timeout };
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
  serving: "serves in this process",
  joined: "is another process's",
  closed: "was shut down",
};

declareOwnExports(import.meta.url, { Manager });
noteModule(import.meta.url, { Manager });
registerShareable("multiprocessing.Manager", Manager, {
  encode(manager, context) {
    context.modules.add(import.meta.url);
    const root = rootOf(manager);
    if (root !== undefined) return root;
    throw new SerializationError(
      "Cannot send a Manager: it was not started, or was shut down",
      { reason: "it was not started, or was shut down" },
    );
  },
  decode(root) {
    return byRoot.get(root as ObjectProxy) ?? joinedTo(root as ObjectProxy);
  },
});
