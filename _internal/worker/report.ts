// Copyright 2026 the @concurrent/parallel authors. MIT license.

/** Prints an error that nobody else will see on standard error: the only words that this library says by itself. */
export function report(prefix: string, error: unknown): void {
  const text = error instanceof Error ? error.stack ?? String(error) : error;
  // deno-lint-ignore no-console -- an error that has no future to go to must not vanish
  console.error(prefix, text);
}
