// Copyright 2026 the @concurrent/parallel authors. MIT license.

// How each kind of program is measured, the same for every pool. What is
// measured with which numbers is in `../_peers/programs.ts`; `main.py` does the
// same in Python.

import { callerTime } from "./usage.js";
import { tasks } from "./tasks.js";

/** The pool gave a wrong answer. */
class WrongAnswer extends Error {
  isWrong = true;
}

function check(actual, expected) {
  if (actual === expected) return;
  throw new WrongAnswer(`the result is ${actual}, not ${expected}`);
}

/** The value that so much of all is below. */
function quantile(values, part) {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}

/** A number from 0 to 1 for each call; the same ones for the same seed. */
function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function createPayload(type, size) {
  if (type === "string") return "abcdefgh".repeat(size / 8);
  if (type === "float64") {
    return Float64Array.from({ length: size / 8 }, (_, i) => i);
  }
  return Array.from({ length: size }, (_, id) => ({
    id,
    name: `object ${id}`,
    at: { x: id % 100, y: 0.5 },
    tags: ["a", "b"],
  }));
}

/** Keeps so many calls under way until all are done; returns the sum of the results. */
async function throughWindow(adapter, name, items, window) {
  let next = 0;
  let sum = 0;
  async function lane() {
    while (next < items.length) {
      const result = await adapter.call(name, items[next++]);
      sum += result;
    }
  }
  await Promise.all(Array.from({ length: window }, lane));
  return sum;
}

/** Serial time, in ms, and the sum of the results. */
function inTurn(name, items) {
  const fn = tasks[name];
  const start = performance.now();
  let sum = 0;
  for (const item of items) sum += fn(item);
  return { ms: performance.now() - start, sum };
}

