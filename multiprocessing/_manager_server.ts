// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The manager's own side: what runs in its process.
//
// state    meaning                                    leaves by
// serving  objects are made and called                shutDown() -> closing
// closing  nothing new is made; calls end             the last call -> closed
// closed   the process may end                        never
//
// All that a manager can do is a table of methods of one object, the root, whose
// proxy is what a `Manager` has. So it travels as every other proxy.

import { InvalidStateError } from "../_internal/base/errors.ts";
import { holdProgram, releaseProgram } from "../_internal/base/registry.ts";
import { describe, isThenable } from "../_internal/base/validation.ts";
import {
  type Exposure,
  exposureOf,
  exposureOfObject,
} from "../_internal/objects/exposure.ts";
import { connectTo } from "../_internal/wire/handshake.ts";
import { shareableOf } from "../_internal/wire/shareables.ts";
import { parseAddress } from "./_address.ts";
import { DICT, ITERATOR, LIST, NAMESPACE, SET } from "./_managed.ts";
import { callsDone, type ProxyClass, proxyOf } from "./_proxies.ts";
import { DictProxy } from "./dict_proxy.ts";
import { IteratorProxy } from "./iterator_proxy.ts";
import { ListProxy } from "./list_proxy.ts";
import type { Listener, ListenerOptions } from "./listener.ts";
import { NamespaceProxy } from "./namespace_proxy.ts";
import { ObjectProxy } from "./object_proxy.ts";
import { SetProxy } from "./set_proxy.ts";

/** Makes an object that a manager holds, or gets it. */
// deno-lint-ignore no-explicit-any -- whatever it is called with
export type Factory = (...args: any[]) => unknown;

// deno-lint-ignore no-explicit-any -- whatever it is called with
type Class = new (...args: any[]) => unknown;

/** A type that was registered, as it is sent. */
export interface Registration {
  readonly name: string;
  readonly create: Factory | Class;
  readonly exposed?: readonly string[] | undefined;
  readonly methodsToProxies?: Readonly<Record<string, string>> | undefined;
}

/** How a manager's server is set up. */
export interface ServerOptions {
  /** Where those connect who were given no proxy; undefined: nowhere. */
  readonly address: ListenerOptions["address"];
  readonly authKey: ListenerOptions["authKey"];
  readonly initializer: Factory | undefined;
  readonly initArgs: readonly unknown[];
  readonly types: readonly Registration[];
}

/** What a type of objects is: how one is made, and what stands for it. */
interface ManagedType {
  make(...args: unknown[]): unknown;
  proxy(object: object): unknown;
}

/** What a manager's process answers when it is up, or could not be set up. */
export type ServerReport =
  | { readonly root: ObjectProxy; readonly address: string | undefined }
  | { readonly error: unknown };

/** Serves in this process, which stays until it is shut down. */
export async function serveManager(
  options: ServerOptions,
): Promise<ServerReport> {
  try {
    const { root, address, closed } = await startServer(options);
    holdProgram();
    void closed.then(releaseProgram);
    return { root, address };
  } catch (error) {
    // Not thrown: whoever starts the manager is told, the terminal is not.
    return { error };
  }
}

/** Starts to serve in this thread. */
export async function startServer(
  { initializer, initArgs, types, address, authKey }: ServerOptions,
): Promise<ManagerServer> {
  await initializer?.(...initArgs);
  const server = new ManagerServer();
  for (const type of types) server.register(type);
  if (address !== undefined) await server.open(address, authKey);
  return server;
}

/** The objects of one manager. */
export class ManagerServer {
  /** Stands for the manager, everywhere. */
  readonly root: ObjectProxy;
  readonly #types = new Map<string, ManagedType>();
  #listener: Listener | undefined;
  readonly #closing = Promise.withResolvers<void>();
  #state: "serving" | "closing" | "closed" = "serving";

