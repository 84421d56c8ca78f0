// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What the threads of a program and its broker say to each other, over one port
// for each thread (`broker_port.ts`, `broker.ts`).

import type { SocketPlace } from "../base/registry.ts";
import type { RelayMemory } from "./queue_relay.ts";
import type { StationAddress } from "./reference.ts";

/** The first message of a broker, from the main thread. */
export interface BrokerStart {
  readonly domain: SharedArrayBuffer;
  readonly agent: number;
  readonly pid: number;
  /** Where its sockets may lie, and who is asked for links to others, where this process may not make and reach them everywhere. */
  readonly place?: {
    readonly known: SocketPlace;
    readonly linker: MessagePort;
  };
  /** The name of the program, as a home of objects. */
  readonly home: string;
}

/** One more thread, to the broker's own scope. */
export interface NewPort {
  readonly agent: number;
  readonly name: string;
  readonly port: MessagePort;
}

/** From a thread. They come as lists, in order. */
export type ToBroker =
  /** An object of this program is about to be sent out. */
  | {
    readonly kind: "serve";
    readonly object: number;
    readonly pin: number;
    /** One of those that `served_cores.ts` knows. */
    readonly type: string;
    readonly parts: readonly unknown[];
    /** Where the broker listens, or has to from now on. */
    readonly station: StationAddress;
  }
  /** It has come home. */
  | { readonly kind: "unpin"; readonly object: number; readonly pin: number }
  /** What is it made of? For a thread that does not have it. */
  | { readonly kind: "parts"; readonly seq: number; readonly object: number }
  /** From now on this number of this port means that station. */
  | {
    readonly kind: "station";
    readonly number: number;
    readonly address: StationAddress;
    /** Of a `RelayStatus`: where the broker says that the link has ended. */
    readonly status: Int32Array<SharedArrayBuffer>;
  }
  | {
    readonly kind: "call";
    readonly seq: number;
    readonly station: number;
    readonly object: number;
    readonly method: string;
    readonly body: Uint8Array;
  }
  | {
    readonly kind: "cast";
    readonly station: number;
    readonly object: number;
    readonly method: string;
    readonly body: Uint8Array;
    /** False: nobody has to find it done. */
    readonly counts?: boolean;
  }
  /** From now on this number of this port means the relay of that queue. */
  | {
    readonly kind: "relay";
    readonly relay: number;
    readonly station: number;
    readonly object: number;
    readonly memory: RelayMemory;
  }
  | { readonly kind: "unrelay"; readonly relay: number }
  /** Something was put; an item is waited for; it is not any more. */
  | { readonly kind: "look" | "want" | "unwant"; readonly relay: number }
  | { readonly kind: "cancel"; readonly seq: number }
  /**
   * Answered when all that came before has left ("sent"), or has been done where
   * it went ("done"); "last": and what was not taken has gone back.
   */
  | {
    readonly kind: "flush";
    readonly seq: number;
    readonly until: "sent" | "done" | "last";
  }
  /** Answered when nobody of that process uses an object of this program any more. */
  | { readonly kind: "gone"; readonly seq: number; readonly pid: number }
  /** This thread has nothing of others any more: is anything else left? */
  | { readonly kind: "review" };

/** To a thread. */
export type FromBroker =
  | { readonly kind: "answer"; readonly seq: number; readonly body: Uint8Array }
  | { readonly kind: "failed"; readonly seq: number; readonly body: Uint8Array }
  | {
    readonly kind: "parts";
    readonly seq: number;
    /** Undefined where it is gone. */
    readonly parts: readonly unknown[] | undefined;
  }
  /** The owner of what is at that station is gone. */
  | { readonly kind: "lost"; readonly station: number }
  /**
   * Nobody has an object of this program, and only the main thread has a port:
   * after so many objects of the main thread's, and so many ports. To the main thread.
   */
  | { readonly kind: "idle"; readonly served: number; readonly ports: number };
