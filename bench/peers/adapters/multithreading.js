// Copyright 2026 the @concurrent/parallel authors. MIT license.

// It sends a function as its text, and loses calls of one that a worker has not
// loaded yet. So there is one function that holds all, and each worker loads it
// while the ones before are blocked in it.

import { tasks } from "../tasks.js";

const NAME = "multithreading";
let multithreading;
let run;

// Buffers are moved, and those of the others are copied: so it gets a copy too.
function own(arg) {
  return arg instanceof Float64Array ? arg.slice() : arg;
}

async function call(name, ...args) {
  const { spawn, move } = multithreading;
  const end = await spawn(move(name, ...args.map(own)), run).join();
  if (end.ok) return end.value;
  throw end.error;
}

export default {
  async load() {
    multithreading = await import(NAME);
  },
  async start(maxWorkers) {
    multithreading.initRuntime({ maxWorkers });
    const text = Object.values(tasks).join("\n");
    run = new Function(`return function run(name, ...args) {
      ${text}
      function block(gate) {
        Atomics.add(gate, 1, 1);
        Atomics.wait(gate, 0, 0);
      }
      return { block, ${Object.keys(tasks).join(", ")} }[name](...args);
    }`)();
    const gate = new Int32Array(new SharedArrayBuffer(8));
    const calls = [];
    for (let i = 0; i < maxWorkers; i++) {
      calls.push(call("block", gate));
      while (Atomics.load(gate, 1) <= i) {
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
    Atomics.store(gate, 0, 1);
    Atomics.notify(gate, 0);
    await Promise.all(calls);
  },
  call,
};
