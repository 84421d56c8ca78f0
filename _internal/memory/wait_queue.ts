// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Who waits for an object, in the order of arrival: a doubly linked list of
// nodes, under a word mutex. The object has the mutex and both ends, in its own
// memory; the nodes lie in the domain, which every thread sees.
//
//   object:  guard | head ---> node ---> node ---> node <--- tail | guard
//                              each node: the agent that waits, and for what
//
// A node belongs to the agent that waits. It takes it from its own slabs and
// gives it back; nobody else allocates. While the node is linked, only who
// holds the guard touches it:
//
//   waiter   (guard) fills it, WAITING, links it in           push()
//   granter  (guard) takes it out, VALUE, then GRANTED        shift(), grantNode()
//            asynchronous wait: pushes it to its agent's stack
//            rings the agent, counts LINKED down: the last touch
//   waiter   sees GRANTED, reads VALUE, frees it
//   or
//   waiter   gives up: (guard) still WAITING: takes it out, frees it   remove()
//            GRANTED already: the grant counts
//
// Giving up and granting exclude each other by the guard, so a permit is never
// lost with a waiter that leaves, and a waiter that leaves is never granted
// anything. A node whose agent is gone is dropped by whoever comes across it, and
// marked as that: a thread that was terminated may run on for a while, and must
// not take its node out a second time.

import {
  actorOf,
  addSlab,
  countLinked,
  domainWords,
  firstSlab,
  isGone,
  NODE_WORDS,
  pushGranted,
  ring,
  selfTag,
  SLAB_NODES,
  slabsOf,
  threadTag,
} from "./domain.ts";
import { WordMutex } from "./word_mutex.ts";

const STATE = 0;
const NEXT = 1;
const PREVIOUS = 2;
const TAG = 3;
/** What it waits for; what that means is up to the object. */
const OP = 4;
const VALUE = 5;
/** The next older one on its agent's stack of granted waits. */
const STACK_NEXT = 6;
/** The object, for `dump()`. */
const SERIAL = 7;
const KIND = 8;
/** Of the first node in a queue: who holds the object. For `dump()`. */
const HOLDER = 9;
const IS_ASYNC = 10;

const FREE = 0;
const WAITING = 1;
const GRANTED = 2;
/** Taken out by another agent: its own is gone. */
const DROPPED = 3;

/** Words that a queue takes in the memory of its object. */
export const QUEUE_WORDS = 3;
const HEAD = 1;
const TAIL = 2;

/** What an object is, for `dump()`. */
export const WAIT_KINDS = [
  "Thread",
  "Lock",
  "RLock",
  "Condition",
  "Semaphore",
  "Event",
  "Barrier",
  "RWLock",
  "Once",
  "Queue",
  "mail",
] as const;

/** One of {@linkcode WAIT_KINDS}. */
export type WaitKind = (typeof WAIT_KINDS)[number];

/** Nodes that are looked through for the first one of a queue: others change it meanwhile. */
const MAX_STEPS = 100_000;

/** This agent's free nodes. */
let freeNodes: number[] | undefined;

/** What a node says of its wait. */
export interface NodeInfo {
  readonly tag: number;
  readonly kind: number;
  readonly serial: number;
  /** Who holds the object; 0 where nobody does, or that is not known. */
  readonly holder: number;
  readonly isAsync: boolean;
}

/** Those who wait for one object. All methods but `isEmpty` under the guard. */
export class WaitQueue {
  readonly guard: WordMutex;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #base: number;

  /** Several queues of one object may share a guard; the first word of theirs is unused then. */
  constructor(
    words: Int32Array<SharedArrayBuffer>,
    base: number,
    guard: WordMutex = new WordMutex(words, base),
  ) {
    this.guard = guard;
    this.#words = words;
    this.#base = base;
  }

