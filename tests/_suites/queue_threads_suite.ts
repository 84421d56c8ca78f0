// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What every queue between threads does where there is more than one, after
// CPython's test_queue.py. What runs in a thread counts, and the test compares.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Queue, QueueShutDownError } from "../../threading/mod.ts";
import type { Party } from "./_crew.ts";
import { soon, until } from "./_helpers.ts";
import type { Parties, Target } from "./_parties.ts";
import { isPending, ordered, type QueueKind } from "./queue_suite.ts";

/** What every queue does with several threads. */
export function queueThreadsSuite(kind: QueueKind): void {
  handOverTests(kind);
  for (const count of kind.parties.counts) manyThreadsTests(kind, count);
  shutdownTests(kind);
  deathTests(kind);
  if (!kind.parties.fetchesAhead) promiseTests(kind);
}

const numbers = (n: number) => Array.from({ length: n }, (_, i) => i);
const sorted = (items: number[]) => items.toSorted((a, b) => a - b);
const sum = (items: Iterable<number>) => [...items].reduce((a, b) => a + b, 0);

/** Starts one thread for each list of arguments. */
function startAll<A extends unknown[], R>(
  parties: Parties,
  target: (...args: A) => R,
  argLists: A[],
): Party<R>[] {
  return argLists.map((args) => parties.start<R>(target as Target<R>, args));
}

/** What the threads return. */
async function endAll<R>(threads: Party<R>[]): Promise<Awaited<R>[]> {
  const results = await soon(
    "the threads end",
    Promise.all(threads.map((thread) => thread.result())),
  );
  for (const thread of threads) await thread.join();
  return results as Awaited<R>[];
}

/** Gets until the queue is shut down; the items in the order in which they came. */
function getAllSync(queue: Queue<number>, shutDown: string): number[] {
  const got: number[] = [];
  for (;;) {
    try {
      got.push(queue.getSync());
      queue.taskDone();
    } catch (error) {
      if ((error as Error).name === shutDown) return got;
      throw error;
    }
  }
}

/** As `getAllSync()`, suspended. */
async function getAll(queue: Queue<number>): Promise<number[]> {
  const got: number[] = [];
  for await (const item of queue) {
    got.push(item);
    queue.taskDone();
  }
  return got;
}

function handOverTests(kind: QueueKind): void {
  const { name, make, isBounded, parties } = kind;

  parties.test(`${name}.getSync() in a thread is woken by a put()`, async () => {
    const queue = make<number>();
    const ready = make<number>();
    const threads = startAll(parties, (first: number) => {
      ready.putSync(first);
      return queue.getSync() + queue.getSync({ timeout: 30_000 });
    }, [[1], [2]]);
    await ready.get();
    await ready.get();
    for (const item of [10, 20, 30, 40]) await queue.put(item);
    assertEquals(sum(await endAll(threads)), 100);
    assert(queue.empty);
  });

  parties.test(`${name}.getSync() on the main thread is woken by a thread`, async () => {
    const queue = make<number>();
    const thread = parties.start(async () => {
      const pause = () => new Promise((resolve) => setTimeout(resolve, 5));
      for (let i = 1; i <= 4; i++) {
        await pause();
        // One at a time, however busy the other is: some come out the other way round.
        while (!queue.empty) await pause();
        queue.putSync(i);
      }
    }, []);
    // A process comes up only while this thread does not block.
    assertEquals(await queue.get(), 1);
    assertEquals([2, 3, 4].map(() => queue.getSync()), [2, 3, 4]);
    await thread.join();
  });

  parties.test(`${name} is the same queue wherever it is sent`, async () => {
    const queue = make<unknown>();
    const inner = make<unknown>();
    const thread = parties.start(async (there: Queue<unknown>) => {
      const [, got] = await there.get() as [number, Queue<unknown>];
      await got.put([1, there]);
      await got.put([2, got]);
      return there === queue;
    }, [queue]);
    queue.putSync([0, inner]);
    assertEquals(await soon("the thread", thread.result()), true);
    await thread.join();
    const got = [inner.getSync(), inner.getSync()] as [number, unknown][];
    got.sort(([a], [b]) => a - b);
    assert(got[0]![1] === queue);
    assert(got[1]![1] === inner);
  });

  parties.test(`${name} gives its items in its order to another thread`, async () => {
    const queue = make<number>();
    const items = [5, 1, 4, 2, 3];
    for (const item of items) queue.putSync(item);
    const thread = parties.start(
      () => [1, 2, 3, 4, 5].map(() => queue.getSync()),
      [],
    );
    assertEquals(
      await soon("the thread", thread.result()),
      ordered(kind, items),
    );
    await thread.join();
  });

  if (!isBounded) return;

  parties.test(`${name}.putSync() in a thread waits for a place`, async () => {
    const queue = make<number>(1);
    queue.putSync(0);
    const [thread] = startAll(parties, () => {
      queue.putSync(1);
      queue.putSync(2, { timeout: 30_000 });
    }, [[]]);
    const got: number[] = [];
    for (let i = 0; i < 3; i++) {
      got.push(await soon("an item", queue.get()));
      assert(queue.size <= 1);
    }
    assertEquals(got, [0, 1, 2]);
    await endAll([thread!]);
  });

  parties.test(`${name} holds producers in other threads back`, async () => {
    const queue = make<number>(2);
    const threads = startAll(parties, (from: number) => {
      for (let i = 0; i < 300; i++) queue.putSync(from + i);
    }, [[0], [300]]);
    let most = 0;
    const got: number[] = [];
    for (let i = 0; i < 600; i++) {
      most = Math.max(most, queue.size);
      got.push(i % 2 === 1 ? queue.getSync() : await queue.get());
    }
    await endAll(threads);
    assertEquals(sorted(got), numbers(600));
    assert(most <= 2);
  });

  parties.test(`${name}.maxSize can be raised by another thread`, async () => {
    const queue = make<number>(1);
    queue.putSync(1);
    const put = queue.put(2);
    assert(await isPending(put));
    const threads = startAll(parties, () => {
      queue.maxSize = 2;
    }, [[]]);
    await soon("the place", put);
    await endAll(threads);
    assertEquals(queue.maxSize, 2);
    assertEquals(queue.size, 2);
  });
}

