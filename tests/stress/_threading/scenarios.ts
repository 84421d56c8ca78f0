// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertFalse } from "@std/assert";
import {
  Barrier,
  Condition,
  Event,
  LifoQueue,
  Lock,
  Once,
  PriorityQueue,
  Queue,
  RLock,
  RWLock,
  Semaphore,
  SharedArray,
  SharedValue,
  SimpleQueue,
} from "../../../threading/mod.ts";
import {
  Crew,
  pause,
  random,
  scaled,
  type Scenario,
  type ScenarioOptions,
  until,
  within,
} from "./scenario.ts";
import {
  consume,
  count,
  countAwaiting,
  countDeep,
  getForEver,
  giveUpAtRandom,
  type Holdable,
  holdForEver,
  meet,
  meetTheDying,
  pingPong,
  produce,
  putAndGetAtRandom,
  readAndWrite,
  readAndWriteAtRandom,
  survive,
  watchEvent,
} from "./workers.ts";

const THREADS = [2, 4, 8];

type Run = (options: ScenarioOptions) => Promise<void>;

const word = () => new SharedValue("int32");

// -- Counters --

/** More threads take turns more slowly: each turn is a switch between them. */
function roundsOf({ threads, scale }: ScenarioOptions): number {
  return scaled(400_000 / threads ** 2, scale);
}

function counter(create: () => Holdable | RWLock): Run {
  return async (options) => {
    const { threads, scale } = options;
    const rounds = roundsOf(options);
    const total = new SharedArray("int32", 1);
    const lock = create();
    await using crew = new Crew();
    await crew.startAll(threads, count, lock, total, rounds);
    // The main thread never blocks.
    const awaited = scaled(1_000, scale);
    await within("the lock", countAwaiting(lock, total, awaited));
    await crew.results();
    assertEquals(total.view[0], rounds * threads + awaited);
    assertFree(lock);
  };
}

async function deepCounter(options: ScenarioOptions): Promise<void> {
  const rounds = roundsOf(options);
  const total = new SharedArray("int32", 1);
  const lock = new RLock();
  await using crew = new Crew();
  await crew.startAll(options.threads, countDeep, lock, total, rounds);
  await crew.results();
  assertEquals(total.view[0], rounds * options.threads);
  assertFalse(lock.locked());
}

async function readersAndWriters(options: ScenarioOptions): Promise<void> {
  const pair = new SharedArray("int32", 2);
  const lock = new RWLock();
  await using crew = new Crew();
  const rounds = roundsOf(options);
  await crew.startAll(
    options.threads,
    readAndWrite,
    lock,
    pair,
    word(),
    rounds,
    options.seed,
  );
  await crew.results();
  assertEquals(pair.view[0]! + pair.view[1]!, 0);
  assert(pair.view[0]! > 0);
  assertFree(lock);
}

function assertFree(lock: Holdable | RWLock): void {
  if (lock instanceof Semaphore) assertEquals(lock.value, 1);
  else assertFalse(lock.locked());
}

// -- Queues --

/** A million items at scale 16. */
const ITEMS = 62_500;

function buffer(create: () => Queue<number>, isOrdered: boolean): Run {
  return async ({ threads, scale }) => {
    const producers = threads / 2;
    const perProducer = scaled(ITEMS / producers, scale);
    const total = perProducer * producers;
    const seen = new SharedArray("uint8", total);
    const queue = create();
    await using crew = new Crew();
    await crew.startAll(
      producers,
      consume,
      queue,
      seen,
      perProducer,
      isOrdered,
    );
    await using putters = new Crew();
    await putters.startAll(producers, produce, queue, perProducer);
    await putters.results();
    assert(await within("Queue.join()", queue.join()));
    queue.shutdown();
    const taken = await crew.results() as number[];
    assertEquals(taken.reduce((a, b) => a + b), total);
    assert(seen.view.every((marks) => marks === 1));
    assert(queue.empty);
  };
}

async function impatientQueue(options: ScenarioOptions): Promise<void> {
  const queue = new Queue<number>(3);
  await using crew = new Crew();
  const rounds = scaled(800 / options.threads, options.scale);
  await crew.startAll(
    options.threads,
    putAndGetAtRandom,
    queue,
    rounds,
    options.seed,
  );
  const balances = await crew.results() as number[];
  assertEquals(queue.size, balances.reduce((a, b) => a + b));
  for (let left = queue.size; left > 0; left--) {
    assert(queue.tryGet() !== undefined);
  }
  assertFalse(queue.full);
  // Whoever has given up has left nobody in line.
  const late = queue.get();
  await queue.put(7);
  assertEquals(await within("an item", late), 7);
}

