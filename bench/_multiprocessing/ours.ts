// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  type Connection,
  Lock,
  pipe,
  Pool,
  Process,
  Queue,
  SharedMemory,
} from "@concurrent/parallel/multiprocessing";
import { serve } from "../_support/serve.ts";
import { expectEqual, message, WARM_PART } from "./checks.ts";
import { digest } from "./digest.js";
import type { Implementation } from "./scenarios.ts";
import {
  add,
  contend,
  digestBytes,
  digestShared,
  echo,
  get,
  HERE,
  increment,
  put,
} from "./workers.ts";

const ours: Implementation = {
  async queue(direction, manner, items) {
    const queue = new Queue<number>();
    const answers = new Queue<number>();
    const puts = new Queue<number>();
    const gets = new Queue<number>();
    const children: Process<void>[] = [];
    if (direction !== "down") {
      children.push(start(put, puts, queue, answers, manner));
    }
    if (direction !== "up") {
      children.push(start(get, gets, queue, answers, manner));
    }
    for (const _ of children) expectEqual("hello", await answers.get(), HERE);
    const run = async (n: number) => {
      let sum: number;
      await puts.put(n);
      await gets.put(n);
      if (direction === "down") {
        if (manner === "sync") { for (let i = 0; i < n; i++) queue.putSync(i); }
        else for (let i = 0; i < n; i++) await queue.put(i);
      }
      if (direction === "up") sum = await add(queue, n, manner);
      else sum = await answers.get();
      expectEqual("sum", sum, n * (n - 1) / 2);
    };
    await run(items * WARM_PART);
    const since = performance.now();
    await run(items);
    const seconds = (performance.now() - since) / 1000;
    puts.shutdown();
    gets.shutdown();
    for (const child of children) await child.result();
    for (const child of children) await child.join();
    return items / seconds;
  },

  pipe: (rounds) =>
    withChild(async (connection) => {
      const run = async (n: number) => {
        const since = performance.now();
        for (let i = 0; i < n; i++) {
          await connection.send(message(i));
          const { id } = await connection.recv() as { id: number };
          expectEqual("answer", id, i);
        }
        return performance.now() - since;
      };
      await run(rounds * WARM_PART);
      return await run(rounds) * 1000 / rounds;
    }, echo),

  async lock(count, manner, time) {
    const lock = new Lock();
    const connections: Connection[] = [];
    const children = Array.from({ length: count }, () => {
      const [here, there] = pipe();
      connections.push(here);
      return start(contend, there, lock, manner);
    });
    const run = async (time: number) => {
      for (const connection of connections) await connection.send(time);
      let [total, longest] = [0, 0];
      for (const connection of connections) {
        const [count, ms] = await connection.recv() as [number, number];
        total += count;
        longest = Math.max(longest, ms);
      }
      return longest * 1000 / total;
    };
    await run(time * WARM_PART);
    const us = await run(time);
    for (const connection of connections) await connection.send(null);
    for (const child of children) await child.result();
    for (const child of children) await child.join();
    expectEqual("locked", lock.locked(), false);
    return us;
  },

  async bytes(how, size) {
    const bytes = new Uint8Array(size).map((_, i) => i * 7 + (i >> 12));
    const expected = digest(bytes);
    if (how === "pipe") {
      return await withChild(async (connection) => {
        const run = async () => {
          const since = performance.now();
          await connection.sendBytes(bytes);
          expectEqual("digest", await connection.recv(), expected);
          return performance.now() - since;
        };
        await run();
        const ms = await run();
        await connection.sendBytes(new Uint8Array(1));
        return ms;
      }, digestBytes);
    }
    const { state } = await Deno.permissions.query({ name: "ffi" });
    if (state !== "granted") return NaN;
    return await withChild(async (connection) => {
      const run = async () => {
        const since = performance.now();
        using memory = SharedMemory.create({ size });
        new Uint8Array(memory.buffer).set(bytes);
        await connection.send(memory);
        expectEqual("digest", await connection.recv(), expected);
        return performance.now() - since;
      };
      await run();
      return await run();
    }, digestShared);
  },

  async map(tasks, chunkSize) {
    await using pool = new Pool({ processes: 2 });
    const options = chunkSize === null ? {} : { chunkSize };
    const run = async (n: number) => {
      const since = performance.now();
      const results = await pool.map(increment, Array(n).keys(), options);
      const ms = performance.now() - since;
      expectEqual("results", results.length, n);
      const sum = results.reduce((a, b) => a + b, 0);
      expectEqual("sum", sum, n * (n + 1) / 2);
      return ms;
    };
    await run(tasks * WARM_PART);
    return await run(tasks);
  },
};

/** A child on the other end of a pipe, which ends with a `null`. */
async function withChild(
  measure: (connection: Connection) => Promise<number>,
  target: (connection: Connection) => Promise<void>,
): Promise<number> {
  const [here, there] = pipe();
  const child = start(target, there);
  const value = await measure(here);
  if (target !== digestBytes) await here.send(null);
  await child.result();
  await child.join();
  here.close();
  return value;
}

function start<A extends unknown[]>(
  target: (...args: A) => Promise<void>,
  ...args: A
): Process<void> {
  return new Process<void>({ target, args }).start();
}

if (import.meta.main) await serve(ours);
