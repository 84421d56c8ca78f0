// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { PortChannel } from "../../../_internal/wire/port_channel.ts";
import { channelSuite } from "../../_suites/channel_suite.ts";

channelSuite("PortChannel", () => {
  const { port1, port2 } = new MessageChannel();
  const [a, b] = [new PortChannel(port1), new PortChannel(port2)];
  return {
    a,
    b,
    open() {
      a.open();
      b.open();
      port1.start();
      port2.start();
    },
    async [Symbol.asyncDispose]() {
      a.close();
      b.close();
      port1.close();
      port2.close();
      await new Promise((resolve) => setTimeout(resolve, 0));
    },
  };
});
