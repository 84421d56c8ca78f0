// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Who drains the ring channels, and when it sleeps.
//
// One pump a thread: on the main thread it serves the channels of every
// worker over one bell, in a worker the single channel to the host. The loop:
//
//   1 drain every channel, a bounded batch each, until a round brings nothing;
//     between the rounds the promises that the messages settled go on
//   2 spin for a moment (workers only): the next call often is on its way
//   3 bell.prepare(); look once more; something there: bell.cancel(), go to 1
//   4 bell.park()
//
// Step 3 and its counterpart in `Bell.ring()` exclude lost wake-ups. A batch
// is followed by a turn of the event loop when it has run for longer than
// `TURN` ms, so that timers and ports are not starved by a flood of messages.

import { type Bell, pause } from "../memory/bell.ts";

/** Milliseconds of work after which the event loop gets a turn. */
const TURN = 8;

/** What a pump serves. */
export interface Drainable {
  /** True where `drain()` would do something. */
  readonly pending: boolean;
  /** Delivers up to `limit` messages; returns how many. */
  drain(limit: number): number;
  /** The pump is about to sleep: who cannot ring its bell has to wake it by another road. It looks once more after this. */
  prepare?(): void;
  /** The pump is awake again. */
  cancel?(): void;
}

/** Drains channels whenever their bell is rung. */
export class RingPump {
  readonly #bell: Bell;
  readonly #batch: number;
  readonly #spins: number;
  readonly #channels = new Set<Drainable>();
  #state: "stopped" | "running" | "parked" = "stopped";
  /** Ends the sleep of a parked pump, from its own thread. */
  #rouse = () => {};

  /**
   * @param bell The word that the other sides ring.
   * @param batch Messages taken from one channel before the next one's turn.
   * @param spins How many times to look before sleeping.
   */
  constructor(bell: Bell, batch: number, spins: number) {
    this.#bell = bell;
    this.#batch = batch;
    this.#spins = spins;
  }

  /** Serves a channel from now on. */
  add(channel: Drainable): void {
    this.#channels.add(channel);
    if (this.#state === "stopped") {
      this.#state = "running";
      // In a microtask: the owner finishes its own set-up first.
      queueMicrotask(() => this.#run());
    } else {
      // It may sleep, and the new one has not been told.
      this.wake();
    }
  }

  /** Forgets a channel; the pump stops with the last one. */
  remove(channel: Drainable): void {
    this.#channels.delete(channel);
    if (this.#channels.size === 0) this.wake();
  }

  /** Has the channels looked at soon: something came by another road. */
  wake = (): void => {
    if (this.#state !== "parked") return;
    // Nobody waits on it any more.
    this.#bell.ring();
    this.#rouse();
  };

  async #run(): Promise<void> {
    let turnEnds = performance.now() + TURN;
    while (this.#channels.size > 0) {
      let delivered = 0;
      for (const channel of this.#channels) {
        delivered += channel.drain(this.#batch);
      }
      if (delivered > 0) {
        if (performance.now() > turnEnds) {
          await nextTurn();
          turnEnds = performance.now() + TURN;
        } else {
          await undefined;
        }
        continue;
      }
      if (this.#spin()) continue;
      this.#bell.prepare();
      for (const channel of this.#channels) channel.prepare?.();
      if (this.#pending()) {
        this.#bell.cancel();
        this.#cancel();
        continue;
      }
      const rung = this.#bell.park();
      if (rung !== undefined) {
        this.#state = "parked";
        await new Promise<unknown>((resolve) => {
          this.#rouse = resolve as () => void;
          rung.then(resolve);
        });
        this.#state = "running";
      }
      this.#cancel();
      turnEnds = performance.now() + TURN;
    }
    this.#bell.cancel();
    this.#state = "stopped";
  }

  #cancel(): void {
    for (const channel of this.#channels) channel.cancel?.();
  }

  #spin(): boolean {
    for (let i = 0; i < this.#spins; i++) {
      if (this.#pending()) return true;
      pause();
    }
    return false;
  }

  #pending(): boolean {
    for (const channel of this.#channels) {
      if (channel.pending) return true;
    }
    return false;
  }
}

/** One turn of the event loop: 10 us, where `setTimeout(resolve, 0)` takes 2 ms. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
