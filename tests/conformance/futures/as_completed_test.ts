// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { pythonAsCompletedSuite } from "../../_suites/python_wait_suite.ts";
import { subjects } from "./_subjects.ts";

for (const subject of subjects) pythonAsCompletedSuite(subject);
