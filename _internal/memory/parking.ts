// Copyright 2026 the @concurrent/parallel authors. MIT license.

// How a thread sleeps, and what wakes it.
//
// Each agent has one bell (`bell.ts`), on which it sleeps whatever it waits for.
// A blocked thread sleeps in `Atomics.wait`; a thread that waits asynchronously
// has one pump asleep in `Atomics.waitAsync`. So whatever a thread must be told
// reaches it also while it is blocked: a grant, the death of another thread,
// mail, a cancelled task, its own end.
//
//   stopped -> running -> parked -> running -> …   the pump, while there are waits
//
// Both may sleep at once: a thread blocks while its pump is parked. Whoever rings
// wakes both; a blocked wait that ends by itself rings for the pump, since it has
// set the bell's word back.
//
// A wait that blocks for ever ends with an error where that is certain: no other
// thread has the object (it was never sent), or all others are blocked for ever
// too. The first is looked at before the sleep, the second after its first slice;
// both, and whatever else may have been missed, after each slice again.

import { after, type WaitOptions } from "../base/deadline.ts";
import { CancelledError, DeadlockError } from "../base/errors.ts";
import { waitEnded, waitStarted } from "../base/registry.ts";
import { type Bell, canPark } from "./bell.ts";
import {
  bellOf,
  DEATH,
  hasFlags,
  hasGranted,
  isDeadlock,
  isGone,
  isSelfGone,
  MAIL,
  ring,
  setBlocked,
  takeFlags,
  takeGranted,
  threadTag,
} from "./domain.ts";
import {
  freeNode,
  grantNode,
  isGranted,
  nodeStackNext,
  nodeValue,
  type WaitKind,
} from "./wait_queue.ts";

/** Milliseconds of the first sleep of a wait; what cannot ring the bell is looked at in between. */
const SLICE = 500;
/** Each sleep is twice as long as the one before, up to this: a wake-up takes a quarter of a millisecond. */
const MAX_SLICE = 1_000;

/** What a thread parks for. */
export interface Parkable {
  readonly kind: WaitKind;
  readonly serial: number;
  /** The agent that waits. */
  readonly tag: number;
  /** This agent gives up a wait: false where it was granted meanwhile. */
  giveUp(node: number): boolean;
  /** Takes the guard and grants whatever can be granted. */
  settleGuarded(): void;
}

/** This agent's asynchronous waits, by node. */
const asyncWaits = new Map<number, AsyncWait>();
let pumpState: "stopped" | "running" | "parked" = "stopped";
/** What this agent is blocked on. */
let blockedOn: Parkable | undefined;
let interruption: () => unknown = () => undefined;
const mailHandlers: (() => void)[] = [];
const deathHandlers: (() => void)[] = [];
let mayBeShared: (serial: number) => boolean = () => true;

/** Says how a blocked wait learns that its task is to end: an error, or undefined. */
export function setInterruption(check: () => unknown): void {
  interruption = check;
}

/** Says how to tell whether another thread may have an object: by its number. */
export function setSharedCheck(check: (serial: number) => boolean): void {
  mayBeShared = check;
}

/** Adds one who reads mail of this agent. It is called from blocked waits too. Returns what takes it back. */
export function addMailHandler(handler: () => void): () => void {
  mailHandlers.push(handler);
  startPump();
  return () => {
    mailHandlers.splice(mailHandlers.indexOf(handler), 1);
    // The pump looks whether anybody is left.
    ring(threadTag());
  };
}

/** Adds one who is told that some agent has ended. */
export function addDeathHandler(handler: () => void): void {
  deathHandlers.push(handler);
  startPump();
}

/** Ends the asynchronous waits of an agent for which this thread acts: it is gone, or about to be. */
export function abandonWaits(tag: number): void {
  for (const wait of [...asyncWaits.values()]) {
    if (wait.target.tag === tag) wait.abandon();
  }
}

/** Looks at what this agent was told. */
function serveAgent(): void {
  handleFlags();
  resolveGranted();
}

/** One asynchronous wait of this agent. */
export class AsyncWait {
  readonly target: Parkable;
  readonly #node: number;
  readonly #resolve: (value: number) => void;
  readonly #signal: AbortSignal | undefined;
  readonly #reject: (reason: unknown) => void;
  readonly #cancelTimer: (() => void) | undefined;

