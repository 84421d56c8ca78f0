// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { pythonWaitSuite } from "../../_suites/python_wait_suite.ts";
import { subjects } from "./_subjects.ts";

for (const subject of subjects) pythonWaitSuite(subject);
