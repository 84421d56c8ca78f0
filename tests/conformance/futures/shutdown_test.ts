// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { pythonShutdownSuite } from "../../_suites/python_shutdown_suite.ts";
import { subjects } from "./_subjects.ts";

for (const subject of subjects) pythonShutdownSuite(subject);
