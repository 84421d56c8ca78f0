// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Starts and ends Web Workers. Their platform gives no exit event, no unref
// and no way to stop a thread that is busy in JavaScript; what replaces them:
//
//   death    the guest holds a Web Lock for its life; `probe()` asks the lock
//            manager who holds what, once for all threads
//   exit     the guest says so before it closes itself (`guestExiting`)
//   unref    the method behind a nameless symbol that node:worker_threads uses
//   stop     the abort flag in shared memory; a thread that does not heed it is
//            terminated and forgotten, and counted as stuck while it runs on

import { after } from "../base/deadline.ts";
import {
  type SocketPlace,
  socketPlace,
  workerEnded,
  workerStarted,
} from "../base/registry.ts";
import { startAlarm } from "../memory/alarm.ts";
import {
  createAgent,
  domainMemory,
  ensureDomain,
  freeAgent,
  ring,
} from "../memory/domain.ts";
import type { CallSlots } from "../memory/slots.ts";
import { checkAlive } from "../memory/parking.ts";
import { endAgent } from "../memory/waiting.ts";
import type { Channel } from "../wire/channel.ts";
import { type AbortReason, plainMessage, Tag } from "../wire/messages.ts";
import {
  createLink,
  DEFAULT_TRANSPORT,
  hostChannel,
  linkSlots,
  releaseLink,
  type ThreadLink,
  type ThreadTransport,
} from "../wire/thread_link.ts";
import { type ProcessInfo, thisProcess } from "./current.ts";
import type { HostExit, HostOptions, WorkerHost } from "./host.ts";
import { heldLocks, untilGone } from "./life_locks.ts";
import {
  hasHeapLimit,
  overflowError,
  type ResourceLimits,
} from "./resource_limits.ts";
import { type SpawnedThread, spawnThread } from "./spawn_thread.ts";

/** What a new worker thread is told. */
export interface ThreadStart {
  readonly link: ThreadLink;
  readonly id: number;
  readonly name: string;
  readonly concurrency: number;
  /** The Web Lock to hold for life. */
  readonly lifeLock: string;
  /** What all threads of the program share. */
  readonly domain: SharedArrayBuffer;
  /** Its place there. */
  readonly agent: number;
  /** True: it ends with its first call. */
  readonly isSingle: boolean;
  /** True: its heap has a limit, which it watches. */
  readonly isLimited: boolean;
  /** What all threads of it are part of, where that is a child process. */
  readonly process: ProcessInfo | undefined;
  readonly place: SocketPlace | undefined;
  /** To and from its host, where that is another thread than the main one. */
  readonly port?: MessagePort;
  /** To and from the main thread. Added by the main thread. */
  readonly mail?: MessagePort;
}

/** How to start a thread. */
export interface ThreadHostOptions extends HostOptions {
  /** Calls that it may have under way at a time. */
  readonly concurrency: number;
  /** True: the program does not wait for it. */
  readonly daemon?: boolean;
  /** True: it runs one call, and ends with it. */
  readonly isSingle?: boolean;
  /** What its heap is limited to. */
  readonly resourceLimits?: ResourceLimits | undefined;
  /** What the messages take; by default what the platform allows. */
  readonly transport?: ThreadTransport;
}

/**
 * Locks are shared by all threads of a program, and a worker that starts
 * workers of its own counts them from 1 again.
 */
const LOCK_PREFIX = `concurrent-parallel/${crypto.randomUUID()}`;
/** A thread that has not come up after this many ms never will. */
const START_TIMEOUT = 60_000;

/** Milliseconds in which the platform says why a thread with limits has ended, also where it gets no core for a while. */
const WORD_GRACE = 2_000;

/** A worker thread, seen from the thread that started it. */
export class ThreadHost implements WorkerHost {
  readonly kind = "thread";
  readonly id: number;
  readonly name: string;
  readonly pid = undefined;
  readonly slots: CallSlots;
  readonly exited: Promise<HostExit>;
  readonly channel: Channel;
  /** Its place among the threads of the program: its `ident`. */
  readonly agent: number;

  readonly #thread: SpawnedThread;
  readonly #lifeLock: string;
  readonly #isLimited: boolean;
  readonly #link: ThreadLink;
  #state: "starting" | "running" | "stopping" | "ended" = "starting";
  #stuck = false;
  /** True: it is on its way out, and its lock is watched. */
  #isWatched = false;
  #exitCode: number | undefined;
  #settle!: (exit: HostExit) => void;
  #stopStartAlarm: (() => void) | undefined;
  /** Set while the platform is about to say why it is gone. */
  #stopAwaitingWord: (() => void) | undefined;

