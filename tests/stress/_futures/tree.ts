// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A tree of tasks that submit tasks, to two executors, with everything that can
// go wrong below them.

import type { Executor, Future } from "../../../futures/mod.ts";
import { task } from "../../../mod.ts";
import { random } from "../../_internal/memory/_fixtures/records.ts";

async function* items(n: number): AsyncGenerator<number> {
  for (let i = 0; i < n; i++) {
    if (i % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    yield i;
  }
}

/** Returns how many tasks of the tree it knows; one in `1000 / crashes` leaves ends its worker. */
export async function tree(
  here: Executor,
  there: Executor,
  depth: number,
  seed: number,
  crashes: number,
): Promise<number> {
  const next = random(seed + 1);
  const below = (n: number) => next() % n;
  if (depth === 0) {
    if (below(1000) < crashes) Deno.exit(3);
    if (below(3) === 0) {
      await new Promise((resolve) => setTimeout(resolve, below(5)));
    }
    if (below(20) === 0) throw new RangeError("a leaf");
    return 1;
  }
  let total = 1;
  const futures: Future<number>[] = [];
  const count = below(4);
  for (let i = 0; i < count; i++) {
    const [a, b] = below(5) === 0 ? [there, here] : [here, there];
    const fn = below(6) === 0
      ? task(tree, { timeout: 2000, retries: below(2) })
      : tree;
    const future = a.submit(fn, a, b, depth - 1, below(1e9), crashes);
    future.catch(() => {});
    futures.push(future);
    if (below(5) === 0) setTimeout(() => future.cancel(), below(4));
  }
  if (below(4) === 0) {
    let wanted = below(60);
    for await (const _ of here.stream(items, 50)) if (wanted-- === 0) break;
  }
  // Some leave before their tasks have ended.
  if (below(8) === 0) return total;
  for (const future of futures) {
    try {
      total += await future;
    } catch {
      total++;
    }
  }
  return total;
}
