// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What every executor does, it does on other machines as well.

import { contextSuite } from "../_suites/context_suite.ts";
import { executorSuite, type Subject } from "../_suites/executor_suite.ts";
import { mapSuite } from "../_suites/map_suite.ts";
import { signalSuite } from "../_suites/signal_suite.ts";
import { streamSuite } from "../_suites/stream_suite.ts";
import { OwnNodeExecutor } from "./_own_node.ts";
import { redisSuites } from "./_redis.ts";

redisSuites((context) => {
  const subject: Subject = {
    name: "DistributedExecutor",
    create: (options = {}) => {
      const { url, queue } = context();
      return new OwnNodeExecutor({ url, queue, authKey: "key" }, options, {
        backoff: 20,
      });
    },
    backend: "process",
    isRemote: true,
  };
  executorSuite(subject);
  mapSuite(subject);
  signalSuite(subject);
  contextSuite(subject);
  streamSuite(subject);
});