  /** True where nobody waits. Exact under the guard, else of a moment ago. */
  get isEmpty(): boolean {
    return Atomics.load(this.#words, this.#base + HEAD) === 0;
  }

  /** The first one; 0 where nobody waits. */
  get head(): number {
    return this.#words[this.#base + HEAD]!;
  }

  /** Links a node of this agent in as the last one. */
  push(node: number): void {
    const domain = domainWords();
    const words = this.#words;
    const tail = words[this.#base + TAIL]!;
    domain[node + NEXT] = 0;
    domain[node + PREVIOUS] = tail;
    words[this.#base + TAIL] = node;
    if (tail === 0) Atomics.store(words, this.#base + HEAD, node);
    else domain[tail + NEXT] = node;
    countLinked(domain[node + TAG]!, 1);
  }

  /** Links a node of this agent in as the first one: it has waited before. */
  pushFirst(node: number): void {
    const domain = domainWords();
    const words = this.#words;
    const head = words[this.#base + HEAD]!;
    domain[node + NEXT] = head;
    domain[node + PREVIOUS] = 0;
    Atomics.store(words, this.#base + HEAD, node);
    if (head === 0) words[this.#base + TAIL] = node;
    else domain[head + PREVIOUS] = node;
    countLinked(domain[node + TAG]!, 1);
  }

  /** Takes a linked node out. It still counts as linked until it is granted or dropped. */
  unlink(node: number): void {
    const domain = domainWords();
    const words = this.#words;
    const next = domain[node + NEXT]!;
    const previous = domain[node + PREVIOUS]!;
    if (previous === 0) Atomics.store(words, this.#base + HEAD, next);
    else domain[previous + NEXT] = next;
    if (next === 0) words[this.#base + TAIL] = previous;
    else domain[next + PREVIOUS] = previous;
  }

  /** How many wait. */
  count(): number {
    const domain = domainWords();
    let count = 0;
    for (let node = this.head; node !== 0; node = domain[node + NEXT]!) count++;
    return count;
  }

  /** Says who holds the object, for those who ask what the first one waits for. */
  tellHolder(holder: number): void {
    const { head } = this;
    if (head !== 0) domainWords()[head + HOLDER] = holder;
  }
}

/** Fills a free node of this thread, for an agent that it acts for. */
export function takeNode(
  op: number,
  kind: number,
  serial: number,
  isAsync: boolean,
  tag: number = selfTag(),
): number {
  const domain = domainWords();
  if (freeNodes === undefined) {
    freeNodes = [];
    fileSlab(firstSlab(), freeNodes);
  }
  if (freeNodes.length === 0) fileSlab(addSlab(), freeNodes);
  const node = freeNodes.pop()!;
  domain[node + TAG] = tag;
  domain[node + OP] = op;
  domain[node + VALUE] = 0;
  domain[node + SERIAL] = serial;
  domain[node + KIND] = kind;
  domain[node + HOLDER] = 0;
  domain[node + IS_ASYNC] = isAsync ? 1 : 0;
  Atomics.store(domain, node + STATE, WAITING);
  return node;
}

/** Gives a node back that nobody else can reach any more. */
export function freeNode(node: number): void {
  Atomics.store(domainWords(), node + STATE, FREE);
  freeNodes!.push(node);
}

/** The agent that waits. */
export function nodeTag(node: number): number {
  return domainWords()[node + TAG]!;
}

/** What it waits for. */
export function nodeOp(node: number): number {
  return domainWords()[node + OP]!;
}

/** The next one in its queue; under the guard. 0: it is the last. */
export function nodeNext(node: number): number {
  return domainWords()[node + NEXT]!;
}

/** True once the wait is over. */
export function isGranted(node: number): boolean {
  return Atomics.load(domainWords(), node + STATE) === GRANTED;
}

/** What it was granted. */
export function nodeValue(node: number): number {
  return domainWords()[node + VALUE]!;
}

/** The next older node on the stack that `takeGranted()` returned. */
export function nodeStackNext(node: number): number {
  return Atomics.load(domainWords(), node + STACK_NEXT);
}

/**
 * Ends the wait of a node that has been taken out of its queue, and wakes its
 * agent. Returns false for an asynchronous wait of this very agent: the caller
 * ends it, nobody has to be woken.
 */
export function grantNode(node: number, value: number): boolean {
  const domain = domainWords();
  const tag = domain[node + TAG]!;
  const isAsync = domain[node + IS_ASYNC] === 1;
  const actor = actorOf(tag);
  const isOwn = isAsync && actor === threadTag();
  domain[node + VALUE] = value;
  // For a wait that blocks this is the moment from which the node may be used
  // again; for an asynchronous one it is the push.
  Atomics.store(domain, node + STATE, GRANTED);
  if (isAsync && !isOwn) pushGranted(actor, node, STACK_NEXT);
  if (!isOwn) ring(actor);
  countLinked(tag, -1);
  return !isOwn;
}

/** Forgets a node that has been taken out of its queue: its agent gives up, or is gone. */
export function dropNode(node: number): void {
  const domain = domainWords();
  Atomics.store(domain, node + STATE, DROPPED);
  countLinked(domain[node + TAG]!, -1);
}

/** True for a node that is in no queue any more, without having been granted. */
export function isDropped(node: number): boolean {
  return Atomics.load(domainWords(), node + STATE) === DROPPED;
}

/** What an agent waits for right now. Best effort: nothing is held meanwhile. */
export function waitsOf(tag: number): NodeInfo[] {
  const domain = domainWords();
  const waits: NodeInfo[] = [];
  /** Who holds each object. */
  const holders = new Map<number, number>();
  for (const slab of slabsOf(tag)) {
    for (let i = 1; i < SLAB_NODES; i++) {
      const node = slab + i * NODE_WORDS;
      if (Atomics.load(domain, node + STATE) !== WAITING) continue;
      const serial = domain[node + SERIAL]!;
      let holder = holders.get(serial);
      if (holder === undefined) {
        // Only the first one in a queue knows who holds the object.
        let first = node;
        for (let steps = 0; steps < MAX_STEPS; steps++) {
          const previous = Atomics.load(domain, first + PREVIOUS);
          if (previous === 0) break;
          first = previous;
        }
        holder = Atomics.load(domain, first + HOLDER);
        if (holder !== 0 && isGone(holder)) holder = 0;
        holders.set(serial, holder);
      }
      waits.push({
        tag,
        kind: domain[node + KIND]!,
        serial,
        holder,
        isAsync: domain[node + IS_ASYNC] === 1,
      });
    }
  }
  return waits;
}

function fileSlab(slab: number, nodes: number[]): void {
  // The first one is the header; the lowest is taken first.
  for (let i = SLAB_NODES - 1; i > 0; i--) nodes.push(slab + i * NODE_WORDS);
}
