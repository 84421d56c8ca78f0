// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The root module of the thread that serves a program's objects to other processes.

import { type Broker, runBroker } from "../_internal/objects/broker.ts";
import type {
  BrokerStart,
  NewPort,
} from "../_internal/objects/broker_messages.ts";

let broker: Broker | undefined;

addEventListener("message", (event) => {
  const { data } = event as MessageEvent<BrokerStart | NewPort>;
  if ("port" in data) broker!.addPort(data);
  else broker = runBroker(data);
});
