// Copyright 2026 the @concurrent/parallel authors. MIT license.

// An object of another program's shared memory, for a thread that uses it by way
// of the broker of its own program.

import { ConnectionClosedError } from "../base/errors.ts";
import { RELAY_OPEN } from "../memory/relay_status.ts";
import { prepareSocket } from "../wire/socket_place.ts";
import { type BrokerPort, brokerPort, type PortRoute } from "./broker_port.ts";
import type { RelayMemory } from "./queue_relay.ts";
import { newPin, NO_PIN, type Reference } from "./reference.ts";
import { STATION_ITSELF } from "./station.ts";
import { carries, carry } from "../wire/carried.ts";
import { packValue, unpackPlain } from "./values.ts";

/** Lets go what nobody here has any more. */
const forgotten = new FinalizationRegistry<() => void>((release) => release());

/** An object elsewhere. It is held until the collector finds that nobody here has it. */
export class BrokeredObject {
  readonly port: BrokerPort;
  readonly #reference: Reference;
  readonly #station: number;
  readonly #route: PortRoute;
  #isAsking = false;
  readonly #relays: number[] = [];
  readonly #tell: (method: string, pin: number) => void;

  constructor(reference: Reference) {
    const { socket } = reference.station;
    if (socket.transport === "unix") prepareSocket(socket.path);
    const port = brokerPort();
    this.port = port;
    this.#reference = reference;
    this.#route = port.route(reference.station);
    const station = this.#route.number;
    this.#station = station;
    const { object } = reference;
    const tell = (method: string, pin: number) => {
      const body = packValue([object, pin], "args");
      const target = { station, object: STATION_ITSELF };
      port.post({ kind: "cast", ...target, method, body });
    };
    this.#tell = tell;
    tell("hold", reference.pin);
    port.retain(station);
    const relays = this.#relays;
    forgotten.register(this, () => {
      for (const relay of relays) port.post({ kind: "unrelay", relay });
      tell("release", 0);
      port.unretain(station);
    });
  }

  /**
   * Calls a method.
   *
   * @param signal Asks for an early end: rejects with its reason, unless the call has succeeded meanwhile.
   * @throws {ConnectionClosedError} If the owner is gone.
   */
  async call(
    method: string,
    args: readonly unknown[],
    signal?: AbortSignal,
  ): Promise<unknown> {
    try {
      return unpackPlain(
        await this.port.call(this.#message(method, args), signal),
      );
    } catch (error) {
      if (signal?.aborted && !(error instanceof ConnectionClosedError)) {
        throw signal.reason;
      }
      throw error;
    }
  }

  /** As {@linkcode call}, and blocks the thread. */
  callSync(method: string, args: readonly unknown[]): unknown {
    return unpackPlain(this.port.callSync(this.#message(method, args)));
  }

  /** Calls a method and takes no answer. */
  cast(method: string, args: readonly unknown[], counts = true): void {
    this.port.post({ kind: "cast", ...this.#message(method, args), counts });
  }

  /** What the owner's agents call this thread, as far as that is known; 0 where it is not, or the owner is gone. */
  agent(): number {
    const { status } = this.#route;
    if (status.state !== RELAY_OPEN) return 0;
    if (this.#route.agent === undefined) {
      this.#route.agent = 0;
      this.call("agent", []).then(
        (agent) => this.#route.agent = agent as number,
        () => {},
      );
    }
    return this.#route.agent;
  }

  /** True where the owner has answered everything that was said to it. Where it has not, it is asked. */
  isAnswered(): boolean {
    const route = this.#route;
    if (route.said === route.answered) return true;
    if (!this.#isAsking) {
      this.#isAsking = true;
      const end = () => this.#isAsking = false;
      this.call("agent", []).then(end, end);
    }
    return false;
  }

  /** Something is on its way to the owner by another road. */
  said(): void {
    this.#route.said++;
  }

  /** Says that it is a queue, what of it is in shared memory; returns the number of the relay. */
  openRelay(memory: RelayMemory): number {
    const { object } = this.#reference;
    const target = { station: this.#station, object, memory };
    const relay = this.port.openRelay(target);
    this.#relays.push(relay);
    return relay;
  }

  /** A second reference has arrived: its pin is not needed. */
  spend(pin: number): void {
    if (pin === NO_PIN) return;
    this.#tell("hold", pin);
    this.#tell("release", 0);
  }

  /** Names it for one more receiver. */
  reference(): Reference {
    const pin = newPin();
    this.#tell("pin", pin);
    if (!carries()) return { ...this.#reference, pin };
    carry(() => this.#tell("unpin", pin));
    return { ...this.#reference, pin: NO_PIN };
  }

  #message(method: string, args: readonly unknown[]) {
    return {
      station: this.#station,
      object: this.#reference.object,
      method,
      body: packValue(args, "args"),
    };
  }
}
