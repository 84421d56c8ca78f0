// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The faults of the matrix, and the stages of a call at which they happen.

/** What goes wrong. */
export type Fault =
  | "throw"
  | "Deno.exit"
  | "self.close"
  | "timer"
  | "rejection"
  | "heap"
  | "SIGKILL"
  | "SIGSEGV"
  | "stuck"
  | "unsendable";

/** What ends the loops that are stuck: the file beside the mark, or that there is no folder. */
export const RELEASED = ".released";

/** Goes wrong, once it has said when. */
export function go(fault: Fault, mark: string): void {
  Deno.writeTextFileSync(mark, String(Date.now()));
  switch (fault) {
    case "throw":
      throw new RangeError("the fault");
    case "Deno.exit":
      return Deno.exit(7);
    case "self.close":
      return (self as unknown as { close(): void }).close();
    case "timer":
      setTimeout(() => {
        throw new RangeError("the fault");
      }, 0);
      return;
    case "rejection":
      void Promise.reject(new RangeError("the fault"));
      return;
    case "heap": {
      // Not in a loop of built-in functions alone, which V8 does not leave.
      const all: unknown[] = [];
      for (let i = 0;; i++) all.push({ i, list: [i] });
    }
    // falls through
    case "SIGKILL":
    case "SIGSEGV":
      // The first SIGSEGV does no more than remove the runtime's own handler.
      Deno.kill(Deno.pid, fault);
      Deno.kill(Deno.pid, fault);
      for (;;);
    // falls through
    case "stuck": {
      while (exists(mark) && !exists(mark + RELEASED));
      return;
    }
    case "unsendable":
      return;
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

function forEver(): Promise<never> {
  return new Promise<never>(() => {});
}

type Stage = (fault: Fault, mark: string, ...rest: unknown[]) => unknown;

export const runSync: Stage = function runSync(fault, mark) {
  go(fault, mark);
};

export const runAsync: Stage = async function runAsync(fault, mark) {
  await undefined;
  go(fault, mark);
  return await forEver();
};

export const betweenAwaits: Stage = async function betweenAwaits(fault, mark) {
  setTimeout(go, 5, fault, mark);
  return await forEver();
};

export const encodeResult: Stage = function encodeResult(fault, mark) {
  if (fault === "unsendable") {
    go(fault, mark);
    return { deep: [new WeakMap()] };
  }
  return {
    get value() {
      return go(fault, mark);
    },
  };
};

export const decodeResult: Stage = async function decodeResult(_, mark) {
  go("unsendable", mark);
  // The caller does not have this module.
  const { Unknown } = await import("./unknown_class.ts");
  return new Unknown();
};

export const encodeError: Stage = function encodeError(fault, mark) {
  const error = new RangeError("the fault");
  if (fault === "unsendable") {
    go(fault, mark);
    throw Object.assign(error, { deep: [new WeakMap(), () => mark] });
  }
  throw Object.defineProperty(error, "code", {
    enumerable: true,
    get: () => go(fault, mark),
  });
};

/** Leaves the fault behind for later. */
export const idle: Stage = function idle(fault, mark) {
  setTimeout(go, 20, fault, mark);
  return "answered";
};

/** Leaves it behind for the end of the worker. */
export const stopping: Stage = function stopping(fault, mark) {
  globalThis.addEventListener("unload", () => go(fault, mark));
  return "answered";
};

/** The item of a map that goes wrong. */
export async function badItem(
  [item, fault, mark]: [number, Fault, string],
): Promise<number> {
  if (item !== BAD_ITEM) return item * item;
  go(fault, mark);
  return await forEver();
}

export const BAD_ITEM = 5;
