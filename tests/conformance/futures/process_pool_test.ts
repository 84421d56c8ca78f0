// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { pythonPoolSuite } from "../../_suites/python_pool_suite.ts";
import { processes } from "./_subjects.ts";

pythonPoolSuite(processes);