function manyThreadsTests(kind: QueueKind, count: number): void {
  const { name, make, isBounded, parties } = kind;
  const sizes = isBounded ? [0, 1, 10] : [0];
  const each = 4_000 / count / parties.slowness;

  for (const maxSize of sizes) {
    const what = `${name}(${maxSize || ""}) with ${count} ${parties.many}`;

    parties.test(`${what} gives every item once`, async () => {
      const queue = make<number>(maxSize);
      const half = count / 2;
      const producers = startAll(parties, (from: number, each: number) => {
        for (let i = 0; i < each; i++) queue.putSync(from + i);
      }, numbers(half).map((i) => [i * each, each]));
      const getters = numbers(half).map((): [Queue<number>, string] => [
        queue,
        QueueShutDownError.name,
      ]);
      const consumers = startAll(parties, getAllSync, getters);
      // The main thread takes part, suspended.
      const own = getAll(queue);
      await endAll(producers);
      assert(await soon("all done", queue.join()));
      queue.shutdown();
      const got = [...await endAll(consumers), await own];
      assertEquals(sorted(got.flat()), numbers(each * half));
      if (kind.order !== "fifo") return;
      // What one thread put comes to another one in its order.
      for (const items of got) {
        for (let i = 0; i < half; i++) {
          const from = items.filter((item) => Math.floor(item / each) === i);
          assertEquals(from, sorted(from));
        }
      }
    });
  }

  parties.test(`${name} with ${count} ${parties.many} serves blocked and suspended users`, async () => {
    const queue = make<number>(isBounded ? 3 : 0);
    const threads = startAll(parties, async (index: number, each: number) => {
      // Every other thread blocks; all of them put and get in turn.
      let total = 0;
      for (let i = 0; i < each; i++) {
        if (index % 2 === 0) {
          queue.putSync(i);
          total += queue.getSync();
        } else {
          await queue.put(i);
          total += await queue.get();
        }
      }
      return total;
    }, numbers(count).map((i) => [i, each / 4]));
    const totals = await endAll(threads) as number[];
    assertEquals(sum(totals), count * sum(numbers(each / 4)));
    assert(queue.empty);
  });

  parties.test(`${name} with ${count} ${parties.many} that poll loses nothing`, async () => {
    const queue = make<number>(isBounded ? 5 : 0);
    const threads = startAll(parties, async (from: number, each: number) => {
      const got: number[] = [];
      for (let i = 0; i < each;) {
        if (queue.tryPut(from + i)) i++;
        const item = queue.tryGet();
        if (item !== undefined) got.push(item);
        // Waits that end early are part of it.
        try {
          if (i % 50 === 0) got.push(await queue.get({ timeout: 1 }));
          if (i % 70 === 0) got.push(queue.getSync({ timeout: 1 }));
        } catch (error) {
          if ((error as Error).name !== "QueueEmptyError") throw error;
        }
      }
      return got;
    }, numbers(count).map((i) => [i * (each / 4), each / 4]));
    const got = (await endAll(threads) as number[][]).flat();
    while (!queue.empty) got.push(queue.tryGet()!);
    assertEquals(sorted(got), numbers(count * (each / 4)));
  });
}

