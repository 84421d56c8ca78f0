// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { pythonCrashSuite } from "../../_suites/python_crash_suite.ts";
import { subjects } from "./_subjects.ts";

for (const subject of subjects) pythonCrashSuite(subject);
