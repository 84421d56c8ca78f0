// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { RLock } from "../../multiprocessing/mod.ts";
import { PROCESSES } from "../_suites/_parties.ts";
import { lockSuite } from "../_suites/lock_suite.ts";
import { ownedLockSuite } from "../_suites/owned_lock_suite.ts";
import { reentrantLockSuite } from "../_suites/reentrant_lock_suite.ts";

const kind = {
  name: "RLock",
  kind: "RLock",
  isReentrant: true,
  make: () => new RLock(),
  parties: PROCESSES,
} as const;
lockSuite(kind);
ownedLockSuite(kind);
reentrantLockSuite(kind);
