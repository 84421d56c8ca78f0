// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A program of its own that uses managers, and does what its first argument says.

import { Manager } from "../../multiprocessing/manager.ts";

const [what, address = ""] = Deno.args;
const authKey = "sesame";

switch (what) {
  // Ends although its manager was never shut down.
  case "forgets": {
    const manager = await new Manager().start();
    const list = await manager.list([1]);
    await list.push(2);
    console.log(`${manager.pid} ${await list.slice()}`);
    break;
  }
  // Uses the manager of another program.
  case "visits": {
    const manager = await new Manager().connect({ address, authKey });
    const counter = await manager.create("Counter", 40);
    const list = await manager.create("shared");
    await list.callMethod("push", await counter.callMethod("add", 2));
    const error: unknown = await counter.callMethod("handle")
      .catch((error) => error);
    console.log((error as Error).name);
    break;
  }
}
