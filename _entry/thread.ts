// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The root module of a worker thread. It takes its one start message, holds
// its life lock (the host's only way to see a death) and serves the channel.
// Everything that this file imports is paid for at every start.

import { setSocketPlace } from "../_internal/base/registry.ts";
import { joinDomain } from "../_internal/memory/domain.ts";
import { endAgent } from "../_internal/memory/waiting.ts";
import { setProcess } from "../_internal/worker/current.ts";
import { createGuest } from "../_internal/worker/guest.ts";
import { joinMail } from "../_internal/worker/mail.ts";
import { guardThread } from "../_internal/worker/thread_guard.ts";
import type { ThreadStart } from "../_internal/worker/thread_host.ts";
import type { MessageSource } from "../_internal/wire/port_road.ts";
import { guestChannel, linkSlots } from "../_internal/wire/thread_link.ts";

interface LockManager {
  request(name: string, callback: () => Promise<unknown>): Promise<unknown>;
}

const scope = globalThis as unknown as MessageSource & {
  self?: unknown;
  close(): void;
};
// Threads with limits on their heap come up without it.
scope.self ??= scope;
const locks = (navigator as unknown as { locks: LockManager }).locks;

function onStart({ data }: MessageEvent): void {
  scope.removeEventListener("message", onStart);
  const start = data as ThreadStart;
  const { link, id, name, concurrency, agent, isSingle, port } = start;
  joinDomain(start.domain, agent);
  joinMail(start.mail!);
  setProcess(start.process);
  setSocketPlace(start.place);
  const guard = guardThread(agent);
  if (start.isLimited) guard.heed(scope);
  // At once: messages that nobody listens for are lost.
  port?.start();
  const channel = guestChannel(link, port ?? scope);
  locks.request(start.lifeLock, async () => {
    const guest = createGuest({
      worker: { id, name, kind: "thread" },
      channel,
      slots: linkSlots(link),
      sharesSlots: true,
      concurrency,
      exit: guard.close,
      // Whoever is blocked in a join sees it here, not in the channel.
      ...(isSingle ? { answered: () => endAgent(agent, "ended") } : {}),
    });
    guard.watch(guest);
    if (start.isLimited) {
      const { watchHeap } = await import("../_internal/worker/heap_watch.ts");
      watchHeap(scope);
    }
    guest.open();
    await new Promise(() => {});
  });
}

scope.addEventListener("message", onStart);
