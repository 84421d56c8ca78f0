// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Who drains the ring channels, and when it waits.
//
// One pump a thread: on the main thread it serves the channels of every
// worker over one bell, in a worker the single channel to the host. The loop:
//
//   1 drain every channel, a bounded batch each, until a round brings nothing;
//     between the rounds the promises that the messages settled go on
//   2 where something is expected, bell.prepareWatch(); look once more;
//     bell.watch() for a moment; rung: go to 1
//   3 bell.prepare(); look once more; something there: bell.cancel(), go to 1
//   4 bell.park()
//
// Steps 2 and 3 and their counterpart in `Bell.ring()` exclude lost wake-ups. A
// batch is followed by a turn of the event loop when it has run for longer than
// 8 ms (`memory/turns.ts`), so that a flood does not starve timers and ports.
//
// Who has just sent something expects something: the caller's side an answer,
// a worker that has answered the next call, since a caller who awaits one call
// after the other sends it within microseconds. It watches when the code that
// sent it has come to its end: in the loop where the loop is at work, else, in a
// microtask (`#watchParked`), beside the loop, which stays parked:
//
//   P1 word = WATCHING: nobody notifies the loop, which waits on the same word
//   P2 rung: drain; the promises that were settled go on, and may send again
//   P3 word = PARKED, look once more: something there: wake the loop, which
//      takes over; else all is as before P1
//
// A ringer that came before P1 has notified the loop: it wakes, drains what is
// left, and parks again. After 8 ms of answers that came this way the
// event loop gets its turn: the next answer is waited for asleep.
//
// A channel to another process has a word of its own in memory that both have
// mapped (`Door`): it is set and looked at together with the bell.
//
// Nobody watches where it would take the core of somebody who has work
// (`Crowd`), or has been in vain lately (`Patience`).

import { type Bell, type Door, nextTurn } from "../memory/bell.ts";
import type { Crowd } from "../memory/crowd.ts";
import { Patience } from "../memory/patience.ts";
import { Turns } from "../memory/turns.ts";

/** Looks of a guest before it sleeps: some tens of microseconds, in which the next call of a caller who awaits one after the other arrives. */
const GUEST_LOOKS = 2000;
/** Messages that a guest takes in a row: it runs calls while it drains. */
const GUEST_BATCH = 16;

/** What a pump serves. */
export interface Drainable {
  /** True where `drain()` would do something. */
  readonly pending: boolean;
  /** Delivers up to `limit` messages; returns how many. */
  drain(limit: number): number;
  /** The word that its other side rings, where that cannot ring the pump's bell and has another way to wake it. */
  readonly door?: Door | undefined;
}

/** How a pump drains and waits. */
export interface RingPumpOptions {
  /** Messages taken from one channel before the next one's turn. */
  readonly batch: number;
  /** How many times to look before sleeping. */
  readonly looks: number;
  readonly crowd: Crowd;
  /** Of a worker: its place in the crowd. Undefined on the caller's side. */
  readonly place: number | undefined;
  /**
   * How many microtasks the code that was answered takes until it has sent what
   * it sends next, and waits.
   *
   * @default {0}
   */
  readonly ticks?: number;
}

/** Drains channels whenever their bell is rung. */
export class RingPump {
  readonly #bell: Bell;
  readonly #batch: number;
  readonly #crowd: Crowd;
  readonly #place: number | undefined;
  readonly #patience: Patience;
  readonly #ticks: number;
  readonly #channels = new Set<Drainable>();
  /** Beside the bell: those of its channels. */
  #doors: Door[] = [];
  #state: "stopped" | "running" | "parked" = "stopped";
  /** Something was sent since it last waited. */
  #expects = false;
  #isWatchDue = false;
  readonly #turns = new Turns();
  /** Ends the sleep of a parked pump, from its own thread. */
  #rouse = () => {};

  /** @param bell The word that the other sides ring. */
  constructor(bell: Bell, options: RingPumpOptions) {
    this.#bell = bell;
    this.#batch = options.batch;
    this.#crowd = options.crowd;
    this.#place = options.place;
    this.#patience = new Patience(options.looks);
    this.#ticks = options.ticks ?? 0;
  }

