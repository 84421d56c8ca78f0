// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What a thread runs whose class overrides `run()`: makes the object there, as
// the current thread, without calling the constructor of the subclass.

import { agentInfo, selfTag } from "../_internal/memory/domain.ts";
import { construct } from "../_internal/wire/shared_objects.ts";
import { Thread, type ThreadOptions } from "./thread.ts";

/** Runs in the new thread. */
export function runThread(
  ctor: typeof Thread,
  options: ThreadOptions,
  fields: Record<string, unknown>,
): unknown {
  const tag = selfTag();
  const { name, daemon } = agentInfo(tag);
  const thread = construct(
    { serial: -tag, parts: [tag, name, daemon] },
    () => Reflect.construct(Thread, [options], ctor) as Thread,
  );
  return Object.assign(thread, fields).run();
}
