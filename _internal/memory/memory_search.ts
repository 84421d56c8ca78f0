// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Looks for memory by its name among the open files of all processes of this
// user: /proc/<pid>/fd/<number> is a link that ends in the name that memfd_create
// was given. So nobody has to answer, and a name is gone with the last process
// that has the memory, however that ends.

import {
  type CLibrary,
  cLibrary,
  type SearchLibrary,
  searchLibrary,
} from "./c_library.ts";

const O_RDONLY_CLOEXEC = 0o2000000;
const LOCK_EX_NB = 2 | 4;
const AT_EMPTY_PATH = 0x1000;
const STATX_UID = 0x8;
const STATX_UID_OFFSET = 20;
const STATX_SIZE = 256;
/** In an entry of a directory: where its length and its name are. */
const ENTRY_LENGTH = 16;
const ENTRY_NAME = 19;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The two libraries, where there are both. */
export interface Libraries {
  readonly c: CLibrary;
  readonly search: SearchLibrary;
}

/** The functions that it takes to share memory by name; undefined where they cannot be had. */
export function libraries(): Libraries | undefined {
  // Asked first: without the permission an attempt could end in a prompt.
  const { state } = Deno.permissions.querySync({ name: "ffi" });
  if (Deno.build.os !== "linux" || state !== "granted") return undefined;
  const c = cLibrary();
  const search = c && searchLibrary();
  return c && search && { c, search };
}

/** Where memory of a name is open: what `openMemory()` takes. */
export interface Place {
  readonly pid: number;
  readonly descriptor: number;
}

/**
 * Where memory of this name is open, in no particular order; one process can
 * have several.
 *
 * @param first The process that is looked at first.
 */
export function* placesOf(
  { c, search }: Libraries,
  name: string,
  first: number,
): Generator<Place> {
  const target = linkOf(name);
  const link = new Uint8Array(target.length + 1);
  const visit = function* (pid: number): Generator<Place> {
    for (const entry of entries(c, search, `/proc/${pid}/fd`)) {
      const descriptor = Number(entry);
      const path = encoder.encode(`/proc/${pid}/fd/${descriptor}\0`);
      const length = search.readlink.call(path, link, BigInt(link.length));
      if (isSame(link, Number(length), target)) yield { pid, descriptor };
    }
  };
  yield* visit(first);
  for (const entry of entries(c, search, "/proc")) {
    const pid = Number(entry);
    if (pid !== first) yield* visit(pid);
  }
}

/** Whether a descriptor of this process is memory of this name, made by this user. */
export function isMemoryOf(
  { search }: Libraries,
  descriptor: number,
  name: string,
): boolean {
  const target = linkOf(name);
  const link = new Uint8Array(target.length + 1);
  const path = encoder.encode(`/proc/self/fd/${descriptor}\0`);
  const length = search.readlink.call(path, link, BigInt(link.length));
  if (!isSame(link, Number(length), target)) return false;
  // Somebody who may open the files of all users is not to take theirs for its own.
  const status = new Uint8Array(STATX_SIZE);
  const uid = new DataView(status.buffer);
  return search.statx.call(
        descriptor,
        new Uint8Array(1),
        AT_EMPTY_PATH,
        STATX_UID,
        status,
      ) === 0 &&
    uid.getUint32(STATX_UID_OFFSET, IS_LITTLE_ENDIAN) ===
      search.getuid.call();
}

/** Takes the lock of all who make names; returns what gives it back, or undefined where somebody else has it. */
export function tryLockNames(
  { c, search }: Libraries,
): (() => void) | undefined {
  for (const path of LOCKED_FOLDERS) {
    const descriptor = c.open.call(
      encoder.encode(`${path}\0`),
      O_RDONLY_CLOEXEC,
    );
    if (descriptor < 0) continue;
    const isLocked = search.flock.call(descriptor, LOCK_EX_NB) === 0;
    if (isLocked) return () => void c.close.call(descriptor);
    c.close.call(descriptor);
    return undefined;
  }
  // No such folder for anybody here: names are made by chance then.
  return () => {};
}

/** A folder can be locked without a file being made, and the lock goes with its process. */
const LOCKED_FOLDERS = ["/dev/shm", "/"];

const IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

function linkOf(name: string): Uint8Array {
  return encoder.encode(`/memfd:${name} (deleted)`);
}

function isSame(link: Uint8Array, length: number, target: Uint8Array): boolean {
  return length === target.length &&
    target.every((byte, index) => byte === link[index]);
}

/** The entries of a folder that are numbers; none where it cannot be read. */
function entries(
  c: CLibrary,
  search: SearchLibrary,
  path: string,
): string[] {
  const folder = c.open.call(encoder.encode(`${path}\0`), O_RDONLY_CLOEXEC);
  if (folder < 0) return [];
  const found: string[] = [];
  const bytes = new Uint8Array(1 << 15);
  const view = new DataView(bytes.buffer);
  for (;;) {
    const end = Number(
      search.getdents64.call(folder, bytes, BigInt(bytes.length)),
    );
    if (end <= 0) break;
    for (let at = 0; at < end;) {
      const length = view.getUint16(at + ENTRY_LENGTH, IS_LITTLE_ENDIAN);
      const name = bytes.subarray(at + ENTRY_NAME, at + length);
      const text = decoder.decode(name.subarray(0, name.indexOf(0)));
      if (/^\d+$/.test(text)) found.push(text);
      at += length;
    }
  }
  c.close.call(folder);
  return found;
}