function shutdownTests(kind: QueueKind): void {
  const { name, make, isBounded, parties } = kind;

  for (const immediate of [false, true]) {
    const how = `${name}.shutdown({ immediate: ${immediate} })`;

    parties.test(`${how} with 4 writers, 6 readers and 2 joiners accounts for every item`, async () => {
      const queue = make<number>(isBounded ? 50 : 0);
      const shutDown = QueueShutDownError.name;
      const writers = startAll(parties, (from: number, shutDown: string) => {
        let count = 0;
        try {
          for (; count < 100_000; count++) queue.putSync(from + count);
        } catch (error) {
          if ((error as Error).name !== shutDown) throw error;
        }
        return count;
      }, numbers(4).map((i): [number, string] => [i * 100_000, shutDown]));
      const readers = [
        ...startAll(
          parties,
          getAllSync,
          numbers(3).map(() => [queue, shutDown]),
        ),
        ...startAll(parties, getAll, numbers(3).map(() => [queue])),
      ];
      const started = [parties.number(), parties.number()];
      const joiners = [
        ...startAll(parties, () => {
          started[0]!.value = 1;
          return queue.joinSync();
        }, [[]]),
        ...startAll(parties, () => {
          started[1]!.value = 1;
          return queue.join();
        }, [[]]),
      ];
      await until(
        "all run",
        () => sum(started.map(({ value }) => value)) === 2,
      );
      const dropped = queue.shutdown({ immediate });
      if (!immediate) assertEquals(dropped, []);
      const put = sum(await endAll(writers));
      const got = (await endAll<unknown>(readers) as number[][]).flat();
      assertEquals(got.length + dropped.length, put);
      assertEquals(new Set([...got, ...dropped]).size, put);
      assertEquals(await endAll<unknown>(joiners), [true, true]);
      assert(queue.empty);
      await assertRejects(() => queue.get(), QueueShutDownError);
    });

    parties.test(`${how} wakes those who are blocked in threads`, async () => {
      const queue = make<number>(isBounded ? 1 : 0);
      const other = make<number>();
      const busy = make<number>();
      busy.putSync(1);
      const shutDown = QueueShutDownError.name;
      const threads = [
        ...startAll(parties, getAllSync, [[other, shutDown]]),
        ...startAll(parties, getAll, [[other]]),
        ...startAll(parties, (shutDown: string) => {
          try {
            for (let i = 0; i < 1_000; i++) queue.putSync(i);
            return [1_000];
          } catch (error) {
            if ((error as Error).name !== shutDown) throw error;
            return [];
          }
        }, [[shutDown]]),
        ...startAll(parties, () => busy.joinSync() ? [] : [1], [[]]),
      ];
      await until("the putter is at work", () => !queue.empty);
      other.shutdown({ immediate });
      queue.shutdown({ immediate });
      if (immediate) assertEquals(busy.shutdown({ immediate }), [1]);
      else busy.taskDone();
      const ends = await endAll<unknown>(threads) as number[][];
      assertEquals(ends.slice(0, 2), [[], []]);
      assertEquals(ends[3], []);
      if (isBounded) assertEquals(ends[2], []);
    });
  }
}

