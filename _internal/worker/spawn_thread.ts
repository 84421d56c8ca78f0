// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Where a thread really starts: on the main thread as a Worker; in another
// thread by asking the main thread, since a Worker that a Worker starts comes up
// half a second late. Whoever asked stays its host: it owns the rings, gets the
// answers and says when to stop; the main thread only keeps the Worker.
//
//   thread A: ThreadHost --rings, port--> thread B
//        `--mail--> main thread: new Worker(B), its error event, terminate()
//
// What a thread started ends with it, as Workers that a Worker started would.

import { workerEnded, workerStarted } from "../base/registry.ts";
import { freeAgent, isGone, isMainAgent } from "../memory/domain.ts";
import { endAgent } from "../memory/waiting.ts";
import { closeInspector } from "../wire/functions/inspector.ts";
import type { MessageSource } from "../wire/port_road.ts";
import { THREAD_ENTRY } from "./entry_urls.ts";
import { HEAP_IS_FULL } from "./heap_watch.ts";
import { untilGone } from "./life_locks.ts";
import { startLimitedThread } from "./limited_thread.ts";
import {
  closeMail,
  openMail,
  requestRelease,
  requestSpawn,
  requestTerminate,
  setThreadServices,
  tellFailed,
} from "./mail.ts";
import {
  type PlatformThread,
  startWebThread,
  type ThreadEvents,
} from "./platform_thread.ts";
import type { ResourceLimits } from "./resource_limits.ts";

/** The platform's side of a thread, for its host. */
export interface SpawnedThread {
  /** Carries what cannot be written into a ring. */
  readonly port: MessageSource;
  /** Starts it with its first message. Before that, nothing is sent. */
  start(message: object): void;
  /** Stops it, as far as Deno can. */
  terminate(): void;
  /** It has ended, or is stuck: stops it and gives back what it has here. */
  release(): void;
}

/** Threads that run for another one than the main thread, by agent. */
const guests = new Map<
  number,
  { owner: number; thread: PlatformThread; lifeLock: string }
>();
/** Who ends a thread that the main thread has started, by agent. */
const own = new Map<number, () => void>();

/**
 * Starts a thread.
 *
 * @param agent Its place in the domain.
 * @param name Its label.
 * @param limits What its heap is limited to, if it is.
 * @param events Hears how it ends.
 * @param onKilled Another thread wants it to end now.
 */
export function spawnThread(
  agent: number,
  name: string,
  limits: ResourceLimits | undefined,
  events: ThreadEvents,
  onKilled: () => void,
): SpawnedThread {
  return isMainAgent()
    ? spawnHere(agent, name, limits, events, onKilled)
    : spawnThere(agent, name, limits, events);
}

/** Stops a thread from wherever this is. */
export function killThread(agent: number): void {
  endAgent(agent, "killed");
  if (isMainAgent()) terminate(agent);
  else requestTerminate(agent);
}

function spawnHere(
  agent: number,
  name: string,
  limits: ResourceLimits | undefined,
  events: ThreadEvents,
  onKilled: () => void,
): SpawnedThread {
  setThreadServices({ spawn, terminate, release });
  const thread = startThread(name, limits, events);
  own.set(agent, onKilled);
  return {
    port: thread.port,
    start(message) {
      const mail = openMail(agent);
      thread.port.postMessage({ ...message, mail }, [mail]);
    },
    terminate: () => thread.terminate(),
    release() {
      thread.kill();
      own.delete(agent);
      // What it asked for before it ended is served, and then ended too.
      closeMail(agent);
      endGuestsOf(agent);
    },
  };
}

function spawnThere(
  agent: number,
  name: string,
  limits: ResourceLimits | undefined,
  events: ThreadEvents,
): SpawnedThread {
  const { port1, port2 } = new MessageChannel();
  port1.start();
  return {
    port: port1,
    start(message) {
      const start = { ...message, port: port2, limits };
      requestSpawn(agent, name, start, [port2], (failure) => {
        if (failure === HEAP_IS_FULL) events.overflowed();
        else events.failed(failure);
      });
    },
    terminate: () => requestTerminate(agent),
    release() {
      port1.close();
      requestRelease(agent);
    },
  };
}

/** Whether the package may be read, once that is known. */
let isReadable = false;

function startThread(
  name: string,
  limits: ResourceLimits | undefined,
  events: ThreadEvents,
): PlatformThread {
  checkReadable();
  // A worker that is started while an inspector session is open comes up half a
  // second late.
  closeInspector();
  return limits === undefined
    ? startWebThread(THREAD_ENTRY, name, events)
    : startLimitedThread(THREAD_ENTRY, name, limits, events);
}

/**
 * A worker that may not read its module fails by an event, which a thread that
 * blocks right after the start never hears of.
 */
function checkReadable(): void {
  if (isReadable || THREAD_ENTRY.protocol !== "file:") return;
  const path = new URL("../", THREAD_ENTRY);
  if (
    Deno.permissions.querySync({ name: "read", path }).state !== "granted" &&
    Deno.permissions.querySync({ name: "read", path: THREAD_ENTRY }).state !==
      "granted"
  ) {
    throw new Deno.errors.NotCapable(
      `Requires read access to "${
        decodeURIComponent(path.pathname)
      }", run again with the --allow-read flag`,
    );
  }
  isReadable = true;
}

// -- Main thread, for the others --

function spawn(
  owner: number,
  agent: number,
  name: string,
  start: object,
): void {
  // It was terminated before it was started.
  if (isGone(agent)) return;
  const { port, lifeLock, limits } = start as {
    port: MessagePort;
    lifeLock: string;
    limits: ResourceLimits | undefined;
  };
  const thread = startThread(name, limits, {
    failed: (message) => tellFailed(owner, agent, message),
    overflowed: () => tellFailed(owner, agent, HEAP_IS_FULL),
    // Its host asks whether it lives.
    exited() {},
  });
  workerStarted();
  guests.set(agent, { owner, thread, lifeLock });
  const mail = openMail(agent);
  thread.port.postMessage({ ...start, mail }, [mail, port]);
}

function terminate(agent: number): void {
  own.get(agent)?.();
  guests.get(agent)?.thread.terminate();
}

function release(agent: number): void {
  const guest = guests.get(agent);
  if (guest === undefined) return;
  guests.delete(agent);
  guest.thread.kill();
  workerEnded();
  closeMail(agent);
  endGuestsOf(agent);
}

/** Their host is gone: nobody would ever read what they answer. */
function endGuestsOf(owner: number): void {
  for (const [agent, guest] of guests) {
    if (guest.owner !== owner) continue;
    endAgent(agent, "killed");
    guest.thread.terminate();
    untilGone(guest.lifeLock).then((isGone) => {
      release(agent);
      if (isGone) freeAgent(agent);
    });
  }
}
