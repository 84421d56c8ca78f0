// Copyright 2026 the @concurrent/parallel authors. MIT license.

/** Options for {@linkcode deadline}. */
export interface DeadlineOptions {
  /** Ends the wait early: the promise rejects with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * Settles as `p` does, or rejects with a `TimeoutError` DOMException when `p`
 * takes longer than `ms` milliseconds.
 */
export async function deadline<T>(
  p: Promise<T>,
  ms: number,
  options: DeadlineOptions = {},
): Promise<T> {
  const { signal } = options;
  signal?.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  const timer = ms <= 0x7fffffff
    ? setTimeout(
      () => reject(new DOMException("Signal timed out.", "TimeoutError")),
      ms,
    )
    : undefined;
  try {
    return await Promise.race([p, promise]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}
