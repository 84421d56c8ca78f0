// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The memory that all threads of a program share, and the threads in it.
//
// The main thread makes it, and it goes on to every thread that is started, by
// whichever thread: there is one domain in a program. It holds
//
//   words 0..15                  counters
//   AGENTS, 64 words for each    who is alive, how to wake it, what it waits for
//   NODES, 16 words for each     one for each wait under way (`wait_queue.ts`)
//
// An agent is a thread, named by a tag:
//
//   tag = generation << 10 | index of its record     30 bits, never 0
//
// The tag is what a lock's word says of its holder. A record is used again for
// another thread with the next generation, so a tag of the past is never taken
// for somebody alive: `isGone()` is two loads.
//
// state     meaning                            leaves by
// free      never used, or free again          createAgent() -> live
// live      starting or running                markEnd() -> ended | killed
// ended     it has ended in order              freeAgent() -> free
// killed    it crashed or was terminated; the  freeAgent() -> free
//           thread may be stuck and run on
//
// markEnd() is called by whoever knows first: the thread itself on its way out,
// or the main thread that terminated it or found it dead. One swap of the state
// decides who was first; that one (`endAgent()` in `waiting.ts`) wakes those who
// join it and tells every other agent to look at what it waits for: a lock
// whose holder is gone goes to the next in line. Nobody has to know which locks
// the dead one held.
//
// freeAgent() is called by whoever started the thread, when it is really gone. A
// terminated thread that is stuck runs on with its old tag: its record is not
// given to anybody else, and every wait of it throws.

import { Bell } from "./bell.ts";
import { WordMutex } from "./word_mutex.ts";

/** Words 0..15. */
const HIGH = 0;
const SERIAL = 1;
/** Slabs beyond those of the records that were ever taken. */
const EXTRA_TOP = 2;
/** Threads that were given a number for a name. */
const NUMBERED = 4;
/** Held while a record is given to a new thread. */
const CREATION = 3;
/** Deaths that were announced. */
const DEATHS = 5;
/** Held while slabs change hands, and the first of those that nobody has. */
const SLABS = 6;
const FREE_SLAB = 7;
/** Wake-ups so far, and threads that came. */
const WAKES = 8;
/** Ends that are under way: who waits for what the dead one had will be woken. */
const ENDING = 9;
/** Processes that were numbered. */
const PROCESSES = 10;
const COUNTERS = 16;

const INDEX_BITS = 10;
const MAX_AGENTS = 1 << INDEX_BITS;
const MAX_GENERATION = (1 << 20) - 1;

const AGENT_WORDS = 64;
const TAG = 0;
const STATE = 1;
const BELL = 2;
const FLAGS = 3;
/** The newest of its granted asynchronous waits, a stack. Any agent pushes, it takes all. */
const GRANTED = 4;
/** 1 while it is blocked, for ever if nobody wakes it. */
const BLOCKED = 5;
/** Those who join it: the three words of a `WaitQueue`. */
const JOINERS = 6;
const JOINERS_WORDS = 3;
/** Its newest slab of nodes; a slab's first word leads to the next older one, down to its own. */
const SLAB = 9;
/** Its nodes that are linked into a queue. */
const LINKED = 10;
const DAEMON = 11;
const NAME_LENGTH = 12;
/** 1 once it has crashed or was terminated; stays until the record is used again. */
const WAS_KILLED = 13;
/** Of a record that stands for somebody outside of the program: the agent that acts for it. */
const DELEGATE = 14;
const NAME = 15;
const NAME_BYTES = (AGENT_WORDS - NAME) * 4;

const NODES = COUNTERS + MAX_AGENTS * AGENT_WORDS;
/** Words of one node: a cache line. */
export const NODE_WORDS = 16;
/** Nodes of one slab; the first one is its header. */
export const SLAB_NODES = 64;
const SLAB_WORDS = SLAB_NODES * NODE_WORDS;
/** Each record has a slab of its own, so that a thread can always wait. The others come behind. */
const EXTRA_SLABS = NODES + MAX_AGENTS * SLAB_WORDS;
const MAX_EXTRA_SLABS = 1 << 12;
const TOTAL_BYTES = (EXTRA_SLABS + MAX_EXTRA_SLABS * SLAB_WORDS) * 4;

