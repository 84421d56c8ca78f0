// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Ways to go wrong in a worker.

import process from "node:process";

/** Long enough to be sure that something else ends it. */
function forEver(): Promise<never> {
  return new Promise<never>(() => {});
}

export function denoExit(code: number): never {
  Deno.exit(code);
}

export function nodeExit(code: number): never {
  process.exit(code);
}

export async function selfClose(): Promise<never> {
  (self as unknown as { close(): void }).close();
  return await forEver();
}

export async function killSelf(): Promise<never> {
  Deno.kill(Deno.pid, "SIGKILL");
  return await forEver();
}

export async function throwInTimer(): Promise<never> {
  setTimeout(() => {
    throw new RangeError("in a timer");
  }, 1);
  return await forEver();
}

export async function rejectUnhandled(): Promise<never> {
  Promise.reject(new RangeError("nobody looks"));
  return await forEver();
}

export function ownPid(): number {
  return Deno.pid;
}

/** Waits for ever, after it has said who it is. */
export async function waitAs(path: string): Promise<never> {
  await Deno.writeTextFile(path, String(Deno.pid));
  return await forEver();
}

/** Computes for so long that it counts as stuck, but not for ever. */
export function stuck(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

/** The same, while the file is there. */
export function stuckWhile(path: string): void {
  try {
    for (;;) Deno.statSync(path);
  } catch {
    // It is gone.
  }
}

/** The same, until the first number is another one than 0; the second one tells that it runs. */
export function stuckUntil(flag: Int32Array<SharedArrayBuffer>): void {
  Atomics.store(flag, 1, 1);
  while (Atomics.load(flag, 0) === 0);
}

export function badResult(): unknown {
  return { socket: new WeakRef({}) };
}

export function explosiveResult(): unknown {
  return {
    get value() {
      throw new RangeError("of the getter");
    },
  };
}

export function explosiveThen(): unknown {
  return Object.defineProperty({}, "then", {
    get() {
      throw new RangeError("of the thenable");
    },
  });
}

export function neverThen(): unknown {
  return {
    then(resolve: (value: number) => void) {
      resolve(1);
      resolve(2);
      throw new RangeError("too late");
    },
  };
}

export function badError(): never {
  throw Object.assign(new RangeError("with a weak map"), {
    weak: new WeakMap(),
    fn: () => {},
  });
}

export function explosiveError(): never {
  const error = new RangeError("hidden");
  for (const key of ["message", "stack", "name", "cause", "code"]) {
    Object.defineProperty(error, key, {
      configurable: true,
      enumerable: true,
      get() {
        throw new TypeError(`of the ${key}`);
      },
    });
  }
  throw error;
}

export function proxyError(): never {
  throw new Proxy({}, {
    get() {
      throw new TypeError("of the proxy");
    },
    ownKeys() {
      throw new TypeError("of the proxy");
    },
    getPrototypeOf() {
      throw new TypeError("of the proxy");
    },
  });
}

export function cyclicError(): never {
  const error = new RangeError("cyclic") as RangeError & { self: unknown };
  error.self = error;
  error.cause = error;
  throw error;
}

export function deepResult(): unknown {
  let value: unknown = 1;
  for (let i = 0; i < 100_000; i++) value = [value];
  return value;
}

export function overflow(): number {
  return overflow() + 1;
}

export function notAnError(): never {
  throw Symbol("a symbol");
}

export function bigCrash(): never {
  console.assert(true);
  Deno.exit(3);
}

export function progressBadly(report: (value: number) => void): void {
  report(NaN);
}
