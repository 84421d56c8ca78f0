// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A program whose first timer is that of a wait for an event which is due. It
// waits outside of a promise's reaction: there the platform runs those that are
// due while it loads the timers.

import { heard } from "../../_internal/base/deadline.ts";

addEventListener("load", async () => {
  let happen = () => {};
  Promise.resolve().then(() => {
    console.log("happens");
    happen();
  });
  const event = heard("wait", (fn) => {
    happen = fn;
    return () => {};
  }, { timeout: 60_000 });
  console.log("waits");
  await event;
});