const FREE = 0;
const LIVE = 1;
const ENDED = 2;
const KILLED = 3;

/** Somebody has died: look at what you wait for. */
export const DEATH = 1;
/** There is mail. */
export const MAIL = 2;

/** How an agent ended. */
export type AgentEnd = "ended" | "killed";

/** What is known of an agent. */
export interface AgentInfo {
  /** True for what is no thread of the user's: it belongs to the library, or stands for somebody outside of the program. */
  readonly isHidden: boolean;
  readonly tag: number;
  readonly name: string;
  readonly daemon: boolean;
  readonly isBlocked: boolean;
}

/** The shared words. Written once, by `ensureDomain()` or `joinDomain()`. */
let words: Int32Array<SharedArrayBuffer>;
/** This thread's tag. Written once; 0 before. */
let ownTag = 0;
let ownBase = 0;
/** For whom objects are made right now, where that is not this thread. */
let actingTag = 0;
const bells: Bell[] = [];

/** Makes the domain, where this thread has none: this is the main thread then. */
export function ensureDomain(): void {
  if (ownTag === 0) {
    const memory = new SharedArrayBuffer(TOTAL_BYTES);
    words = new Int32Array(memory);
    ownTag = createAgent("MainThread", false);
    ownBase = baseOf(ownTag);
  }
}

/** Thread: takes its place in the domain of the program. Before anything else. */
export function joinDomain(memory: SharedArrayBuffer, tag: number): void {
  words = new Int32Array(memory);
  ownTag = tag;
  ownBase = baseOf(tag);
}

/** The memory, for a thread that is started. */
export function domainMemory(): SharedArrayBuffer {
  ensureDomain();
  return words.buffer;
}

/** The words of the domain. */
export function domainWords(): Int32Array<SharedArrayBuffer> {
  return words;
}

/** This thread's tag, or of whom it is acting for. */
export function selfTag(): number {
  ensureDomain();
  return actingTag === 0 ? ownTag : actingTag;
}

/** This thread's tag, whoever it is acting for. */
export function threadTag(): number {
  ensureDomain();
  return ownTag;
}

/**
 * Gives somebody outside of the program a place among the agents. This thread
 * acts for it: its waits are this thread's, and wake this thread.
 *
 * @throws {RangeError} If there are 1024 agents.
 */
export function createDelegator(name: string): number {
  const tag = createAgent(name, true);
  Atomics.store(words, baseOf(tag) + DELEGATE, threadTag());
  return tag;
}

/** Hides this thread from those who ask for the threads of the program: it belongs to the library. */
export function hideSelf(): void {
  Atomics.store(words, ownBase + DELEGATE, ownTag);
}

/** Calls a function that makes objects for another agent: they wait, hold and are held for that one ever after. */
export function actAs<T>(tag: number, make: () => T): T {
  const outer = actingTag;
  actingTag = tag;
  try {
    return make();
  } finally {
    actingTag = outer;
  }
}

/** Whose thread acts for an agent: itself, but for those outside of the program. */
export function actorOf(tag: number): number {
  const delegate = Atomics.load(words, baseOf(tag) + DELEGATE);
  return delegate === 0 ? tag : delegate;
}

/** The tag of the main thread. */
export function mainTag(): number {
  ensureDomain();
  return Atomics.load(words, COUNTERS + TAG);
}

/** True on the thread that made the domain. */
export function isMainAgent(): boolean {
  return selfTag() === mainTag();
}

/** A number for a new shared object, unique in the program. */
export function nextSerial(): number {
  ensureDomain();
  return Atomics.add(words, SERIAL, 1) + 1;
}

/** The next number for the name of a thread, unique in the program. */
export function nextThreadNumber(): number {
  ensureDomain();
  return Atomics.add(words, NUMBERED, 1) + 1;
}