async function deadGetters(options: ScenarioOptions): Promise<void> {
  const { threads, scale, seed } = options;
  const next = random(seed);
  const queue = new Queue<number>();
  const perProducer = scaled(500, scale);
  const seen = new SharedArray("uint8", perProducer);
  const waiting = word();
  await using victims = new Crew();
  for (let i = 0; i < threads / 2; i++) {
    victims.start(getForEver, queue, waiting, next(2) === 0);
  }
  await until("they wait", () => waiting.value === threads / 2);
  await using crew = new Crew();
  await crew.startAll(threads / 2, consume, queue, seen, perProducer, true);
  await pause(next(20));
  const ends = victims.threads.map((thread) => thread.terminate());
  for (let i = 0; i < perProducer; i++) queue.putSync(i);
  await within("the end of the victims", Promise.all(ends));
  assert(await within("Queue.join()", queue.join()));
  queue.shutdown();
  await crew.results();
  assert(seen.view.every((marks) => marks === 1));
}

// -- Turns --

function turns(create: () => Condition): Run {
  return async (options) => {
    const { threads, scale } = options;
    const rounds = scaled(40_000 / threads ** 2, scale);
    const turn = new SharedArray("int32", 1);
    await using crew = new Crew();
    await crew.startAll(threads, pingPong, create(), turn, threads, rounds);
    await crew.results();
    assertEquals(turn.view[0], threads * rounds);
  };
}

/** A hundred thousand times at scale 8, with two threads. */
async function barrierTurns(options: ScenarioOptions): Promise<void> {
  const { threads, scale } = options;
  const rounds = scaled(12_500 * 2 / threads, scale);
  const barrier = new Barrier(threads);
  const arrived = new SharedArray("int32", threads);
  await using crew = new Crew();
  await crew.startAll(threads, meet, barrier, arrived, rounds);
  const sums = await crew.results() as number[];
  // In each generation the numbers from 0 to threads - 1.
  assertEquals(
    sums.reduce((a, b) => a + b),
    rounds * threads * (threads - 1) / 2,
  );
  assertEquals([barrier.nWaiting, barrier.broken], [0, false]);
}

async function eventStorm(options: ScenarioOptions): Promise<void> {
  const { threads, scale, seed } = options;
  const event = new Event();
  const [ready, stop] = [word(), word()];
  await using crew = new Crew();
  await crew.startAll(threads, watchEvent, event, ready, stop, seed);
  await until("they watch", () => ready.value === threads);
  for (let i = scaled(300, scale); i > 0; i--) {
    // Whoever waits sees it, however short it is.
    event.set();
    event.clear();
    await pause(0);
  }
  stop.value = 1;
  event.set();
  const seen = await crew.results() as number[];
  assert(seen.reduce((a, b) => a + b) > 0);
}

async function onlyOnce(options: ScenarioOptions): Promise<void> {
  const runs = word();
  for (let i = scaled(6, options.scale); i > 0; i--) {
    const once = new Once();
    const run = () => [runs.add(1)];
    await using crew = new Crew();
    for (let j = 0; j < options.threads; j++) {
      const isAsync = j % 2 === 0;
      crew.start(() => isAsync ? once.run(run) : once.runSync(run));
    }
    const before = runs.value;
    const values = await crew.results() as number[][];
    assert(runs.value - before <= 1);
    assertEquals(new Set(values.flat()).size, 1);
  }
}

// -- Giving up --

/**
 * So many that nobody gives up each time, though another one may hold the lock
 * while it has no core: one of six waits for as long as it takes.
 */
function patientRounds({ threads, scale }: ScenarioOptions): number {
  return Math.max(100, scaled(1_200 / threads, scale));
}

function impatient(create: () => Holdable, permits: number): Run {
  return async (options) => {
    const { threads, seed } = options;
    const lock = create();
    const inside = word();
    const rounds = patientRounds(options);
    await using crew = new Crew();
    await crew.startAll(
      threads,
      giveUpAtRandom,
      lock,
      inside,
      permits,
      rounds,
      seed,
    );
    const acquired = await crew.results() as number[];
    assert(acquired.every((times) => times > 0), `${acquired}`);
    assertEquals(inside.value, 0);
    // Whoever has given up has left nobody in line, and taken nothing along.
    if (lock instanceof Semaphore) assertEquals(lock.value, permits);
    else assertFalse(lock.locked());
    for (let i = 0; i < permits; i++) assert(lock.tryAcquire());
    assertEquals(lock.tryAcquire(), lock instanceof RLock);
    const late = lock.acquire();
    lock.release();
    assert(await within("the lock", late));
  };
}

async function impatientReaders(options: ScenarioOptions): Promise<void> {
  const { threads, seed } = options;
  const lock = new RWLock();
  const pair = new SharedArray("int32", 2);
  const rounds = patientRounds(options);
  await using crew = new Crew();
  await crew.startAll(threads, readAndWriteAtRandom, lock, pair, rounds, seed);
  const acquired = await crew.results() as number[];
  assert(acquired.every((times) => times > 0), `${acquired}`);
  assertEquals(pair.view[0]! + pair.view[1]!, 0);
  assertFree(lock);
  assert(lock.tryAcquireWrite());
  lock.releaseWrite();
}

// -- Deaths --

