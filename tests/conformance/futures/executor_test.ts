// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { pythonExecutorSuite } from "../../_suites/python_executor_suite.ts";
import { subjects } from "./_subjects.ts";

for (const subject of subjects) pythonExecutorSuite(subject);