  /** Serves a channel from now on. */
  add(channel: Drainable): void {
    this.#channels.add(channel);
    this.#findDoors();
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
    this.#findDoors();
    if (this.#channels.size === 0) this.wake();
  }

  /** Has the channels looked at soon: something came by another road. */
  wake = (): void => {
    if (this.#state !== "parked") return;
    // Nobody waits on it any more.
    this.#bell.ring();
    this.#rouse();
  };

  /** Something was sent, and is likely to be answered at once. */
  expect(): void {
    this.#expects = true;
    if (this.#state !== "parked" || this.#isWatchDue) return;
    this.#isWatchDue = true;
    if (this.#ticks === 0) afterwards.then(this.#watchParked);
    else void this.#settled().then(this.#watchParked);
  }

  async #run(): Promise<void> {
    this.#wakes();
    while (this.#channels.size > 0) {
      if (this.#drain() > 0) {
        await (this.#turns.isDue(performance.now()) ? nextTurn() : undefined);
        continue;
      }
      if (this.#expects && this.#ticks > 0) {
        await this.#settled();
        if (this.#pending()) continue;
      }
      const looks = this.#looks();
      if (looks > 0 && this.#watch(looks)) {
        this.#cancel();
        continue;
      }
      this.#prepare();
      if (this.#pending()) {
        this.#cancel();
        continue;
      }
      this.#sleeps();
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
      this.#wakes();
    }
    this.#sleeps();
    this.#cancel();
    this.#state = "stopped";
  }

  /** Lets the code that was answered come to its end. */
  async #settled(): Promise<void> {
    for (let i = 0; i < this.#ticks; i++) await undefined;
  }

  #prepare(): void {
    this.#bell.prepare();
    for (const door of this.#doors) door.prepare();
  }

  #cancel(): void {
    this.#bell.cancel();
    for (const door of this.#doors) door.cancel();
  }

  #findDoors(): void {
    this.#doors = [];
    for (const { door } of this.#channels) {
      if (door !== undefined) this.#doors.push(door);
    }
  }

  #drain(): number {
    let delivered = 0;
    for (const channel of this.#channels) {
      delivered += channel.drain(this.#batch);
    }
    return delivered;
  }

  /** How often to look now before sleeping. */
  #looks(): number {
    if (!this.#expects) return 0;
    this.#expects = false;
    return this.#patience.next() >> (this.#crowd.hasSpareCore ? 0 : 5);
  }

  /** Looks for a moment whether something comes; true where it does. */
  #watch(looks: number): boolean {
    this.#bell.prepareWatch();
    for (const door of this.#doors) door.prepareWatch();
    const isHit = this.#pending() || this.#bell.watch(looks, this.#doors);
    this.#patience.note(isHit);
    return isHit;
  }

  #watchParked = (): void => {
    this.#isWatchDue = false;
    if (this.#state !== "parked" || this.#turns.isDue(performance.now())) {
      return;
    }
    const looks = this.#looks();
    if (looks === 0) return;
    this.#wakes();
    if (this.#watch(looks)) {
      this.#cancel();
      this.#drain();
    }
    this.#sleeps();
    this.#prepare();
    if (this.#pending() || this.#channels.size === 0) this.wake();
  };

  #wakes(): void {
    if (this.#place !== undefined) this.#crowd.wakes(this.#place);
  }

  #sleeps(): void {
    if (this.#place !== undefined) this.#crowd.sleeps(this.#place);
  }

  #pending(): boolean {
    for (const channel of this.#channels) {
      if (channel.pending) return true;
    }
    return false;
  }
}

/** The pump of a worker, which has one channel and a place in a crowd. */
export function guestPump(bell: Bell, crowd: Crowd, place: number): RingPump {
  return new RingPump(bell, {
    batch: GUEST_BATCH,
    looks: GUEST_LOOKS,
    crowd,
    place,
  });
}

/** Its callbacks run when the code at work has come to its end. Cheaper than `queueMicrotask`. */
const afterwards = Promise.resolve();
