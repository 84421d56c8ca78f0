// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The only upward edge of the package: a URL, never an import. The entries are
// modules of their own because a worker starts with one, and they sit in the
// top layer because they register what every family shares.

/** The module that a thread runs. */
export const THREAD_ENTRY: URL = new URL(
  "../../_entry/thread.ts",
  import.meta.url,
);

/** The module that the broker of a program runs. */
export const BROKER_ENTRY: URL = new URL(
  "../../_entry/broker.ts",
  import.meta.url,
);

/** The module that a child process runs. */
export const PROCESS_ENTRY: URL = new URL(
  "../../_entry/process.ts",
  import.meta.url,
);
