// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What a child process runs.

import { clearStaleRaises } from "../_internal/memory/abort_flags.ts";
import { createGuest } from "../_internal/worker/guest.ts";
import { connectToParent } from "../_internal/worker/process_child.ts";

const parent = await connectToParent();
const { channel, slots, sharesSlots, words, info } = parent;
const guest = createGuest({
  worker: { id: info.id, name: info.name, kind: "process" },
  channel,
  slots,
  sharesSlots,
  concurrency: info.concurrency,
  exit: (code) => void parent.exit(code),
  interrupted: parent.interrupted,
});

// An error that belongs to no call, such as one from a timer that a task left
// behind, is told to the host, which cannot trust this worker any more.
addEventListener("error", (event) => {
  event.preventDefault();
  guest.fault(event.error ?? new TypeError(event.message));
});
addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  guest.fault(event.reason);
});
parent.onRaises = (count) =>
  clearStaleRaises(words, count, (slot) => guest.holds(slot));
guest.open();
