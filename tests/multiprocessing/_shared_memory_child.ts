// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A program of its own that uses shared memory; see _child_program.ts.

import { SharedMemory } from "../../multiprocessing/shared_memory.ts";

const [what, name] = Deno.args as [string, string];
const input = new Uint8Array(64);

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

/** Blocked until somebody says something: nothing depends on its event loop. */
function listen(): void {
  Deno.stdin.readSync(input);
}

switch (what) {
  case "own": {
    const memory = SharedMemory.create({ size: 8, name });
    new Uint8Array(memory.buffer)[0] = 42;
    say("ready");
    listen();
    break;
  }
  case "borrow": {
    const memory = SharedMemory.open(name);
    if (new Uint8Array(memory.buffer)[0] !== 42) throw new RangeError("other");
    say("ready");
    listen();
    break;
  }
  case "unlink":
    say("ready");
    SharedMemory.open(name).unlink();
    say("unlinked");
    break;
  case "race": {
    say("ready");
    listen();
    const made: boolean[] = [];
    const memories: SharedMemory[] = [];
    for (let round = 0; round < 20; round++) {
      try {
        memories.push(
          SharedMemory.create({ size: 8, name: `${name}-${round}` }),
        );
        made.push(true);
      } catch {
        made.push(false);
      }
    }
    say(JSON.stringify(made));
    listen();
    break;
  }
  case "value": {
    say("ready");
    const { Process, SharedArray, Value } = await import(
      "../../multiprocessing/mod.ts"
    );
    const { Thread } = await import("../../threading/mod.ts");
    const value = new Value("int32");
    using array = new SharedArray("float32", 4);
    const work = async () => {
      for (let i = 0; i < 20; i++) await value.add(1);
      await array.set([7, 8, 9], 1);
      return [...await array.slice(1, -1)];
    };
    const process = new Process({ target: work }).start();
    const thread = new Thread({ target: work }).start();
    const read = await process.result();
    await Promise.all([process.join(), thread.join()]);
    let sync = false;
    try {
      void value.value;
    } catch (error) {
      sync = String(error).includes("--allow-ffi");
    }
    say(JSON.stringify({
      sum: await value.get(),
      array: [...await array.slice()],
      read,
      sync,
    }));
    break;
  }
  case "make":
    say("ready");
    try {
      SharedMemory.create({ size: 8 });
      say("made");
    } catch (error) {
      say(String(error));
    }
    break;
}
