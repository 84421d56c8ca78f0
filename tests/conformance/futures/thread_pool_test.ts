// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { pythonPoolSuite } from "../../_suites/python_pool_suite.ts";
import { subjects } from "./_subjects.ts";

// The automatic executor runs what is not declared in threads.
for (const subject of subjects) {
  if (subject.backend === "thread") pythonPoolSuite(subject);
}