/** The next number of a child process, unique among those of this one. */
export function nextProcessNumber(): number {
  ensureDomain();
  return Atomics.add(words, PROCESSES, 1) + 1;
}

/**
 * Gives a new thread its place.
 *
 * @throws {RangeError} If there are 1024 threads.
 */
export function createAgent(name: string, daemon: boolean): number {
  const creation = new WordMutex(words, CREATION);
  creation.lock();
  try {
    return takeRecord(name, daemon);
  } finally {
    creation.unlock();
  }
}

function takeRecord(name: string, daemon: boolean): number {
  for (let index = 0; index < MAX_AGENTS; index++) {
    const base = COUNTERS + index * AGENT_WORDS;
    const state = Atomics.load(words, base + STATE);
    if (state !== FREE) continue;
    // Nodes of a dead agent may still be linked; those who drop them count down.
    if (Atomics.load(words, base + LINKED) > 0) continue;
    const old = Atomics.load(words, base + TAG) >>> INDEX_BITS;
    const generation = old >= MAX_GENERATION ? 1 : old + 1;
    const tag = (generation << INDEX_BITS) | index;
    giveSlabs(base);
    // Not the line of those who join: one who came late for the last thread
    // here may be at it, and leaves it in order.
    words.fill(0, base + BELL, base + JOINERS);
    words.fill(0, base + JOINERS + JOINERS_WORDS, base + AGENT_WORDS);
    const slab = NODES + index * SLAB_WORDS;
    words.fill(0, slab, slab + SLAB_WORDS);
    words[base + SLAB] = slab;
    words[base + DAEMON] = daemon ? 1 : 0;
    writeName(base, name);
    if (index >= Atomics.load(words, HIGH)) {
      Atomics.store(words, HIGH, index + 1);
    }
    Atomics.store(words, base + TAG, tag);
    Atomics.store(words, base + STATE, LIVE);
    Atomics.add(words, WAKES, 1);
    return tag;
  }
  throw new RangeError(
    `Cannot start a thread: ${MAX_AGENTS} threads are running`,
  );
}

/**
 * Says that an agent has ended. What it held goes to those who wait for it.
 * Returns false where that was known already. The caller wakes the joiners, and
 * then calls `announceDeath()`.
 */
export function markEnd(tag: number, end: AgentEnd): boolean {
  return withRecord(tag, (base) => {
    if (Atomics.load(words, base + STATE) !== LIVE) return false;
    if (end === "killed") Atomics.store(words, base + WAS_KILLED, 1);
    Atomics.add(words, ENDING, 1);
    Atomics.store(words, base + STATE, end === "ended" ? ENDED : KILLED);
    return true;
  });
}

/** The thread is really gone, its place can be taken. */
export function freeAgent(tag: number): void {
  withRecord(tag, (base) => {
    // Where some of its nodes are linked still, whoever takes the place does it.
    if (Atomics.load(words, base + LINKED) === 0) giveSlabs(base);
    Atomics.store(words, base + STATE, FREE);
    return true;
  });
}

/** Changes a record that is not given to anybody else meanwhile; false where it was. */
function withRecord(tag: number, change: (base: number) => boolean): boolean {
  const base = baseOf(tag);
  const creation = new WordMutex(words, CREATION);
  creation.lock();
  try {
    return Atomics.load(words, base + TAG) === tag && change(base);
  } finally {
    creation.unlock();
  }
}

/** Tells every agent but this one to look at what it waits for. */
export function announceDeath(): void {
  Atomics.add(words, DEATHS, 1);
  const high = Atomics.load(words, HIGH);
  for (let index = 0; index < high; index++) {
    const base = COUNTERS + index * AGENT_WORDS;
    const tag = Atomics.load(words, base + TAG);
    if (Atomics.load(words, base + STATE) !== LIVE || tag === ownTag) continue;
    raise(tag, DEATH);
  }
  Atomics.sub(words, ENDING, 1);
}

/** How many deaths were announced: what was promised to agents before the last one may be void. */
export function countDeaths(): number {
  return Atomics.load(words, DEATHS);
}