function deadHolders(create: () => Holdable | RWLock): Run {
  return async (options) => {
    const { threads, scale, seed } = options;
    const next = random(seed);
    const lock = create();
    const [inside, entered, stop] = [word(), word(), word()];
    const never = new Event();
    await using survivors = new Crew();
    await survivors.startAll(threads, survive, lock, inside, entered, stop);
    const deaths = scaled(6, scale);
    let seconds = 0;
    for (let i = 0; i < deaths; i++) {
      await using crew = new Crew();
      const holding = word();
      crew.start(holdForEver, lock, holding, never, next(2) === 0);
      // One that only waits dies too: nobody is told of it.
      const hasSecond = next(2) === 0;
      if (hasSecond) {
        crew.start(holdForEver, lock, holding, never, next(2) === 0);
        seconds++;
      }
      await until("a victim holds it", () => holding.value > 0);
      await pause(next(10));
      const before = entered.value;
      await within(
        "the end of the victims",
        Promise.all(crew.threads.map((thread) => thread.terminate())),
      );
      await until("the others go on", () => entered.value > before + threads);
    }
    stop.value = 1;
    const told = await survivors.results() as number[];
    const sum = told.reduce((a, b) => a + b);
    // Where the second one got the lock just before it died, there were two
    // holders who died.
    assert(
      sum >= deaths && sum <= deaths + seconds,
      `${sum} were told of ${deaths} deaths, ${seconds} of them double`,
    );
    assertFree(lock);
  };
}

async function deadParties(options: ScenarioOptions): Promise<void> {
  const { threads, scale, seed } = options;
  const next = random(seed);
  for (let i = scaled(3, scale); i > 0; i--) {
    // One more than there are: it never fills up.
    const barrier = new Barrier(threads + 1);
    await using crew = new Crew();
    await crew.startAll(threads, meetTheDying, barrier);
    await until("all wait", () => barrier.nWaiting === threads);
    const [victim] = crew.threads.splice(next(threads), 1);
    victim!.result().catch(() => {});
    await within("the end of the victim", victim!.terminate());
    assertEquals(await crew.results(), Array(threads - 1).fill(true));
    assert(barrier.broken);
    barrier.reset();
    assertFalse(barrier.broken);
  }
}

/** All of them. */
export const SCENARIOS: readonly Scenario[] = [
  ...([
    ["Lock", () => new Lock()],
    ["RLock", () => new RLock()],
    ["Semaphore", () => new Semaphore()],
    ["RWLock, writing", () => new RWLock()],
    ["Condition", () => new Condition()],
  ] as [string, () => Holdable | RWLock][]).map(([name, create]) => ({
    name: `count under a ${name}`,
    threads: THREADS,
    run: counter(create),
  })),
  {
    name: "count under a RLock, three deep",
    threads: THREADS,
    run: deepCounter,
  },
  {
    name: "RWLock: readers and writers",
    threads: THREADS,
    run: readersAndWriters,
  },
  ...([
    ["Queue(64)", () => new Queue(64), true],
    ["Queue", () => new Queue(), true],
    ["Queue(1)", () => new Queue(1), true],
    ["SimpleQueue", () => new SimpleQueue(), true],
    ["LifoQueue(64)", () => new LifoQueue(64), false],
    ["PriorityQueue(64)", () => new PriorityQueue(64), false],
  ] as [string, () => Queue<number>, boolean][]).map((
    [name, create, isOrdered],
  ) => ({
    name: `${name}: producers and consumers`,
    threads: THREADS,
    run: buffer(create, isOrdered),
  })),
  {
    name: "Queue: timeouts and aborts",
    threads: THREADS,
    run: impatientQueue,
  },
  { name: "Queue: getters that die", threads: THREADS, run: deadGetters },
  {
    name: "Condition: turns",
    threads: THREADS,
    run: turns(() => new Condition()),
  },
  {
    name: "Condition of a Lock: turns",
    threads: THREADS,
    run: turns(() => new Condition(new Lock())),
  },
  { name: "Barrier: turns", threads: THREADS, run: barrierTurns },
  { name: "Event: set and cleared", threads: THREADS, run: eventStorm },
  { name: "Once: all at once", threads: THREADS, run: onlyOnce },
  ...([
    ["Lock", () => new Lock(), 1],
    ["RLock", () => new RLock(), 1],
    ["Semaphore(2)", () => new Semaphore(2), 2],
  ] as [string, () => Holdable, number][]).map(([name, create, permits]) => ({
    name: `${name}: timeouts and aborts`,
    threads: THREADS,
    run: impatient(create, permits),
  })),
  {
    name: "RWLock: timeouts and aborts",
    threads: THREADS,
    run: impatientReaders,
  },
  ...([
    ["Lock", () => new Lock()],
    ["RLock", () => new RLock()],
    ["RWLock", () => new RWLock()],
    ["Condition", () => new Condition()],
  ] as [string, () => Holdable | RWLock][]).map(([name, create]) => ({
    name: `${name}: holders that die`,
    threads: THREADS,
    run: deadHolders(create),
  })),
  { name: "Barrier: parties that die", threads: THREADS, run: deadParties },
];
