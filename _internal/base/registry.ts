// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What keeps the program alive, and what must be gone when it is done.
//
// A Worker, a socket and a child process would keep the event loop alive by
// being there; `Atomics.waitAsync` does not keep it alive even while
// somebody waits for a result. Both are wrong here: pending work must keep
// the program alive, idle workers must not. So every worker and socket is
// unref'ed, and whoever has work under way holds the one timer of this file.

let holders = 0;
let waits = 0;
const idleListeners: (() => void)[] = [];
let timer: ReturnType<typeof setInterval> | undefined;
/** Holds the program in place of the timer, the first time. */
let firstHold: AbortSignal | undefined;
let wasHeld = false;
let isHolding = true;
let workers = 0;

/** As long as a delay may be; the timer never does anything. */
const FOR_EVER = 2 ** 31 - 1;

/** Says that this thread never keeps the program alive: whoever it works for does. */
export function neverHoldProgram(): void {
  isHolding = false;
}

/** Keeps the program alive until the matching {@linkcode releaseProgram}. */
export function holdProgram(): void {
  if (holders++ > 0 || !isHolding) return;
  if (timer !== undefined) Deno.refTimer(timer);
  else if (wasHeld) startTimer();
  else {
    // A signal with a listener keeps the program alive as well. The first timer
    // of a program takes 5 ms, which its first call does not have to pay.
    wasHeld = true;
    firstHold = AbortSignal.timeout(FOR_EVER);
    firstHold.addEventListener("abort", startTimer);
  }
}

function startTimer(): void {
  timer = setInterval(() => {}, FOR_EVER);
}

/** Undoes one {@linkcode holdProgram}. */
export function releaseProgram(): void {
  if (holders === 0) {
    throw new RangeError("Cannot release the program: nobody holds it");
  }
  holders--;
  if (idleListeners.length > 0 && !hasWork()) {
    for (const listener of idleListeners.splice(0)) listener();
  }
  if (holders > 0 || !isHolding) return;
  firstHold?.removeEventListener("abort", startTimer);
  firstHold = undefined;
  // While workers live the next task is near: unref is cheaper than a new
  // timer for every round trip.
  if (workers === 0) dropTimer();
  else if (timer !== undefined) Deno.unrefTimer(timer);
}

/**
 * Calls a function when nothing is under way any more that this thread started;
 * at once where nothing is. A worker ends after that, not before.
 */
export function whenIdle(listener: () => void): void {
  if (hasWork()) idleListeners.push(listener);
  else listener();
}

/** True while somebody holds the program for more than a wait. */
export function hasWork(): boolean {
  return holders > (waits > 0 && workers > 0 ? 1 : 0);
}

/**
 * Counts a wait for something that another thread may do: the program stays
 * alive for it while there is another thread. Where there is none, only this
 * thread's own event loop can end the wait; a program that has nothing left to
 * do then is reported by Deno, instead of hanging for ever.
 */
export function waitStarted(): void {
  if (waits++ === 0 && workers > 0) holdProgram();
}

/** Undoes one {@linkcode waitStarted}. */
export function waitEnded(): void {
  if (--waits === 0 && workers > 0) releaseProgram();
}

/** Counts a worker that has been started. */
export function workerStarted(): void {
  if (workers++ === 0 && waits > 0) holdProgram();
}

/** Counts a worker that is gone. */
export function workerEnded(): void {
  if (--workers > 0) return;
  if (waits > 0) releaseProgram();
  if (holders === 0) dropTimer();
}

/** How many workers of this library live in this program. */
export function liveWorkers(): number {
  return workers;
}

function dropTimer(): void {
  if (timer === undefined) return;
  clearInterval(timer);
  timer = undefined;
}

const exitTasks = new Set<() => Promise<void>>();

/** Adds what a process waits for before it ends in order: what was sent must leave. Returns what takes it back. */
export function beforeExit(task: () => Promise<void>): () => void {
  exitTasks.add(task);
  return () => exitTasks.delete(task);
}

const deliveries = new Set<() => Promise<void> | undefined>();

/**
 * Adds what the result of a call waits for: what the call has said to others must
 * be done when its result is known. Undefined where nothing is on its way. Returns
 * what takes it back.
 */
export function beforeAnswer(
  delivery: () => Promise<void> | undefined,
): () => void {
  deliveries.add(delivery);
  return () => deliveries.delete(delivery);
}

/** Resolves when all of that has arrived; undefined where nothing is on its way. Never rejects. */
export function delivered(): Promise<unknown> | undefined {
  let pending: Promise<void>[] | undefined;
  for (const delivery of deliveries) {
    const promise = delivery();
    if (promise !== undefined) (pending ??= []).push(promise);
  }
  return pending && Promise.allSettled(pending);
}

const farewells = new Set<(pid: number) => Promise<void>>();

/** Adds what is to be done between the end of a child process and the moment in which it is told. Returns what takes it back. */
export function beforeEndIsTold(
  task: (pid: number) => Promise<void>,
): () => void {
  farewells.add(task);
  return () => farewells.delete(task);
}

/** A child process has ended: resolves when that may be told. Never rejects. */
export async function farewell(pid: number): Promise<void> {
  if (farewells.size === 0) return;
  await Promise.allSettled([...farewells].map((task) => task(pid)));
}

/** Resolves when what was added is done. Never rejects. */
export async function exitTasksDone(): Promise<void> {
  await Promise.allSettled([...exitTasks].map((task) => task()));
}

/** Where the sockets lie of a process that has few permissions, see `wire/socket_place.ts`. */
export interface SocketPlace {
  readonly directory: string;
}

let place: SocketPlace | undefined;
let linker: ((socket: string, door: string) => Promise<void>) | undefined;

/** A child process and its threads: says where. Written once before the first call. */
export function setSocketPlace(known: SocketPlace | undefined): void {
  place = known;
}

/** Where; undefined where this process may make and reach sockets everywhere. */
export function socketPlace(): SocketPlace | undefined {
  return place;
}

/** A worker: says how its host is asked for a link to a socket. */
export function setLinker(
  fn: (socket: string, door: string) => Promise<void>,
): void {
  linker = fn;
}

let linking: Promise<unknown> | undefined;

/** A link is on its way that a call may need. */
export function noteLinking(link: Promise<void>): void {
  const all = Promise.all([linking, link]);
  linking = all;
  void all.then(() => {
    if (linking === all) linking = undefined;
  });
}

/** Resolves when all of them are there; undefined where none is on its way. */
export function linked(): Promise<unknown> | undefined {
  return linking;
}

/** Has an ancestor link a socket to a door of this process. */
export async function linkAbove(socket: string, door: string): Promise<void> {
  await linker!(socket, door);
}

/** What a thread does on its way out, at once: it has no "unload" event. A function that throws would keep it. */
export const threadEndTasks: Set<() => void> = new Set();

let lastId = 0;

/** The next worker number; unique in the program. */
export function nextWorkerId(): number {
  return ++lastId;
}
