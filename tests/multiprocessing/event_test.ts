// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { Event } from "../../multiprocessing/mod.ts";
import { PROCESSES } from "../_suites/_parties.ts";
import { eventSuite } from "../_suites/event_suite.ts";

eventSuite({ parties: PROCESSES, make: () => new Event() });
