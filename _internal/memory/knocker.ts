// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Writes to the socket between two processes at once (Linux, with --allow-ffi).
//
// Deno writes to a socket in a turn of its event loop. Whoever is about to run a
// long function would wake the other side only after it. So the ringer has a
// descriptor of its own for the same socket, a duplicate: closing Deno's does not
// make it mean something else. Deno tells no numbers, but the operating system
// tells of each number what it is connected to, and the path is of one child only.

import { type CLibrary, cLibrary } from "./c_library.ts";

/** The highest descriptor that is looked at. */
const MAX_DESCRIPTOR = 4096;
const ADDRESS_SIZE = 110;
const F_DUPFD_CLOEXEC = 1030;
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const MSG_DONTWAIT_NOSIGNAL = 0x40 | 0x4000;
const MSG_PEEK_DONTWAIT = 0x02 | 0x40;
/** An empty fence: a length of 0, and a count. */
const KNOCK = new Uint8Array(8);

/** Which end of which connection. */
export interface Connection {
  /** Of the socket that the host has listened on. */
  readonly path: string;
  /** Host: the process that has connected. */
  readonly guest?: number;
}

/** Wakes the other side of a socket. */
export class Knocker {
  readonly #c: CLibrary;
  #descriptor: number;

  private constructor(c: CLibrary, descriptor: number) {
    this.#c = c;
    this.#descriptor = descriptor;
  }

  /** The knocker of a connection, or undefined where that is not possible. */
  static of(connection: Connection): Knocker | undefined {
    const c = cLibrary();
    if (c === undefined) return undefined;
    const found = find(c, connection);
    if (found === undefined) return undefined;
    const own = c.fcntl.call(found, F_DUPFD_CLOEXEC, 0);
    return own < 0 ? undefined : new Knocker(c, own);
  }

  /**
   * The knocker of the connection whose next bytes are these: random ones, that
   * the other side has sent, and that nobody has begun to read.
   */
  static at(probe: Uint8Array<ArrayBuffer>): Knocker | undefined {
    const c = cLibrary();
    if (c === undefined) return undefined;
    const seen = new Uint8Array(probe.length);
    for (let fd = 0; fd <= MAX_DESCRIPTOR; fd++) {
      const length = c.recv.call(
        fd,
        seen,
        BigInt(seen.length),
        MSG_PEEK_DONTWAIT,
      );
      if (Number(length) !== probe.length) continue;
      if (seen.some((byte, i) => byte !== probe[i])) continue;
      const own = c.fcntl.call(fd, F_DUPFD_CLOEXEC, 0);
      return own < 0 ? undefined : new Knocker(c, own);
    }
  }

  /** Writes an empty fence; false where the socket does not take it now. Not while something else is being written. */
  knock(): boolean {
    if (this.#descriptor < 0) return false;
    const written = this.#c.send.call(
      this.#descriptor,
      KNOCK,
      BigInt(KNOCK.length),
      MSG_DONTWAIT_NOSIGNAL,
    );
    // A socket of this kind takes a few bytes as a whole or not at all.
    return Number(written) === KNOCK.length;
  }

  /** The other side hears of the end of a socket when all descriptors are closed. */
  close(): void {
    if (this.#descriptor < 0) return;
    this.#c.close.call(this.#descriptor);
    this.#descriptor = -1;
  }
}

function find(c: CLibrary, { path, guest }: Connection): number | undefined {
  const name = new TextEncoder().encode(path);
  const address = new Uint8Array(ADDRESS_SIZE);
  const length = new Uint32Array(1);
  const credentials = new Int32Array(3);
  const nameOf = guest === undefined ? c.getpeername : c.getsockname;
  for (let fd = 0; fd <= MAX_DESCRIPTOR; fd++) {
    length[0] = ADDRESS_SIZE;
    // Behind the family (2 bytes) the path, and a zero.
    if (
      nameOf.call(fd, address, length) !== 0 ||
      length[0] !== name.length + 3 ||
      name.some((byte, i) => address[2 + i] !== byte)
    ) continue;
    if (guest === undefined) return fd;
    // Strangers may be connected too.
    length[0] = credentials.byteLength;
    if (
      c.getsockopt.call(fd, SOL_SOCKET, SO_PEERCRED, credentials, length) ===
        0 && credentials[0] === guest
    ) return fd;
  }
}
