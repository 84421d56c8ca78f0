// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { until } from "./_helpers.ts";
import { gatesWaitedFor } from "./_tasks.ts";

/** Declares a test of a suite. */
export type SuiteTest = (criterion: string, fn: () => Promise<void>) => void;

/**
 * Declares tests whose names begin with `prefix`.
 *
 * A task that ran in this realm and was given up may be in the middle of a look
 * at its gate when its test ends; the test waits until it has seen that.
 */
export function testsOf(prefix: string): SuiteTest {
  return (criterion, fn) =>
    Deno.test(prefix + criterion, async () => {
      await fn();
      await until("no gate is waited for", () => gatesWaitedFor() === 0);
    });
}
