// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { BoundedSemaphore, Semaphore } from "../../multiprocessing/mod.ts";
import { PROCESSES } from "../_suites/_parties.ts";
import { semaphoreSuite } from "../_suites/semaphore_suite.ts";

semaphoreSuite({ parties: PROCESSES, Semaphore, BoundedSemaphore });