/** True where the agent with this tag has ended. */
export function isGone(tag: number): boolean {
  const base = baseOf(tag);
  // In this order: a record gets its tag before it is live again.
  return Atomics.load(words, base + STATE) !== LIVE ||
    Atomics.load(words, base + TAG) !== tag;
}

/** True where the agent with this tag has crashed or was terminated, as far as that is still known. */
export function wasKilled(tag: number): boolean {
  const base = baseOf(tag);
  return Atomics.load(words, base + WAS_KILLED) === 1 &&
    Atomics.load(words, base + TAG) === tag;
}

/** The record of an agent: below 1024, and of one agent that lives. */
export function agentIndex(tag: number): number {
  return tag & (MAX_AGENTS - 1);
}

/** No record from this one on was ever used. */
export function agentCount(): number {
  return Atomics.load(words, HIGH);
}

/** True where this thread was ended from outside: it must not touch anything any more. */
export function isSelfGone(): boolean {
  return isGone(ownTag);
}

/** Raises flags of an agent and wakes it. */
export function raise(tag: number, flags: number): void {
  Atomics.or(words, baseOf(tag) + FLAGS, flags);
  ring(tag);
}

/** This agent: takes its flags. */
export function takeFlags(): number {
  return Atomics.load(words, ownBase + FLAGS) === 0
    ? 0
    : Atomics.exchange(words, ownBase + FLAGS, 0);
}

/** True where this agent has flags to look at. */
export function hasFlags(): boolean {
  return Atomics.load(words, ownBase + FLAGS) !== 0;
}

/** Wakes an agent. */
export function ring(tag: number): void {
  // First: see `isDeadlock()`.
  Atomics.add(words, WAKES, 1);
  bellOf(tag).ring();
}

/** The bell of an agent. */
export function bellOf(tag: number): Bell {
  const index = tag & (MAX_AGENTS - 1);
  return bells[index] ??= new Bell(words, baseOf(tag) + BELL);
}

/** This agent: says that it blocks, for ever if nobody wakes it, or not any more. */
export function setBlocked(isBlocked: boolean): void {
  Atomics.store(words, ownBase + BLOCKED, isBlocked ? 1 : 0);
}

/**
 * True where every agent is blocked and nobody was rung: nobody is left to wake
 * anybody. Called by one that has announced its own sleep. The agents are looked
 * at one after the other, so it counts only where nobody was rung, came or went
 * meanwhile: then all of them were asleep at the same time.
 */
export function isDeadlock(): boolean {
  const wakes = Atomics.load(words, WAKES);
  if (Atomics.load(words, ENDING) > 0) return false;
  const high = Atomics.load(words, HIGH);
  for (let index = 0; index < high; index++) {
    const base = COUNTERS + index * AGENT_WORDS;
    if (Atomics.load(words, base + STATE) !== LIVE) continue;
    if (Atomics.load(words, base + BLOCKED) === 0) return false;
    if (!bellOf(Atomics.load(words, base + TAG)).isParked) return false;
  }
  return Atomics.load(words, ENDING) === 0 &&
    Atomics.load(words, WAKES) === wakes;
}

/** Pushes a granted asynchronous wait to its agent; `link` is the word of the node that leads on. */
export function pushGranted(tag: number, node: number, link: number): void {
  const head = baseOf(tag) + GRANTED;
  for (;;) {
    const top = Atomics.load(words, head);
    Atomics.store(words, node + link, top);
    if (Atomics.compareExchange(words, head, top, node) === top) return;
  }
}

/** This agent: takes all its granted waits, the newest first; 0 where there are none. */
export function takeGranted(): number {
  return Atomics.load(words, ownBase + GRANTED) === 0
    ? 0
    : Atomics.exchange(words, ownBase + GRANTED, 0);
}

/** True where `takeGranted()` would return something. */
export function hasGranted(): boolean {
  return Atomics.load(words, ownBase + GRANTED) !== 0;
}

/** Where the words of the queue of those who join an agent begin. */
export function joinersOf(tag: number): number {
  return baseOf(tag) + JOINERS;
}

