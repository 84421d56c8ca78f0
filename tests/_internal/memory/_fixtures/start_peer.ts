// Copyright 2026 the @concurrent/parallel authors. MIT license.

import type { PeerAnswer, PeerTask } from "./peer.ts";

/** Has another thread do something; resolves with its answer, when it is gone. */
export async function startPeer(task: PeerTask): Promise<PeerAnswer> {
  const worker = new Worker(new URL("./peer.ts", import.meta.url), {
    type: "module",
  });
  try {
    return await new Promise<PeerAnswer>((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => {
        event.preventDefault();
        reject(new RangeError(event.message));
      };
      worker.postMessage(task);
    });
  } finally {
    worker.terminate();
  }
}
