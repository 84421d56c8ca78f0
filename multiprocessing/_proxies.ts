// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Proxies and what they stand for. A proxy is one object in each isolate:
//
//   where the object is    LocalTarget   calls it; is served at the station of the
//                                        isolate as soon as the proxy is sent out
//   everywhere else        RemoteTarget  calls over a link (_internal/objects/)
//
// A proxy that arrives where its object is, is the proxy that is there. Its calls
// copy what goes in and what comes out, as they do everywhere: what a manager
// holds is changed by its methods only.
//
// Calls of one isolate run in their order. One whose arguments need a module that
// is not loaded yet would be overtaken: the calls behind it wait (`turn`).

import {
  InvalidStateError,
  SerializationError,
} from "../_internal/base/errors.ts";
import { isThenable } from "../_internal/base/validation.ts";
import { callExposed, type Exposure } from "../_internal/objects/exposure.ts";
import {
  HOME,
  newObjectNumber,
  sendOut,
  servedHere,
  welcomeHome,
} from "../_internal/objects/own_station.ts";
import type { Reference } from "../_internal/objects/reference.ts";
import { RemoteObject } from "../_internal/objects/remote_object.ts";
import type { Served } from "../_internal/objects/station.ts";
import { packValue, unpackValue } from "../_internal/objects/values.ts";
import { declareOwnExports } from "../_internal/wire/functions/own_exports.ts";
import { noteModule } from "../_internal/wire/functions/sync_modules.ts";
import { registerShareable } from "../_internal/wire/shareables.ts";
import { missingModules } from "../_internal/wire/values.ts";
import { type ProxyTarget, targetOf, withTarget } from "./_proxy_target.ts";

/** A class of proxies. Its constructor asks for its target. */
// deno-lint-ignore no-explicit-any -- whatever it stands for
export type ProxyClass<P extends object = any> = new () => P;

/** What is sent for a proxy. */
type Passport = readonly [Reference, methods: readonly string[] | undefined];

/** The proxies of this isolate for objects elsewhere. */
const known = new Map<string, WeakRef<object>>();
const collected = new FinalizationRegistry<string>((name) => {
  // It may have arrived again meanwhile.
  if (known.get(name)?.deref() === undefined) known.delete(name);
});
/** Set while a call waits for a module: those behind it wait for this. */
let turn: Promise<unknown> | undefined;
/** Calls that have begun and not ended. */
let running = 0;
let onRest: (() => void) | undefined;

/** Resolves when all calls that have begun here have ended. */
export function callsDone(): Promise<void> {
  if (running === 0) return Promise.resolve();
  return new Promise((resolve) => onRest = resolve);
}

/** An object of this isolate, behind a proxy. */
class LocalTarget implements ProxyTarget, Served {
  readonly local: object;
  readonly methods: readonly string[] | undefined;
  /** The proxy: what a reference that comes home is. */
  proxy!: object;
  readonly #exposure: Exposure;
  #number: number | undefined;

  constructor(local: object, exposure: Exposure, isNamed: boolean) {
    this.local = local;
    this.#exposure = exposure;
    this.methods = isNamed ? [...exposure.methods.keys()] : undefined;
  }

