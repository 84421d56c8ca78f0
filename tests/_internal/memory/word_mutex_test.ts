// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals } from "@std/assert";
import { WordMutex } from "../../../_internal/memory/word_mutex.ts";
import { Crew } from "../../_suites/_crew.ts";
import { until } from "../../_suites/_helpers.ts";

const newWords = (count: number) =>
  new Int32Array(new SharedArrayBuffer(count * 4));

Deno.test("WordMutex.lock() and unlock() leave the word as it was", () => {
  const words = newWords(3);
  const mutex = new WordMutex(words, 1);
  for (let i = 0; i < 3; i++) {
    mutex.lock();
    assertEquals([...words], [0, 1, 0]);
    mutex.unlock();
    assertEquals([...words], [0, 0, 0]);
  }
});

Deno.test("WordMutex.lock() sleeps while another thread holds it, and is woken", async () => {
  const words = newWords(2);
  const mutex = new WordMutex(words, 0);
  mutex.lock();
  await using crew = new Crew(
    2,
    (words: Int32Array<SharedArrayBuffer>) => {
      const mutex = new WordMutex(words, 0);
      mutex.lock();
      words[1]!++;
      mutex.unlock();
    },
    words,
  );
  // 2: somebody sleeps, or is about to.
  await until("a thread waits", () => Atomics.load(words, 0) === 2);
  assertEquals(words[1], 0);
  mutex.unlock();
  await crew.results();
  assertEquals(words[1], 2);
  mutex.lock();
  mutex.unlock();
  assertEquals(words[0], 0);
});

for (const count of [2, 4, 8]) {
  Deno.test(`WordMutex lets one of ${count} threads in at a time`, async () => {
    const words = newWords(3);
    const rounds = 40_000 / count;
    const work = (words: Int32Array<SharedArrayBuffer>, rounds: number) => {
      const mutex = new WordMutex(words, 0);
      let met = 0;
      for (let i = 0; i < rounds; i++) {
        mutex.lock();
        // Plain loads and stores: any overlap loses one.
        if (words[2]! !== 0) met++;
        words[2] = 1;
        words[1] = words[1]! + 1;
        words[2] = 0;
        mutex.unlock();
      }
      return met;
    };
    await using crew = new Crew(count, work, words, rounds);
    assertEquals(work(words, rounds), 0);
    assertEquals(await crew.results(), Array(count).fill(0));
    assertEquals([...words], [0, (count + 1) * rounds, 0]);
  });
}

Deno.test("WordMutex.lock() wakes by itself where a wake-up is missed", async () => {
  const words = newWords(1);
  new WordMutex(words, 0).lock();
  await using crew = new Crew(
    1,
    (words: Int32Array<SharedArrayBuffer>) => new WordMutex(words, 0).lock(),
    words,
  );
  await until("the thread waits", () => Atomics.load(words, 0) === 2);
  Atomics.store(words, 0, 0);
  await crew.results();
  assertEquals(words[0], 2);
});