  constructor(
    target: Parkable,
    node: number,
    options: WaitOptions,
    resolve: (value: number) => void,
    reject: (reason: unknown) => void,
  ) {
    this.target = target;
    this.#node = node;
    this.#resolve = resolve;
    this.#reject = reject;
    const { timeout, signal } = options;
    this.#signal = signal;
    waitStarted();
    asyncWaits.set(node, this);
    try {
      signal?.addEventListener("abort", this.#onAbort);
      if (timeout !== undefined) {
        this.#cancelTimer = after(timeout, () => {
          if (this.target.giveUp(this.#node)) this.#end(() => resolve(0));
        });
      }
      startPump();
    } catch (error) {
      // The stack is full: a wait that nobody looks after must not stay.
      if (target.giveUp(node)) this.#end(() => reject(error));
    }
  }

  /** It was granted. */
  finish(): void {
    const value = nodeValue(this.#node);
    freeNode(this.#node);
    this.#end(() => this.#resolve(value));
  }

  /** Its agent is gone: nothing is to be granted to it any more. */
  abandon(): void {
    if (this.target.giveUp(this.#node)) {
      this.#end(() => this.#reject(goneError()));
    }
  }

  #onAbort = (): void => {
    if (this.target.giveUp(this.#node)) {
      this.#end(() => this.#reject(this.#signal!.reason));
    }
  };

  #end(settle: () => void): void {
    asyncWaits.delete(this.#node);
    this.#cancelTimer?.();
    this.#signal?.removeEventListener("abort", this.#onAbort);
    waitEnded();
    settle();
  }
}

/** Throws where this thread was ended from outside, or is to act for somebody who is gone: nothing of that counts any more. */
export function checkAlive(tag: number = threadTag()): void {
  if (isGone(tag)) throw goneError();
}

function goneError(): CancelledError {
  return new CancelledError("Cannot wait: this thread was terminated");
}

/** Under the guard of the object: ends the wait of a node that has been taken out of its queue. */
export function grantTo(node: number, value: number): void {
  if (!grantNode(node, value)) asyncWaits.get(node)!.finish();
}

/**
 * Blocks the thread until the node is granted; returns what, or 0 when the
 * timeout has passed.
 *
 * @throws {DeadlockError} If nobody is left who could end the wait.
 * @throws What ends the thread or its task, where somebody wants that.
 */
export function park(
  target: Parkable,
  node: number,
  timeout: number | undefined,
  isForced: boolean,
): number {
  const end = timeout === undefined ? Infinity : performance.now() + timeout;
  const bell = bellOf(threadTag());
  const outer = blockedOn;
  blockedOn = target;
  try {
    for (let slice = SLICE; !isGranted(node);) {
      let error: Ending | undefined;
      try {
        error = sleep(target, bell, node, end, slice, isForced);
      } catch (reason) {
        // No matter what, nobody must be granted anything that nobody takes.
        error = { reason };
      }
      slice = Math.min(slice * 2, MAX_SLICE);
      if (error === undefined) {
        // Nobody has rung for a whole slice: looks for itself.
        if (bell.isParked && !isGranted(node)) target.settleGuarded();
        continue;
      }
      if (!target.giveUp(node)) break;
      if (error === TIMED_OUT) return 0;
      throw error.reason;
    }
  } finally {
    blockedOn = outer;
    bell.cancel();
    // The pump sleeps on the same bell, and was not rung where this wait was.
    if (pumpState === "parked") {
      bell.prepare();
      bell.ring();
    }
  }
  const value = nodeValue(node);
  freeNode(node);
  return value;
}

interface Ending {
  readonly reason: unknown;
}

const TIMED_OUT: Ending = { reason: undefined };

/** Sleeps once; returns why the wait must end, if it must. */
function sleep(
  target: Parkable,
  bell: Bell,
  node: number,
  end: number,
  slice: number,
  isForced: boolean,
): Ending | undefined {
  bell.prepare();
  if (isGranted(node)) return undefined;
  if (hasFlags()) {
    bell.cancel();
    handleFlags();
    return undefined;
  }
  if (isSelfGone()) return { reason: goneError() };
  const reason = isForced ? undefined : interruption();
  if (reason !== undefined) return { reason };
  const remaining = end - performance.now();
  if (remaining <= 0) return TIMED_OUT;
  if (end !== Infinity) {
    bell.parkSync(Math.min(remaining, slice));
    return undefined;
  }
  if (
    target.kind !== "Thread" && target.kind !== "mail" &&
    !mayBeShared(target.serial)
  ) {
    return {
      reason: new DeadlockError(
        `Cannot wait: no other thread has this ${target.kind}, and this one would be blocked`,
      ),
    };
  }
  setBlocked(true);
  try {
    // Not at the first sleep: most waits are over by then, and all threads have
    // to be looked at.
    if (slice > SLICE && isDeadlock()) {
      return {
        reason: new DeadlockError(
          "Cannot wait: every thread that could end the wait is blocked, or there is none",
        ),
      };
    }
    bell.parkSync(slice);
  } finally {
    setBlocked(false);
  }
  return undefined;
}

function startPump(): void {
  if (pumpState !== "stopped") return;
  pumpState = "running";
  runPump();
}

/** Ends asynchronous waits when they are granted; asleep on this agent's bell in between. */
async function runPump(): Promise<void> {
  const bell = bellOf(threadTag());
  while (
    (asyncWaits.size > 0 || mailHandlers.length > 0 ||
      deathHandlers.length > 0) && !isSelfGone()
  ) {
    try {
      serveAgent();
    } catch (error) {
      // The waits of this thread must not end with whatever it was.
      reportError(error);
    }
    bell.prepare();
    if (hasGranted() || hasFlags()) {
      bell.cancel();
      continue;
    }
    pumpState = "parked";
    if (canPark) await bell.park();
    else await new Promise((resolve) => setTimeout(resolve, 1));
    pumpState = "running";
  }
  bell.cancel();
  pumpState = "stopped";
}

function resolveGranted(): void {
  if (isSelfGone()) return;
  const granted: number[] = [];
  for (let node = takeGranted(); node !== 0; node = nodeStackNext(node)) {
    granted.push(node);
  }
  // The newest is the first on the stack.
  while (granted.length > 0) asyncWaits.get(granted.pop()!)!.finish();
}

function handleFlags(): void {
  const flags = takeFlags();
  if ((flags & DEATH) !== 0) {
    settleAll();
    for (const look of deathHandlers) look();
  }
  if ((flags & MAIL) !== 0) { for (const read of [...mailHandlers]) read(); }
}

/** Somebody is gone: looks at everything that this agent waits for. */
export function settleAll(): void {
  const targets = new Set<Parkable>();
  for (const { target } of asyncWaits.values()) targets.add(target);
  if (blockedOn !== undefined) targets.add(blockedOn);
  for (const target of targets) target.settleGuarded();
}
