// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { pythonInitSuite } from "../../_suites/python_init_suite.ts";
import { subjects } from "./_subjects.ts";

for (const subject of subjects) pythonInitSuite(subject);
