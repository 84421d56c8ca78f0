// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Executors as values: what arrives in a worker is the same class, and every
// call goes back to the executor that was sent. There is one object for each in
// an isolate, and the executor itself where it was made.

import { noteModule } from "../_internal/wire/functions/sync_modules.ts";
import { declareOwnExports } from "../_internal/wire/functions/own_exports.ts";
import { registerShareable } from "../_internal/wire/shareables.ts";
import type { AutoRules } from "../_internal/auto/auto_options.ts";
import type { LaneOptions } from "../_internal/pool/task_scheduler.ts";

/** What an executor is elsewhere. */
export interface Handle extends LaneOptions {
  /** Its number (`pool/executor_services.ts`). */
  readonly id: string;
  /** How an automatic one decides. */
  readonly rules?: AutoRules | undefined;
}

const known = new Map<string, WeakRef<object>>();
const gone = new FinalizationRegistry<string>((id) => {
  if (known.get(id)?.deref() === undefined) known.delete(id);
});
let arriving: Handle | undefined;

/** In a constructor: what has arrived; undefined where an executor is made. */
export function takeHandle(): Handle | undefined {
  const handle = arriving;
  arriving = undefined;
  return handle;
}

/** Makes an executor the one that this isolate has for a number. */
export function rememberExecutor(id: string, executor: object): void {
  known.set(id, new WeakRef(executor));
  gone.register(executor, id);
}

/**
 * Lets the executors of a class travel.
 *
 * @param tag What messages call the class.
 * @param ctor The class. The constructor of its base asks {@linkcode takeHandle} first.
 * @param module Its module.
 * @param handleOf What an executor is elsewhere.
 */
export function registerExecutor<T extends object>(
  tag: string,
  ctor: new () => T,
  module: string,
  handleOf: (executor: T) => Handle,
): void {
  declareOwnExports(module, { [ctor.name]: ctor });
  noteModule(module, { [ctor.name]: ctor });
  registerShareable(tag, ctor, {
    encode(executor, context) {
      context.modules.add(module);
      const { id, maxWorkers, minWorkers, concurrency, rules } = handleOf(
        executor,
      );
      return [id, maxWorkers, minWorkers, concurrency, rules];
    },
    decode(payload) {
      const [id, maxWorkers, minWorkers, concurrency, rules] = payload as [
        string,
        number,
        number,
        number,
        AutoRules | undefined,
      ];
      const here = known.get(id)?.deref();
      if (here !== undefined) return here as T;
      arriving = { id, maxWorkers, minWorkers, concurrency, rules };
      try {
        const executor = new ctor();
        rememberExecutor(id, executor);
        return executor;
      } finally {
        arriving = undefined;
      }
    },
  });
}
