// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { BoundedSemaphore, Semaphore } from "../../threading/mod.ts";
import { THREADS } from "../_suites/_parties.ts";
import { semaphoreSuite } from "../_suites/semaphore_suite.ts";

semaphoreSuite({ parties: THREADS, Semaphore, BoundedSemaphore });
