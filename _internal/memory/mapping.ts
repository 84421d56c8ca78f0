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

const NAME = "concurrent-parallel";
const MFD_CLOEXEC_ALLOW_SEALING = 1 | 2;
const F_ADD_SEALS = 1033;
const F_GET_SEALS = 1034;
const SEAL_SIZE = 1 | 2 | 4;
const O_RDWR_CLOEXEC = 0o2000002;
const SEEK_END = 2;
const PROT_READ_WRITE = 1 | 2;
const MAP_SHARED = 1;
const MAP_FAILED = -1n;

const encoder = new TextEncoder();

/** A piece of memory in this process. */
export interface Mapped {
  readonly buffer: ArrayBuffer;
  /** Gives it back; the buffer is empty from then on. */
  unmap(): void;
}

/** Memory of this process that another one can open. */
export interface Mapping extends Mapped {
  /** Its number among the open files of this process, until `seal()`. */
  readonly descriptor: number;
  /** Nobody can open it any more. */
  seal(): void;
}

/** Makes memory that can be shared, or returns undefined where that is not possible. */
export function createMapping(size: number): Mapping | undefined {
  const c = cLibrary();
  const descriptor = c && createMemory(c, NAME, size);
  if (descriptor === undefined) return undefined;
  const mapped = mapMemory(c!, descriptor, size, 0);
  if (mapped === undefined) {
    c!.close.call(descriptor);
    return undefined;
  }
  return { ...mapped, descriptor, seal: () => void c!.close.call(descriptor) };
}

/** Opens what another process has made, for as long as this one lives; undefined where that is not possible. */
export function openMapping(
  pid: number,
  descriptor: number,
  size: number,
): ArrayBuffer | undefined {
  return openMapped(pid, descriptor, size)?.buffer;
}

/** As {@linkcode openMapping}, for shorter than this process lives. */
export function openMapped(
  pid: number,
  descriptor: number,
  size: number,
): Mapped | undefined {
  const c = cLibrary();
  if (c === undefined) return undefined;
  const own = openMemory(c, pid, descriptor);
  if (own === undefined) return undefined;
  const mapped = sizeOfMemory(c, own) === size
    ? mapMemory(c, own, size, 0)
    : undefined;
  c.close.call(own);
  return mapped;
}

/** Steps 1 and 2; returns the descriptor. */
export function createMemory(
  c: CLibrary,
  name: string,
  size: number,
): number | undefined {
  const descriptor = c.memfd_create.call(
    encoder.encode(`${name}\0`),
    MFD_CLOEXEC_ALLOW_SEALING,
  );
  if (descriptor < 0) return undefined;
  if (
    c.ftruncate.call(descriptor, BigInt(size)) === 0 &&
    c.fcntl.call(descriptor, F_ADD_SEALS, SEAL_SIZE) === 0
  ) return descriptor;
  c.close.call(descriptor);
  return undefined;
}

/** Opens a descriptor of another process of this user; returns one of this process. */
export function openMemory(
  c: CLibrary,
  pid: number,
  descriptor: number,
): number | undefined {
  const path = encoder.encode(`/proc/${pid}/fd/${descriptor}\0`);
  const own = c.open.call(path, O_RDWR_CLOEXEC);
  return own < 0 ? undefined : own;
}

/** How much memory there is, of which nothing can be taken away; undefined where that is not sure. */
export function sizeOfMemory(
  c: CLibrary,
  descriptor: number,
): number | undefined {
  const seals = c.fcntl.call(descriptor, F_GET_SEALS, 0);
  return seals < 0 || (seals & SEAL_SIZE) !== SEAL_SIZE
    ? undefined
    : Number(c.lseek.call(descriptor, 0n, SEEK_END));
}

/** Maps a piece of it; undefined where there is no room. */
export function mapMemory(
  c: CLibrary,
  descriptor: number,
  size: number,
  offset: number,
): Mapped | undefined {
  const pointer = c.mmap.call(
    null,
    BigInt(size),
    PROT_READ_WRITE,
    MAP_SHARED,
    descriptor,
    BigInt(offset),
  );
  const address = BigInt.asIntN(64, Deno.UnsafePointer.value(pointer));
  if (pointer === null || address === MAP_FAILED) return undefined;
  const buffer = Deno.UnsafePointerView.getArrayBuffer(pointer, size);
  return {
    buffer,
    unmap: () => {
      if (buffer.detached) return;
      buffer.transfer();
      c.munmap.call(pointer, BigInt(size));
    },
  };
}
