// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { Barrier } from "../../multiprocessing/mod.ts";
import { PROCESSES } from "../_suites/_parties.ts";
import { barrierSuite } from "../_suites/barrier_suite.ts";

barrierSuite({ parties: PROCESSES, Barrier });
