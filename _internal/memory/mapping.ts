// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Memory that two processes of one user share. Linux, and with --allow-ffi:
// there is no other way to it. Loaded only where processes use it.
//
//   owner                                      taker
//   1 memfd_create: memory without a name,
//     nothing is left of it after a kill
//   2 seal it: nobody makes it smaller under
//     the other's feet, which would be SIGBUS
//   3 mmap
//   4 tell the other side pid and number  -->  5 open /proc/<pid>/fd/<number>,
//                                                which only the same user may
//                                              6 check the size, mmap, close
//   8 close the descriptor                <--  7 tell that it has it
//
// The memory lives as long as it is mapped anywhere. A buffer is detached before
// its memory is unmapped: what still holds a view of it finds it empty, and
// Atomics throw, where an access would have ended the program.

import { type CLibrary, cLibrary } from "./c_library.ts";

const NAME = "concurrent-parallel\0";
const MFD_CLOEXEC_ALLOW_SEALING = 1 | 2;
const F_ADD_SEALS = 1033;
const SEAL_SIZE = 1 | 2 | 4;
const O_RDWR_CLOEXEC = 0o2000002;
const SEEK_END = 2;
const PROT_READ_WRITE = 1 | 2;
const MAP_SHARED = 1;
const MAP_FAILED = -1n;

const encoder = new TextEncoder();

/** Memory of this process that another one can open. */
export interface Mapping {
  readonly buffer: ArrayBuffer;
  /** Its number among the open files of this process, until `seal()`. */
  readonly descriptor: number;
  /** Nobody can open it any more. */
  seal(): void;
  /** Gives the memory back; the buffer is empty from then on. */
  unmap(): void;
}

/** Makes memory that can be shared, or returns undefined where that is not possible. */
export function createMapping(size: number): Mapping | undefined {
  const c = cLibrary();
  if (c === undefined) return undefined;
  const descriptor = c.memfd_create.call(
    encoder.encode(NAME),
    MFD_CLOEXEC_ALLOW_SEALING,
  );
  if (descriptor < 0) return undefined;
  const isSized = c.ftruncate.call(descriptor, BigInt(size)) === 0 &&
    c.fcntl.call(descriptor, F_ADD_SEALS, SEAL_SIZE) === 0;
  const pointer = isSized ? map(c, descriptor, size) : null;
  if (pointer === null) {
    c.close.call(descriptor);
    return undefined;
  }
  const buffer = Deno.UnsafePointerView.getArrayBuffer(pointer, size);
  return {
    buffer,
    descriptor,
    seal: () => void c.close.call(descriptor),
    unmap: () => {
      if (buffer.detached) return;
      buffer.transfer();
      c.munmap.call(pointer, BigInt(size));
    },
  };
}

/** Opens what another process has made, for as long as this one lives; undefined where that is not possible. */
export function openMapping(
  pid: number,
  descriptor: number,
  size: number,
): ArrayBuffer | undefined {
  const c = cLibrary();
  if (c === undefined) return undefined;
  const path = encoder.encode(`/proc/${pid}/fd/${descriptor}\0`);
  const own = c.open.call(path, O_RDWR_CLOEXEC);
  if (own < 0) return undefined;
  const pointer = Number(c.lseek.call(own, 0n, SEEK_END)) === size
    ? map(c, own, size)
    : null;
  c.close.call(own);
  return pointer === null
    ? undefined
    : Deno.UnsafePointerView.getArrayBuffer(pointer, size);
}

function map(
  c: CLibrary,
  descriptor: number,
  size: number,
): Deno.PointerObject | null {
  const pointer = c.mmap.call(
    null,
    BigInt(size),
    PROT_READ_WRITE,
    MAP_SHARED,
    descriptor,
    0n,
  );
  const address = BigInt.asIntN(64, Deno.UnsafePointer.value(pointer));
  return address === MAP_FAILED ? null : pointer;
}
