// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { Lock } from "../../multiprocessing/mod.ts";
import { PROCESSES } from "../_suites/_parties.ts";
import { lockSuite } from "../_suites/lock_suite.ts";
import { ownedLockSuite } from "../_suites/owned_lock_suite.ts";

const kind = {
  name: "Lock",
  kind: "Lock",
  make: () => new Lock(),
  parties: PROCESSES,
} as const;
lockSuite(kind);
ownedLockSuite(kind);
