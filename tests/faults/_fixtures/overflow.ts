// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Ways to fill the heap of a worker, at each stage of a call. Only ever run
// where the heap has a limit.

/**
 * Calls a function for ever, in a way that V8 can end at each step: it looks
 * when a function is entered that it could not inline.
 */
function forEver(step: (i: number) => void): never {
  for (let i = 0;; i++) {
    "x".replace("x", () => {
      step(i);
      return "";
    });
  }
}

/** Fills the heap. */
export function grow(): never {
  const kept: unknown[] = [];
  forEver((i) => kept.push(new Array(100).fill(i)));
}

/** Fills it, and tries to go on. */
export function growStubbornly(path: string): void {
  try {
    grow();
  } catch {
    Deno.writeTextFileSync(path, "caught\n", { append: true });
  } finally {
    Deno.writeTextFileSync(path, "finally\n", { append: true });
  }
}

/** Fills it after a promise. */
export async function growLater(): Promise<never> {
  await Promise.resolve();
  return grow();
}

/** Fills it in a timer, while it waits for something else. */
export async function growInTimer(): Promise<never> {
  setTimeout(grow, 1);
  return await new Promise<never>(() => {});
}

/** Leaves a timer behind that fills it. */
export function growWhenIdle(): string {
  setTimeout(grow, 20);
  return "done";
}

/** Fills it while it holds a lock. */
export function growWithLock(
  lock: { acquireSync(): boolean },
): never {
  lock.acquireSync();
  return grow();
}

/** Fills it with one list. */
export function growList(): never {
  const list: number[] = [];
  forEver((i) => list.push(i + 0.5));
}

/** Fills it with one text. */
export function growText(): never {
  let text = "x";
  forEver(() => text += text.slice(1) + "abc");
}

/** Fills it with one map. */
export function growMap(): never {
  const map = new Map<number, number>();
  forEver((i) => map.set(i, i));
}

/** Fills it the first time. */
export function growOnce(path: string): string {
  try {
    Deno.statSync(path);
    return "done";
  } catch {
    Deno.writeTextFileSync(path, "");
    return grow();
  }
}

/** Its result fills it when it is encoded. */
export function growingResult(path: string): unknown {
  Deno.writeTextFileSync(path, "returned\n", { append: true });
  return Object.defineProperty({}, "endless", { enumerable: true, get: grow });
}

export function countItems(list: unknown[][]): number {
  return list.length;
}

/** Small on its way, large where it arrives: 128 bytes and more for each byte. */
export function manyObjects(): object[][] {
  return Array.from(
    { length: 1000 },
    () => Array.from({ length: 1000 }, () => ({})),
  );
}

/** Computes for ever and counts what it does. */
export function countForEver(counter: SharedArrayBuffer): never {
  const words = new Int32Array(counter);
  for (;;) words[0]!++;
}
