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
import type { MessageSource } from "../wire/ring_channel.ts";
import { THREAD_ENTRY } from "./entry_urls.ts";
import { untilGone } from "./life_locks.ts";
import {
  closeMail,
  openMail,
  requestRelease,
  requestSpawn,
  requestTerminate,
  setThreadServices,
  tellFailed,
} from "./mail.ts";
import { unrefWorker } from "./unref_worker.ts";

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
  { owner: number; worker: Worker; lifeLock: string }
>();
/** Who ends a thread that the main thread has started, by agent. */
const own = new Map<number, () => void>();

/**
 * Starts a thread.
 *
 * @param agent Its place in the domain.
 * @param name Its label.
 * @param onFailed Hears of an error that ended it.
 * @param onKilled Another thread wants it to end now.
 */
export function spawnThread(
  agent: number,
  name: string,
  onFailed: (message: string) => void,
  onKilled: () => void,
): SpawnedThread {
  return isMainAgent()
    ? spawnHere(agent, name, onFailed, onKilled)
    : spawnThere(agent, name, onFailed);
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
  onFailed: (message: string) => void,
  onKilled: () => void,
): SpawnedThread {
  setThreadServices({ spawn, terminate, release });
  const worker = startWorker(name);
  const onError = (event: ErrorEvent) => {
    // Not prevented, the error of a worker would end the program.
    event.preventDefault();
    onFailed(event.message);
  };
  worker.addEventListener("error", onError);
  own.set(agent, onKilled);
  return {
    port: worker,
    start(message) {
      const mail = openMail(agent);
      worker.postMessage({ ...message, mail }, [mail]);
    },
    terminate: () => worker.terminate(),
    release() {
      worker.terminate();
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
  onFailed: (message: string) => void,
): SpawnedThread {
  const { port1, port2 } = new MessageChannel();
  port1.start();
  return {
    port: port1,
    start(message) {
      const start = { ...message, port: port2 };
      requestSpawn(agent, name, start, [port2], onFailed);
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

function startWorker(name: string): Worker {
  checkReadable();
  // A worker that is started while an inspector session is open comes up half a
  // second late.
  closeInspector();
  const worker = new Worker(THREAD_ENTRY, { type: "module", name });
  unrefWorker(worker);
  return worker;
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
  const worker = startWorker(name);
  workerStarted();
  const { port, lifeLock } = start as { port: MessagePort; lifeLock: string };
  guests.set(agent, { owner, worker, lifeLock });
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    tellFailed(owner, agent, event.message);
  });
  const mail = openMail(agent);
  worker.postMessage({ ...start, mail }, [mail, port]);
}

function terminate(agent: number): void {
  own.get(agent)?.();
  guests.get(agent)?.worker.terminate();
}

function release(agent: number): void {
  const guest = guests.get(agent);
  if (guest === undefined) return;
  guests.delete(agent);
  guest.worker.terminate();
  workerEnded();
  closeMail(agent);
  endGuestsOf(agent);
}

/** Their host is gone: nobody would ever read what they answer. */
function endGuestsOf(owner: number): void {
  for (const [agent, guest] of guests) {
    if (guest.owner !== owner) continue;
    endAgent(agent, "killed");
    guest.worker.terminate();
    untilGone(guest.lifeLock).then((isGone) => {
      release(agent);
      if (isGone) freeAgent(agent);
    });
  }
}