/** Runs the commands of one adapter. */
export function createProgram(adapter, options) {
  const call = (...args) => adapter.call(...args);

  /** Waits until each worker has run a task: some pools start them when they are busy. */
  async function wakeAll(workers) {
    const seen = new Set();
    for (let round = 0; seen.size < workers && round < 20; round++) {
      const ids = await Promise.all(
        Array.from({ length: workers * 2 }, () => call("whoAmI", 300_000)),
      );
      for (const id of ids) seen.add(id);
    }
    return seen.size;
  }

  async function sequence(calls, budget) {
    const times = new Float64Array(calls);
    const end = performance.now() + budget;
    let count = 0;
    while (count < calls) {
      const start = performance.now();
      const result = await call("add", count, 1);
      const now = performance.now();
      check(result, count + 1);
      times[count++] = now - start;
      if (now > end) break;
    }
    return times.subarray(0, count);
  }

  async function burst(name, items) {
    const results = [];
    for (const item of items) results.push(call(name, ...item));
    let sum = 0;
    for (const result of await Promise.all(results)) sum += result;
    return sum;
  }

  const kinds = {
    /** Import, pool, first result; then until each worker has run something. */
    async start({ workers }) {
      const start = performance.now();
      await adapter.load?.(options);
      const loaded = performance.now();
      await adapter.start(workers, options);
      // As many calls as workers, so that all of them start.
      const calls = Array.from(
        { length: workers },
        (_, i) => call("add", i, 1),
      );
      const result = await Promise.race(calls);
      const first = performance.now();
      check(result >= 1 && result <= workers, true);
      for (const [i, result] of (await Promise.all(calls)).entries()) {
        check(result, i + 1);
      }
      return {
        value: first - loaded,
        import: loaded - start,
        total: first - start,
      };
    },

    /** Warms up: all workers, and what is compiled on the way. */
    async warm({ workers, calls }) {
      const awake = await wakeAll(workers);
      const items = Array.from({ length: calls }, (_, i) => [i, 1]);
      check(await burst("add", items), calls * (calls + 1) / 2);
      return { workers: awake };
    },

    async sequential({ calls, budget }) {
      await sequence(Math.ceil(calls / 10), budget / 10);
      const before = callerTime();
      const times = await sequence(calls, budget);
      const used = callerTime() - before;
      return {
        value: quantile(times, 0.5) * 1000,
        p99: quantile(times, 0.99) * 1000,
        cpu: used * 1000 / times.length,
      };
    },

    async inFlight({ window, calls }) {
      const items = Array.from({ length: calls }, (_, i) => i);
      let next = 0;
      async function lane() {
        while (next < calls) {
          const i = items[next++];
          check(await call("add", i, 1), i + 1);
        }
      }
      const start = performance.now();
      await Promise.all(Array.from({ length: window }, lane));
      return { value: (performance.now() - start) * 1000 / calls };
    },

    async burst({ fn, arg, tasks: count }) {
      const items = Array.from(
        { length: count },
        (_, i) => arg === undefined ? [i, 1] : [arg],
      );
      const expected = arg === undefined
        ? count * (count + 1) / 2
        : tasks[fn](arg) * count;
      const before = callerTime();
      const start = performance.now();
      const sum = await burst(fn, items);
      const ms = performance.now() - start;
      check(sum, expected);
      return {
        value: ms * 1000 / count,
        cpu: (callerTime() - before) * 1000 / count,
      };
    },

    async payload({ type, size, calls, budget }) {
      const payload = createPayload(type, size);
      const expected = tasks.measure(payload);
      const times = [];
      check(await call("measure", payload), expected);
      const end = performance.now() + budget;
      for (let i = 0; i < calls; i++) {
        const start = performance.now();
        const result = await call("measure", payload);
        times.push(performance.now() - start);
        check(result, expected);
        if (i >= 2 && performance.now() > end) break;
      }
      return {
        value: quantile(times, 0.5),
        p99: quantile(times, 0.99),
      };
    },

    /** Nine tasks of ten are short, the tenth is twenty times as long. */
    async uneven({ rounds, tasks: count, seed }) {
      const next = random(seed);
      const items = Array.from(
        { length: count },
        () => next() < 0.1 ? rounds * 20 : rounds,
      );
      inTurn("spin", items.slice(0, count / 4));
      const serial = inTurn("spin", items);
      const times = [];
      const start = performance.now();
      const results = await Promise.all(items.map(async (item) => {
        const result = await call("spin", item);
        times.push(performance.now() - start);
        return result;
      }));
      const ms = performance.now() - start;
      check(results.reduce((a, b) => a + b, 0), serial.sum);
      return { value: serial.ms / ms, p99: quantile(times, 0.99) };
    },

    /** A burst of long tasks against the same in a loop. */
    async speedup({ fn, arg, tasks: count }) {
      const items = Array(count).fill(arg);
      inTurn(fn, items.slice(0, 2));
      await burst(fn, items.slice(0, 4).map((item) => [item]));
      const serial = inTurn(fn, items);
      const start = performance.now();
      const sum = await burst(fn, items.map((item) => [item]));
      const ms = performance.now() - start;
      check(sum, serial.sum);
      return { value: serial.ms / ms, serial: serial.ms, parallel: ms };
    },

    /** Very many short calls, through map or whatever is nearest to it. */
    async map({ fn, calls, windowedCalls, window }) {
      const isMap = adapter.map !== undefined;
      const count = isMap ? calls : windowedCalls;
      const items = Array.from({ length: count }, (_, i) => i);
      const bulk = (items) =>
        isMap
          ? adapter.map(fn, items)
          : throughWindow(adapter, fn, items, window);
      const some = items.slice(0, count / 10);
      inTurn(fn, some);
      await bulk(some);
      const serial = inTurn(fn, items);
      const before = callerTime();
      const start = performance.now();
      const sum = await bulk(items);
      const ms = performance.now() - start;
      check(sum, serial.sum);
      return {
        value: serial.ms / ms,
        per: ms * 1000 / count,
        serial: serial.ms * 1000 / count,
        cpu: (callerTime() - before) * 1000 / count,
      };
    },

    /** Has each worker run something: from then on there are as many as there will be. */
    async wake({ workers }) {
      return { workers: await wakeAll(workers) };
    },
  };

  return ({ kind, args }) => kinds[kind](args);
}
