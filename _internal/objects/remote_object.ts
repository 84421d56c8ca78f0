// Copyright 2026 the @concurrent/parallel authors. MIT license.

// An object that another thread serves at its own station, for who uses it over a
// link of its own. (What a broker serves is used through the own broker.)

import { ConnectionClosedError } from "../base/errors.ts";
import { beforeAnswer } from "../base/registry.ts";
import { carries, carry } from "../wire/carried.ts";
import type { AgentId } from "./frames.ts";
import { Link } from "./link.ts";
import { HOME } from "./own_station.ts";
import { newPin, type Reference } from "./reference.ts";
import { STATION_ITSELF } from "./station.ts";
import { packValue, unpackValue } from "./values.ts";

/** This thread, as stations know it. */
const SELF: AgentId = { id: HOME, pid: Deno.pid, name: "" };
const numbers = new WeakMap<Link, number>();
const NO_ARGS = packValue([0, 0], "args");

/** Those over which something was said to be held, and nobody has heard yet that it is; with the last of it. */
const fresh = new Map<Link, Hold>();

// What a call has brought is held here before its end lets it go.
beforeAnswer(() => {
  if (fresh.size === 0) return undefined;
  const answers = [...fresh].map(async ([link, hold]) => {
    try {
      await link.call(hold.agent, STATION_ITSELF, "sync", NO_ARGS);
    } finally {
      // Until then another call must not end either, which may have brought it.
      if (fresh.get(link) === hold) fresh.delete(link);
    }
  });
  return Promise.allSettled(answers).then(() => {});
});

/** Lets go what nobody here has any more. */
const forgotten = new FinalizationRegistry<Hold>((hold) => hold.end());

/** An object elsewhere. It is held until `release()`, or until the collector finds it. */
export class RemoteObject {
  readonly #reference: Reference;
  readonly #hold: Hold;

  constructor(reference: Reference) {
    this.#reference = reference;
    this.#hold = new Hold(reference);
    forgotten.register(this, this.#hold, this);
  }

  /**
   * Calls a method.
   *
   * @param signal Asks for an early end; what counts is the answer, which comes all the same.
   * @throws {SerializationError} If an argument cannot travel; at once, not as a rejection.
   * @throws {ConnectionClosedError} If the owner is gone.
   */
  call(
    method: string,
    args: unknown,
    signal?: AbortSignal,
  ): Promise<unknown> {
    return this.callBytes(method, packValue(args, "args"), signal).then(
      unpackValue,
    );
  }

  /** As {@linkcode call}, of an object that takes and gives bytes as they are. */
  callBytes<T = Uint8Array>(
    method: string,
    body: Uint8Array,
    signal?: AbortSignal,
    read?: (body: Uint8Array) => T,
  ): Promise<T> {
    const { link, agent, object } = this.#hold;
    return link.call(agent, object, method, body, signal, read);
  }

  /** Calls a method and takes no answer. */
  cast(method: string, body: Uint8Array): void {
    const { link, agent, object } = this.#hold;
    link.cast(agent, object, method, body);
  }

  /** Hears what the object tells all who have it; the body holds during the call. */
  subscribe(onPush: (body: Uint8Array) => void): void {
    this.#hold.link.subscribe(this.#hold.object, onPush);
  }

  /** Names it for one more receiver. */
  reference(): Reference {
    const pin = newPin();
    this.#hold.pin(pin);
    const hold = this.#hold;
    if (carries()) carry(() => hold.unpin(pin));
    return { ...this.#reference, pin };
  }

  /** Resolves when what was cast is with the operating system. */
  flush(): Promise<void> {
    return this.#hold.link.flush();
  }

  /** Resolves when the owner is gone. */
  get closed(): Promise<void> {
    return this.#hold.link.closed;
  }

  /** True where the owner is gone. */
  get isClosed(): boolean {
    return this.#hold.link.isClosed;
  }

  /** Lets go of it: it must not be used any more. */
  release(): void {
    forgotten.unregister(this);
    this.#hold.end();
  }
}

/** What keeps an object at its station. */
class Hold {
  readonly link: Link;
  readonly agent: number;
  readonly object: number;
  #isEnded = false;

  constructor({ station, object, pin }: Reference) {
    this.object = object;
    this.link = Link.to(station);
    this.agent = numbers.get(this.link) ?? this.link.introduce(SELF);
    numbers.set(this.link, this.agent);
    this.#tell("hold", pin);
    fresh.set(this.link, this);
    this.link.retain();
  }

  pin(pin: number): void {
    if (this.#isEnded || this.link.isClosed) {
      throw new ConnectionClosedError(
        "Cannot send an object of another process: its owner is gone",
      );
    }
    this.#tell("pin", pin);
  }

  unpin(pin: number): void {
    if (!this.link.isClosed) this.#tell("unpin", pin);
  }

  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    if (!this.link.isClosed) {
      this.#tell("release", 0);
      // Where nobody uses the link any more it must not end before the station has
      // heard all this: the call that has brought the object could be over first,
      // and let go of what is on its way.
      if (fresh.has(this.link)) {
        this.link.ask(this.agent, STATION_ITSELF, "sync", NO_ARGS);
      }
    }
    this.link.unretain();
  }

  #tell(method: string, pin: number): void {
    const body = packValue([this.object, pin], "args");
    this.link.cast(this.agent, STATION_ITSELF, method, body);
  }
}
