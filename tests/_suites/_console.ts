// Copyright 2026 the @concurrent/parallel authors. MIT license.

/** Collects what is printed with `console.error` meanwhile. */
export function captureErrors(): Disposable & { lines: unknown[][] } {
  // deno-lint-ignore no-console -- it is put back
  const original = console.error;
  const lines: unknown[][] = [];
  console.error = (...args: unknown[]) => lines.push(args);
  return {
    lines,
    [Symbol.dispose]() {
      console.error = original;
    },
  };
}

/** Collects the rejections that nobody handles meanwhile. */
export function captureRejections(): Disposable & {
  reasons: unknown[];
  /** Resolves when the rejections of this turn have surfaced. */
  turn(): Promise<void>;
} {
  const reasons: unknown[] = [];
  const listener = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    reasons.push(event.reason);
  };
  globalThis.addEventListener("unhandledrejection", listener);
  return {
    reasons,
    async turn() {
      // A timer may come before the rejections of the same turn.
      for (let i = 0; i < 3; i++) {
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    },
    [Symbol.dispose]() {
      globalThis.removeEventListener("unhandledrejection", listener);
    },
  };
}