  constructor() {
    this.root = proxyOf(ObjectProxy, this, ROOT);
    const container = <T extends object>(
      name: string,
      ctor: ProxyClass,
      exposure: Exposure,
      make: (content: T) => object,
    ) =>
      this.#types.set(name, {
        make: (content) => make(content as T),
        proxy: (object) => proxyOf(ctor, object, exposure),
      });
    container(
      "dict",
      DictProxy,
      DICT,
      (entries: [unknown, unknown][]) => new Map(entries),
    );
    container("namespace", NamespaceProxy, NAMESPACE, (
      entries: [string, unknown][],
    ) => new Map(entries));
    container("list", ListProxy, LIST, (items: unknown[]) => items);
    container("set", SetProxy, SET, (members: unknown[]) => new Set(members));
    container("iterator", IteratorProxy, ITERATOR, iteratorOf);
    for (const [name, load] of Object.entries(SHARED)) {
      this.#types.set(name, {
        make: async (...args) => new (await load())(...args),
        proxy: (object) => object,
      });
    }
  }

  /** Resolves when it was shut down and its last call has ended. */
  get closed(): Promise<void> {
    return this.#closing.promise;
  }

  /** Where others connect, where they can. */
  get address(): string | undefined {
    return this.#listener?.address;
  }

  /**
   * Gives the root to all who connect and know the key.
   *
   * @throws {Deno.errors.AddrInUse} If somebody listens there already.
   */
  async open(
    address: ListenerOptions["address"],
    authKey: ListenerOptions["authKey"],
  ): Promise<void> {
    const { Listener } = await import("./listener.ts");
    const listen = () => new Listener({ address, authKey });
    try {
      this.#listener = listen();
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
      if (!await removeAbandonedSocket(address!)) throw error;
      this.#listener = listen();
    }
    void this.#welcome(this.#listener);
  }

  /**
   * Adds a type, or replaces it.
   *
   * @throws {InvalidStateError} If the manager is shutting down.
   */
  register({ name, create, exposed, methodsToProxies }: Registration): void {
    this.#checkServing("register a type with");
    const exposures = new WeakMap<object, Exposure>();
    const exposureFor = (object: object) => {
      const prototype = Object.getPrototypeOf(object) ?? object;
      let exposure = exposures.get(prototype);
      if (exposure === undefined) {
        exposure = this.#withProxies(
          exposureOfObject(name, object, exposed),
          methodsToProxies,
        );
        exposures.set(prototype, exposure);
      }
      return exposure;
    };
    this.#types.set(name, {
      make: (...args) =>
        isClass(create) ? new create(...args) : create(...args),
      proxy: (object) =>
        shareableOf(Object.getPrototypeOf(object)) !== undefined
          ? object
          : proxyOf(ObjectProxy, object, exposureFor(object), true),
    });
  }

  /**
   * Makes an object.
   *
   * @returns What stands for it.
   * @throws {TypeError} If there is no such type, or it makes no object.
   * @throws {InvalidStateError} If the manager is shutting down.
   */
  create(name: string, ...args: unknown[]): unknown {
    this.#checkServing(`create a '${name}' at`);
    const type = this.#types.get(name);
    if (type === undefined) {
      throw new TypeError(
        `Cannot create an object as 'name' must be that of a registered type: current value is ${
          describe(name)
        }`,
      );
    }
    return this.#proxied(name, type, type.make(...args));
  }

  /** Ends it, once the calls that have begun have ended. */
  shutDown(): void {
    if (this.#state !== "serving") return;
    this.#state = "closing";
    this.#listener?.close();
    // The answer to this call leaves first: a process flushes before it ends.
    void callsDone().then(() => {
      this.#state = "closed";
      this.#closing.resolve();
    });
  }

  async #welcome(listener: Listener): Promise<void> {
    for await (const connection of listener) {
      // What was sent is read before the end is seen.
      connection.send(this.root).catch(() => {}).finally(() =>
        connection.close()
      );
    }
  }

  #proxied(name: string, type: ManagedType, made: unknown): unknown {
    if (isThenable(made)) {
      return made.then((object) => this.#proxied(name, type, object));
    }
    if (typeof made === "object" && made !== null) return type.proxy(made);
    throw new TypeError(
      `Cannot create a '${name}' as its type must make an object: current value is ${
        describe(made)
      }`,
    );
  }

  /** The same methods, with results of some that stay here. */
  #withProxies(
    exposure: Exposure,
    methodsToProxies: Readonly<Record<string, string>> = {},
  ): Exposure {
    const methods = new Map(exposure.methods);
    for (const [method, name] of Object.entries(methodsToProxies)) {
      const call = methods.get(method);
      const type = this.#types.get(name);
      if (call === undefined || type === undefined) {
        throw new TypeError(
          `Cannot create a '${exposure.kind}' as 'methodsToProxies' must name exposed methods and registered types: current value has ${method}: ${
            describe(name)
          }`,
        );
      }
      methods.set(
        method,
        (target, ...args) => this.#proxied(name, type, call(target, ...args)),
      );
    }
    return { ...exposure, methods };
  }

  #checkServing(action: string): void {
    if (this.#state === "serving") return;
    throw new InvalidStateError(
      `Cannot ${action} a manager: it is shutting down`,
    );
  }
}

/** Removes the socket of a manager that was killed: nobody listens there any more. */
async function removeAbandonedSocket(
  address: NonNullable<ListenerOptions["address"]>,
): Promise<boolean> {
  const where = parseAddress("listen", address);
  if (where.transport !== "unix") return false;
  try {
    (await connectTo(where)).close();
    return false;
  } catch (error) {
    if (!(error instanceof Deno.errors.ConnectionRefused)) return false;
    await Deno.remove(where.path);
    return true;
  }
}

/** Classes of objects that are the same everywhere already. */
const SHARED: Readonly<Record<string, () => Promise<Class>>> = {
  array: async () => (await import("./shared_array.ts")).SharedArray,
  barrier: async () => (await import("./barrier.ts")).Barrier,
  boundedSemaphore: async () =>
    (await import("./semaphore.ts")).BoundedSemaphore,
  condition: async () => (await import("./condition.ts")).Condition,
  event: async () => (await import("./event.ts")).Event,
  joinableQueue: async () => (await import("./queue.ts")).JoinableQueue,
  lock: async () => (await import("./lock.ts")).Lock,
  queue: async () => (await import("./queue.ts")).Queue,
  rlock: async () => (await import("./rlock.ts")).RLock,
  semaphore: async () => (await import("./semaphore.ts")).Semaphore,
  simpleQueue: async () => (await import("./queue.ts")).SimpleQueue,
  value: async () => (await import("./value.ts")).Value,
};

const ROOT = {
  ...exposureOf("manager", {
    create: (server: ManagerServer, name, ...args) =>
      server.create(name, ...args),
    register: (server: ManagerServer, type) => server.register(type),
    shutDown: (server: ManagerServer) => server.shutDown(),
    pid: () => Deno.pid,
  }),
  transacts: false,
};

function isClass(value: Factory | Class): value is Class {
  return /^class\b/.test(Function.prototype.toString.call(value));
}

function iteratorOf(
  value: Iterable<unknown> & AsyncIterable<unknown>,
): object {
  return value[Symbol.asyncIterator]?.() ?? value[Symbol.iterator]();
}