  constructor(options: ThreadHostOptions) {
    this.id = options.id;
    this.name = options.name;
    this.#lifeLock = `${LOCK_PREFIX}/${options.id}`;
    this.exited = new Promise((resolve) => this.#settle = resolve);
    ensureDomain();
    checkAlive();
    freeStuck();
    this.agent = createAgent(options.name, options.daemon ?? false);
    const link = createLink(options.transport ?? DEFAULT_TRANSPORT);
    this.#link = link;
    this.slots = linkSlots(link);
    const limits = hasHeapLimit(options.resourceLimits)
      ? options.resourceLimits
      : undefined;
    this.#isLimited = limits !== undefined;
    try {
      this.#thread = spawnThread(
        this.agent,
        options.name,
        limits,
        {
          failed: (message) => this.#onFailed(message),
          overflowed: () => this.#overflow(overflowError(limits!)),
          exited: (code) => this.#onExit(code),
        },
        () => this.terminate(),
      );
    } catch (error) {
      endAgent(this.agent, "killed");
      freeAgent(this.agent);
      releaseLink(link);
      throw error;
    }
    workerStarted();
    this.channel = hostChannel(link, this.#thread.port);
    const start: ThreadStart = {
      link,
      // What a task sees is what `getIdent()` returns.
      id: this.agent,
      name: options.name,
      concurrency: options.concurrency,
      lifeLock: this.#lifeLock,
      domain: domainMemory(),
      agent: this.agent,
      isSingle: options.isSingle ?? false,
      isLimited: limits !== undefined,
      process: thisProcess(),
      place: socketPlace(),
    };
    this.#thread.start(start);
    this.#stopStartAlarm = startAlarm(
      START_TIMEOUT,
      () =>
        this.#end({
          error: new TypeError("Cannot start a thread: it does not answer"),
        }),
    );
  }

  /** As it was when it was last asked: whoever asks has the lock looked at again. */
  get stuck(): boolean {
    if (this.#stuck) {
      heldLocks().then((held) => this.#stuck = held.has(this.#lifeLock));
    }
    return this.#stuck;
  }

  /** Starts to deliver; the owner has set the channel's handlers. */
  open(): void {
    this.channel.open();
  }

  started(): void {
    if (this.#state !== "starting") return;
    this.#state = "running";
    this.#clearStartAlarm();
  }

  raise(slot: number, reason: AbortReason): void {
    this.slots.abort(slot, reason);
    // It may be blocked: it looks at the flag when it is woken.
    ring(this.agent);
  }

  stop(code = 0): void {
    if (this.#state !== "starting" && this.#state !== "running") return;
    this.#state = "stopping";
    this.channel.send(plainMessage({ tag: Tag.stop, code }));
  }

  terminate(): void {
    if (this.#state === "ended") return;
    this.#state = "stopping";
    // What it holds is released, and where it is blocked it is woken: a thread
    // ends only when its event loop turns.
    endAgent(this.agent, "killed");
    this.#thread.terminate();
    this.#watchEnd();
  }

  guestExiting(code: number): void {
    this.#exitCode = code;
    // The last messages are read when it has ended.
    if (this.#state === "ended") return;
    this.#state = "stopping";
    this.#watchEnd();
  }

  probe(): void {
    if (this.#state !== "running") return;
    heldLocks().then((held) => {
      if (this.#state !== "running" || held.has(this.#lifeLock)) return;
      if (this.#isLimited) this.#awaitWord();
      else this.#end({});
    });
  }

  /** It is gone, and the platform is about to say why. */
  #awaitWord(): void {
    this.#stopAwaitingWord ??= after(WORD_GRACE, () => {
      if (this.#state === "running") this.#end({});
    });
  }

  /** Its heap was full, and what ran in it was ended; its event loop may go on. */
  #overflow(error: RangeError): void {
    if (this.#state === "ended") return;
    this.#state = "stopping";
    this.#thread.terminate();
    this.#watchEnd({ error });
  }

  #onFailed(message: string): void {
    // What fails on its way out changes nothing: whoever watches its lock says so.
    if (!this.#isWatched) this.#end({ error: new TypeError(message) });
  }

  /** Nothing has announced it. An end that was asked for shows in the lock: the event comes too early then. */
  #onExit(code: number): void {
    if (this.#state !== "starting" && this.#state !== "running") return;
    this.#exitCode = code;
    this.#end({});
  }

  /** The thread is on its way out: waits for its lock, but not for ever. */
  async #watchEnd(exit: HostExit = {}): Promise<void> {
    // One that is told to end twice, or ends while it is told, is watched once:
    // a second watch would still have a timer when the first has seen the end.
    if (this.#isWatched) return;
    this.#isWatched = true;
    // What comes after the end was asked for is not wanted; what came before
    // has been drained by then or is drained once more here.
    this.#stuck = !(await untilGone(this.#lifeLock));
    this.#end(exit);
  }

  #end(exit: HostExit): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#clearStartAlarm();
    this.#stopAwaitingWord?.();
    // Answers that were written before the end count.
    this.channel.finish();
    this.#thread.release();
    endAgent(this.agent, this.#exitCode === undefined ? "killed" : "ended");
    if (this.#stuck) stuck.set(this.#lifeLock, this.agent);
    else freeAgent(this.agent);
    releaseLink(this.#link);
    workerEnded();
    this.#settle({ exitCode: this.#exitCode, ...exit });
  }

  #clearStartAlarm(): void {
    this.#stopStartAlarm?.();
    this.#stopStartAlarm = undefined;
  }
}

/** Threads that were given up, by life lock: their places are taken until they have ended after all. */
const stuck = new Map<string, number>();

/** Frees the places of those that have. Asked whenever a place is needed, so that no timer has to. */
async function freeStuck(): Promise<void> {
  if (stuck.size === 0) return;
  const held = await heldLocks();
  for (const [lifeLock, agent] of stuck) {
    if (held.has(lifeLock)) continue;
    stuck.delete(lifeLock);
    freeAgent(agent);
  }
}
