// Copyright 2026 the @concurrent/parallel authors. MIT license.

// One signal may stop any number of tasks. An EventTarget looks at all of its
// listeners whenever one is added or removed, so that thousands of tasks would
// take the square of their number: here they share one listener.

interface Listeners {
  readonly fns: Set<() => void>;
  readonly listener: () => void;
}

const listening = new WeakMap<AbortSignal, Listeners>();

/** Calls a function when the signal fires, which it has not yet; returns what takes that back. */
export function onAbort(signal: AbortSignal, fn: () => void): () => void {
  let listeners = listening.get(signal);
  if (listeners === undefined) {
    const fns = new Set<() => void>();
    const listener = () => {
      for (const fn of fns) fn();
    };
    listeners = { fns, listener };
    listening.set(signal, listeners);
    signal.addEventListener("abort", listener, { once: true });
  }
  // Each call is one of its own, also with the same function.
  const { fns, listener } = listeners;
  const own = () => fn();
  fns.add(own);
  return () => {
    if (!fns.delete(own) || fns.size > 0) return;
    if (listening.get(signal)?.fns === fns) listening.delete(signal);
    signal.removeEventListener("abort", listener);
  };
}
