// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  type Connection,
  Lock,
  Process,
  type Queue,
} from "../../multiprocessing/mod.ts";

/** Takes and gives back what others hold too, blocked and not, and says so. */
export async function useAll(
  lock: Lock,
  queue: Queue<unknown>,
  connection: Connection,
): Promise<string> {
  // Before the event loop has turned.
  lock.acquireSync();
  lock.release();
  await queue.put("put");
  await connection.send("sent");
  return Deno.permissions.querySync({ name: "net" }).state;
}

/** Serves a lock of its own to a process of its own. */
export async function serveBelow(): Promise<boolean> {
  const lock = new Lock();
  await lock.acquire();
  await using process = new Process({ target: tryLock, args: [lock] }).start();
  return await process.result();
}

function tryLock(lock: Lock): boolean {
  return lock.tryAcquire();
}
