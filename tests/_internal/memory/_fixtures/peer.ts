// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The other thread of the tests of shared memory: what it does is in its
// first message; it answers when it has done it.

import { Bell } from "../../../../_internal/memory/bell.ts";
import { RingProducer } from "../../../../_internal/memory/ring.ts";
import { CallSlots } from "../../../../_internal/memory/slots.ts";
import { checksum, fill, random } from "./records.ts";

/** What the other thread is to do. */
export type PeerTask =
  | {
    readonly what: "produce";
    readonly memory: SharedArrayBuffer;
    readonly size: number;
    readonly count: number;
    readonly seed: number;
    readonly largest: number;
  }
  | {
    readonly what: "ring";
    readonly words: SharedArrayBuffer;
    readonly count: number;
  }
  | {
    readonly what: "claim";
    readonly words: SharedArrayBuffer;
    readonly go: SharedArrayBuffer;
    readonly slots: number;
    readonly rounds: number;
  };

/** What it answers. */
export interface PeerAnswer {
  readonly sum?: number;
  readonly won?: number[];
}

function run(task: PeerTask): PeerAnswer {
  switch (task.what) {
    case "produce": {
      const producer = new RingProducer(task.memory, 0, task.size);
      const next = random(task.seed);
      const buffer = new Uint8Array(task.largest);
      let sum = 0;
      for (let i = 0; i < task.count; i++) {
        const record = buffer.subarray(0, next() % (task.largest + 1));
        fill(record, i);
        while (!producer.write(record, (i & 1) as 0 | 1));
        sum = checksum(sum, record, i & 1);
      }
      return { sum };
    }
    case "ring": {
      // Counts up and rings, and waits each time until it was seen: the
      // sleeper parks anew for every single ring.
      const words = new Int32Array(task.words);
      const bell = new Bell(words);
      for (let i = 1; i <= task.count; i++) {
        Atomics.store(words, 1, i);
        bell.ring();
        waitFor(words, 2, i);
      }
      return {};
    }
    case "claim": {
      const slots = new CallSlots(new Int32Array(task.words));
      const go = new Int32Array(task.go);
      const won: number[] = [];
      for (let round = 1; round <= task.rounds; round++) {
        waitFor(go, 0, round);
        for (let slot = 0; slot < task.slots; slot++) {
          if (slots.start(slot)) won.push(round * task.slots + slot);
        }
        Atomics.store(go, 1, round);
      }
      return { won };
    }
  }
}

/** Spins until the word has this value. */
function waitFor(words: Int32Array, index: number, value: number): void {
  while (Atomics.load(words, index) !== value);
}

addEventListener("message", (event) => {
  const { data } = event as MessageEvent<PeerTask>;
  (self as unknown as Worker).postMessage(run(data));
});
