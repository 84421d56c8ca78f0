// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Lets the program end while the worker lives. Web Workers have no `unref`;
 * the runtime's own node:worker_threads calls a method behind a nameless
 * symbol, which is what is called here too. Where it is missing, an idle
 * worker keeps the program alive until its pool is shut down.
 *
 * @returns True where it worked.
 */
export function unrefWorker(worker: Worker): boolean {
  const prototype = Worker.prototype as unknown as Record<symbol, unknown>;
  for (const symbol of Object.getOwnPropertySymbols(prototype)) {
    if (symbol.description !== undefined && symbol.description !== "") continue;
    const method = prototype[symbol];
    if (typeof method !== "function" || method.length !== 1) continue;
    method.call(worker, false);
    return true;
  }
  return false;
}
