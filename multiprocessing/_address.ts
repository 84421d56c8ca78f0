// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Addresses and keys as users write them.

import { describe } from "../_internal/base/validation.ts";
import type { SocketAddress } from "../_internal/wire/handshake.ts";

/** A name or address of a machine, and a port; an IPv6 address is in brackets. */
const HOST_AND_PORT = /^(?:\[([^\]/]+)\]|([^/:]+)):(\d{1,5})$/;
const MAX_PORT = 65535;

const encoder = new TextEncoder();

/** Reads an address. */
export function parseAddress(
  verb: string,
  value: string | { hostname?: string | undefined; port: number },
): SocketAddress {
  if (typeof value === "string" && value !== "") {
    const match = HOST_AND_PORT.exec(value);
    if (match === null) return { transport: "unix", path: value };
    return tcp(verb, match[1] ?? match[2]!, Number(match[3]));
  }
  if (typeof value === "object" && value !== null) {
    const { hostname = "127.0.0.1", port } = value;
    if (typeof hostname === "string" && typeof port === "number") {
      return tcp(verb, hostname, port);
    }
  }
  throw new TypeError(
    `Cannot ${verb} as 'address' must be a path, "host:port" or { hostname, port }: current value is ${
      describe(value)
    }`,
  );
}

function tcp(verb: string, hostname: string, port: number): SocketAddress {
  if (!Number.isInteger(port) || port < 0 || port > MAX_PORT) {
    throw new RangeError(
      `Cannot ${verb} as the port must be an integer from 0 to ${MAX_PORT}: current value is ${port}`,
    );
  }
  return { transport: "tcp", hostname, port };
}

/** An address as text, which `parseAddress()` reads. */
export function formatAddress(address: SocketAddress): string {
  if (address.transport === "unix") return address.path;
  return formatHost(address.hostname ?? "127.0.0.1", address.port);
}

/** A machine and a port as text. */
export function formatHost(hostname: string, port: number): string {
  return hostname.includes(":")
    ? `[${hostname}]:${port}`
    : `${hostname}:${port}`;
}

/** Reads a key. It is copied. */
export function parseKey(
  verb: string,
  value: string | Uint8Array,
): Uint8Array<ArrayBuffer> {
  if (typeof value === "string") return encoder.encode(value);
  if (value instanceof Uint8Array) return new Uint8Array(value);
  throw new TypeError(
    `Cannot ${verb} as 'authKey' must be a string or a Uint8Array: current value is ${
      describe(value)
    }`,
  );
}