/**
 * Counts the nodes of an agent that others may touch: up when one is linked into
 * a queue, down as the last thing that is done with it after it was taken out.
 */
export function countLinked(tag: number, change: 1 | -1): void {
  Atomics.add(words, baseOf(tag) + LINKED, change);
}

/** This agent's first slab. */
export function firstSlab(): number {
  return Atomics.load(words, ownBase + SLAB);
}

/** One more slab for this agent. */
export function addSlab(): number {
  const slab = takeSlab();
  words[slab] = Atomics.load(words, ownBase + SLAB);
  Atomics.store(words, ownBase + SLAB, slab);
  return slab;
}

/** The slabs of an agent, for whoever looks at its waits. */
export function slabsOf(tag: number): number[] {
  return slabChain(baseOf(tag));
}

/** The agents that live, in the order of their records, those that are hidden too; the main thread is the first. */
export function liveAgents(): AgentInfo[] {
  ensureDomain();
  const agents: AgentInfo[] = [];
  const high = Atomics.load(words, HIGH);
  for (let index = 0; index < high; index++) {
    const base = COUNTERS + index * AGENT_WORDS;
    if (Atomics.load(words, base + STATE) !== LIVE) continue;
    agents.push(agentInfo(Atomics.load(words, base + TAG)));
  }
  return agents;
}

/** What is known of the agent whose record this was last. */
export function agentInfo(tag: number): AgentInfo {
  const base = baseOf(tag);
  return {
    tag,
    name: readName(base),
    daemon: words[base + DAEMON] === 1,
    isHidden: Atomics.load(words, base + DELEGATE) !== 0,
    isBlocked: Atomics.load(words, base + BLOCKED) === 1,
  };
}

function baseOf(tag: number): number {
  return COUNTERS + (tag & (MAX_AGENTS - 1)) * AGENT_WORDS;
}

/** A slab beyond the agent's own. */
function takeSlab(): number {
  const mutex = new WordMutex(words, SLABS);
  mutex.lock();
  try {
    const free = words[FREE_SLAB]!;
    if (free !== 0) {
      words[FREE_SLAB] = words[free]!;
      return free;
    }
    const taken = words[EXTRA_TOP]!;
    if (taken < MAX_EXTRA_SLABS) {
      words[EXTRA_TOP] = taken + 1;
      return EXTRA_SLABS + taken * SLAB_WORDS;
    }
  } finally {
    mutex.unlock();
  }
  throw new RangeError(
    `Cannot wait: the threads of this program had ${
      MAX_EXTRA_SLABS * SLAB_NODES
    } waits at a time, and there is no room for more`,
  );
}

/** Gives back what an agent that is gone had beyond its own slab. Nobody touches its nodes any more. */
function giveSlabs(base: number): void {
  const slabs = slabChain(base);
  if (slabs.length < 2) return;
  const mutex = new WordMutex(words, SLABS);
  mutex.lock();
  try {
    words[base + SLAB] = slabs.pop()!;
    for (const slab of slabs) {
      words.fill(0, slab, slab + SLAB_WORDS);
      words[slab] = words[FREE_SLAB]!;
      words[FREE_SLAB] = slab;
    }
  } finally {
    mutex.unlock();
  }
}

function slabChain(base: number): number[] {
  const slabs: number[] = [];
  for (let slab = words[base + SLAB]!; slab !== 0; slab = words[slab]!) {
    slabs.push(slab);
  }
  return slabs;
}

function writeName(base: number, name: string): void {
  const bytes = new Uint8Array(NAME_BYTES);
  const { written } = new TextEncoder().encodeInto(name, bytes);
  // `encodeInto()` takes no shared memory.
  new Uint8Array(words.buffer, (base + NAME) * 4, NAME_BYTES).set(bytes);
  words[base + NAME_LENGTH] = written;
}

function readName(base: number): string {
  const start = (base + NAME) * 4;
  const bytes = new Uint8Array(words.buffer, start, words[base + NAME_LENGTH]!);
  return new TextDecoder().decode(bytes.slice());
}
