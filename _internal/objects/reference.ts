// Copyright 2026 the @concurrent/parallel authors. MIT license.

import type { SocketAddress } from "../wire/handshake.ts";

/** Where a station listens, and what proves that one may connect. */
export interface StationAddress {
  readonly socket: SocketAddress;
  readonly key: Uint8Array<ArrayBuffer>;
}

/** An object, for those who do not have it. */
export interface Reference {
  /** The random name of where the object is at home: there it is found without a link. */
  readonly home: string;
  readonly station: StationAddress;
  /** Its number at the station. */
  readonly object: number;
  /** Keeps the object until it is held by whoever reads the reference. NO_PIN: a call that carries it does. */
  readonly pin: number;
}

/** The pin of a reference that is held otherwise until it was read. */
export const NO_PIN = 0;
const MAX_PIN = 2 ** 52;

/** A number for a reference that is written now. */
export function newPin(): number {
  return 1 + Math.floor(Math.random() * MAX_PIN);
}

/** A random name of 128 bits. */
export function newId(): string {
  return crypto.getRandomValues(new Uint8Array(16)).toHex();
}

/** One for each station, so that whoever has connected once uses the connection again. */
export function stationName({ socket, key }: StationAddress): string {
  return `${
    socket.transport === "unix"
      ? socket.path
      : `${socket.hostname ?? ""}:${socket.port}`
  } ${key.toHex()}`;
}
