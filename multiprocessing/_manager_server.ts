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
import { shareableOf } from "../_internal/wire/shareables.ts";
import { DICT, ITERATOR, LIST, NAMESPACE, SET } from "./_managed.ts";
import { callsDone, type ProxyClass, proxyOf } from "./_proxies.ts";
import { DictProxy } from "./dict_proxy.ts";
import { IteratorProxy } from "./iterator_proxy.ts";
import { ListProxy } from "./list_proxy.ts";
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

/** What a manager's process is told. */
export interface ServerOptions {
  readonly initializer: Factory | undefined;
  readonly initArgs: readonly unknown[];
  readonly types: readonly Registration[];
}

/** What a type of objects is: how one is made, and what stands for it. */
interface ManagedType {
  make(...args: unknown[]): unknown;
  proxy(object: object): unknown;
}

/** Starts to serve in this process, which stays until it is shut down. Returns the root's proxy. */
export async function serveManager(
  { initializer, initArgs, types }: ServerOptions,
): Promise<ObjectProxy> {
  await initializer?.(...initArgs);
  const server = new ManagerServer();
  for (const type of types) server.register(type);
  holdProgram();
  void server.closed.then(releaseProgram);
  return server.root;
}

/** The objects of one manager. */
export class ManagerServer {
  /** Stands for the manager, everywhere. */
  readonly root: ObjectProxy;
  readonly #types = new Map<string, ManagedType>();
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
  }

  /** Resolves when it was shut down and its last call has ended. */
  get closed(): Promise<void> {
    return this.#closing.promise;
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
    // The answer to this call leaves first: a process flushes before it ends.
    void callsDone().then(() => {
      this.#state = "closed";
      this.#closing.resolve();
    });
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
