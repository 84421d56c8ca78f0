// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { Condition, Lock, RLock } from "../../multiprocessing/mod.ts";
import { PROCESSES } from "../_suites/_parties.ts";
import { conditionSuite } from "../_suites/condition_suite.ts";

conditionSuite({
  parties: PROCESSES,
  // It takes locks of its family only.
  Condition: Condition as new (lock?: Lock | RLock) => Condition,
  Lock,
  RLock,
});