function deathTests(kind: QueueKind): void {
  const { name, make, isBounded, parties } = kind;

  parties.test(`${name} serves the others when those who wait are terminated`, async () => {
    const queue = make<number>();
    const ready = make<number>();
    const threads = startAll(parties, (index: number) => {
      ready.putSync(index);
      queue.getSync();
    }, [[1], [2]]);
    await ready.get();
    await ready.get();
    const first = queue.get();
    await until("all wait", () => queue.empty);
    for (const thread of threads) await soon("an end", thread.terminate());
    const second = queue.get();
    queue.putSync(1);
    queue.putSync(2);
    assertEquals(sorted(await soon("both", Promise.all([first, second]))), [
      1,
      2,
    ]);
    for (const thread of threads) await thread.result().catch(() => {});
    assert(queue.empty);
  });

  parties.test(`${name}.join() is not held up by a joiner that is terminated`, async () => {
    const queue = make<number>();
    queue.putSync(1);
    const ready = make<number>();
    const [thread] = startAll(parties, () => {
      ready.putSync(1);
      queue.joinSync();
    }, [[]]);
    const join = queue.join();
    await ready.get();
    await soon("its end", thread!.terminate());
    await thread!.result().catch(() => {});
    assert(await isPending(join));
    queue.taskDone();
    assert(await soon("join", join));
  });

  if (!isBounded) return;

  parties.test(`${name} gives the place of a terminated putter to the next one`, async () => {
    const queue = make<number>(1);
    queue.putSync(0);
    const ready = make<number>();
    const [thread] = startAll(parties, () => {
      ready.putSync(1);
      queue.putSync(1);
    }, [[]]);
    await ready.get();
    const put = queue.put(2);
    await soon("its end", thread!.terminate());
    await thread!.result().catch(() => {});
    const third = queue.put(3);
    const got = [];
    for (let i = 0; i < 3; i++) got.push(await soon("an item", queue.get()));
    assertEquals(got, [0, 2, 3]);
    await put;
    await third;
    assert(queue.tryPut(4));
  });
}

/** What those who are stopped were promised, and have not taken. */
function promiseTests(kind: QueueKind): void {
  const { name, make, isBounded, parties } = kind;

  parties.test(`${name} frees what was promised to a thread that is terminated`, async () => {
    const queue = make<number>();
    const ready = make<number>();
    const never = make<number>();
    const [thread] = startAll(parties, () => {
      // It cannot go on to take its item, since the thread is blocked.
      queue.get();
      ready.putSync(1);
      never.getSync();
    }, [[]]);
    await ready.get();
    queue.putSync(5);
    assertEquals(queue.tryGet(), undefined);
    const second = queue.get();
    assert(await isPending(second));
    await soon("its end", thread!.terminate());
    await thread!.result().catch(() => {});
    assertEquals(await soon("the item", second), 5);
    queue.putSync(6);
    assertEquals(queue.tryGet(), 6);
  });

  parties.test(`${name} frees what was promised to the dead, where nobody waited then`, async () => {
    const queue = make<number>();
    const ready = make<number>();
    const never = make<number>();
    const [thread] = startAll(parties, () => {
      queue.get();
      ready.putSync(1);
      never.getSync();
    }, [[]]);
    await ready.get();
    queue.putSync(5);
    await soon("its end", thread!.terminate());
    await thread!.result().catch(() => {});
    assertEquals(queue.tryGet(), 5);
    const next = queue.get();
    queue.putSync(6);
    assertEquals(await soon("the item", next), 6);
  });

  parties.test(`${name} loses nothing with getters that are terminated at any time`, async () => {
    const queue = make<number>(isBounded ? 4 : 0);
    const counts = [parties.number(), parties.number()];
    const total = () => sum(counts.map(({ value }) => value));
    let put = 0;
    let own = 0;
    for (let round = 0; round < 4; round++) {
      const threads = startAll(parties, (index: number) => {
        for (;;) {
          queue.getSync();
          counts[index]!.value = counts[index]!.value + 1;
        }
      }, [[0], [1]]);
      const before = total();
      await until("they get", () => {
        if (queue.tryPut(put)) put++;
        return total() > before;
      });
      const ends = threads.map((thread) => thread.terminate());
      for (let i = 0; i < 20; i++) {
        queue.putSync(put++, { timeout: 10_000 });
        if (queue.tryGet() !== undefined) own++;
      }
      for (const end of ends) await soon("an end", end);
      for (const thread of threads) await thread.result().catch(() => {});
      while (!queue.empty) {
        queue.getSync({ timeout: 10_000 });
        own++;
      }
      assertEquals(own + total(), put);
    }
  });
}