  get reference(): Reference {
    return sendOut(this.#number ??= newObjectNumber(), () => this);
  }

  async send(name: string, args: readonly unknown[]): Promise<unknown> {
    return await unpackValue(await this.call(name, packValue(args, "args")));
  }

  call(name: string, body: Uint8Array): Uint8Array | Promise<Uint8Array> {
    if (turn === undefined && missingModules(body).length === 0) {
      return this.#run(name, unpackValue(body) as unknown[]);
    }
    // The bytes hold until the end of this call only.
    const copy = body.slice();
    const args = (turn ?? Promise.resolve()).then(() => unpackValue(copy));
    const mine = args.catch(() => {}).then(() => {
      if (turn === mine) turn = undefined;
    });
    turn = mine;
    return args.then((args) => this.#run(name, args as unknown[]));
  }

  #run(name: string, args: unknown[]): Uint8Array | Promise<Uint8Array> {
    const root = `result of ${this.#exposure.kind}.${name}()`;
    const result = callExposed(this.#exposure, this.local, name, args);
    return isThenable(result)
      ? counted(async () => packValue(await result, root))
      : packValue(result, root);
  }
}

async function counted<T>(fn: () => Promise<T>): Promise<T> {
  running++;
  try {
    return await fn();
  } finally {
    if (--running === 0) onRest?.();
  }
}

/** An object elsewhere. */
class RemoteTarget implements ProxyTarget {
  readonly remote: RemoteObject;
  readonly methods: readonly string[] | undefined;

  constructor(remote: RemoteObject, methods: readonly string[] | undefined) {
    this.remote = remote;
    this.methods = methods;
  }

  // deno-lint-ignore require-await -- what cannot travel rejects as well
  async send(name: string, args: readonly unknown[]): Promise<unknown> {
    return this.remote.call(name, args);
  }
}

/** An object that was dropped: only a reference that was read twice leads here. */
const GONE: ProxyTarget = {
  send: (name) =>
    Promise.reject(
      new InvalidStateError(
        `Cannot call '${name}': the object is gone from its owner`,
      ),
    ),
};

/**
 * The proxy of an object of this isolate.
 *
 * @param isNamed True where the proxy gets its methods from the exposure, and not from its class.
 */
export function proxyOf<P extends object>(
  ctor: ProxyClass<P>,
  object: object,
  exposure: Exposure,
  isNamed = false,
): P {
  const target = new LocalTarget(object, exposure, isNamed);
  const proxy = withTarget(target, () => new ctor());
  target.proxy = proxy;
  return proxy;
}

/** Lets proxies of a class travel. */
export function registerProxyClass<P extends object>(
  ctor: ProxyClass<P>,
  module: string,
): void {
  // A function that captured the class imports this one module.
  declareOwnExports(module, { [ctor.name]: ctor });
  noteModule(module, { [ctor.name]: ctor });
  registerShareable<P>(`multiprocessing.${ctor.name}`, ctor, {
    encode(proxy, context): Passport {
      context.modules.add(module);
      const target = targetOf(proxy);
      if (target instanceof LocalTarget) {
        return [target.reference, target.methods];
      }
      if (target instanceof RemoteTarget && !target.remote.isClosed) {
        return [target.remote.reference(), target.methods];
      }
      throw new SerializationError(
        `Cannot send a ${ctor.name}: its manager is gone`,
        { reason: "its manager is gone" },
      );
    },
    decode(payload) {
      const [reference, methods] = payload as Passport;
      return reference.home === HOME
        ? returned(ctor, reference)
        : arrived(ctor, reference, methods);
    },
  });
}

/** The proxy that is here already. */
function returned<P extends object>(
  ctor: ProxyClass<P>,
  reference: Reference,
): P {
  const served = servedHere(reference.object);
  welcomeHome(reference);
  if (served instanceof LocalTarget && served.proxy instanceof ctor) {
    return served.proxy;
  }
  return withTarget(GONE, () => new ctor());
}

/** The one proxy that this isolate has for an object elsewhere. */
function arrived<P extends object>(
  ctor: ProxyClass<P>,
  reference: Reference,
  methods: readonly string[] | undefined,
): P {
  const name = `${reference.home} ${reference.object}`;
  // Also where it is known: what the reference pins has to be held, and let go.
  const remote = new RemoteObject(reference);
  const here = known.get(name)?.deref();
  if (here instanceof ctor) {
    remote.release();
    return here;
  }
  const target = new RemoteTarget(remote, methods);
  const proxy = withTarget(target, () => new ctor());
  known.set(name, new WeakRef(proxy));
  collected.register(proxy, name);
  return proxy;
}
