// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { Event } from "../../threading/mod.ts";
import { THREADS } from "../_suites/_parties.ts";
import { eventSuite } from "../_suites/event_suite.ts";

eventSuite({ parties: THREADS, make: () => new Event() });
