// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Memory with a name that processes of one user share (Linux, with --allow-ffi).
//
//   memfd     nothing of it is in any folder: the system gives it back when no
//             process has it open or mapped, however they ended
//   name      that of the memfd; who looks for it reads which files the
//             processes have open (memory_search.ts), so nobody has to answer,
//             and nobody has to take the name over from one that is gone
//   header    the first 64 KB, of which one page is used:
//             words 0 MAGIC, 1 state, 2-3 size, 4 pid of the owner,
//             5 descriptor of the owner, 6-7 number of this very memory
//
// state      meaning                                leaves by
// making     not to be found yet                    the end of create() -> linked
// linked     open() finds it                        unlink(), of whichever process -> -pid
// -pid       unlinked by that process; whoever has  never
//            it goes on with it
//
// Who has the memory open:
//
//   owner      the process that made it, until unlink() or its end: close() gives
//              up the buffer, and keeps the descriptor, so that what was sent to
//              others before can still be opened
//   borrower   who has opened or received it, until close() or its end; in the
//              process of the owner that one's descriptor is enough
//
// A name is made under one lock of all processes (a folder, by flock()), so of two
// that make it at a time one finds the other's:
//
//   1 lock  2 look for the name, linked  3 make the memory, linked  4 unlock
//
// The lock is gone with its process. A kill in 3 leaves nothing: the memory was
// not linked, or it goes with the process.
//
// The owner's descriptor is closed once: by who unlinks, where that is in the
// owner's process, in whichever thread; else by the owner, when it next makes or
// opens memory (the state says which of the two).
//
// A descriptor number that was told by others may be used for something else by
// now. So whoever opens one, or closes that of another thread, compares the name,
// the header's number and the owner of the file.

import {
  AlreadyExistsError,
  InvalidStateError,
  NotFoundError,
  NotSupportedError,
} from "../base/errors.ts";
import {
  createMemory,
  mapMemory,
  type Mapped,
  openMemory,
  sizeOfMemory,
} from "./mapping.ts";
import {
  isMemoryOf,
  type Libraries,
  libraries,
  type Place,
  placesOf,
  tryLockNames,
} from "./memory_search.ts";

/** A multiple of the page of every system. */
const HEADER_SIZE = 1 << 16;
const HEADER_BYTES = 32;
const MAGIC = 0x4d504331;
const W_MAGIC = 0;
const W_STATE = 1;
const F_SIZE = 1;
const W_PID = 4;
const W_DESCRIPTOR = 5;
const W_NUMBER = 6;
const LINKED = 1;
const PREFIX = "concurrent-parallel-";
/** How long the lock of names is waited for, in ms. Whoever has it needs it for a few. */
const LOCK_PATIENCE = 5_000;

/** What names memory for another process. */
export interface MemoryReference extends Place {
  readonly name: string;
  /** Two words: no two pieces of memory have the same. */
  readonly number: readonly [number, number];
}

/** Memory of a name, in this thread. */
export class MemoryFile {
  readonly name: string;
  /** True in the thread that has made it. */
  readonly isOwner: boolean;
  readonly #libraries: Libraries;
  readonly #header: Mapped;
  readonly #words: Int32Array;
  readonly #data: Mapped;
  readonly #number: MemoryReference["number"];
  /** This thread's own; -1 where it was closed. */
  #descriptor: number;

  private constructor(
    libraries: Libraries,
    name: string,
    descriptor: number,
    header: Mapped,
    data: Mapped,
    isOwner: boolean,
  ) {
    this.#libraries = libraries;
    this.name = name;
    this.#descriptor = descriptor;
    this.#header = header;
    this.#words = new Int32Array(header.buffer, 0, HEADER_BYTES / 4);
    this.#data = data;
    this.isOwner = isOwner;
    if (isOwner) this.#link(data.buffer.byteLength);
    this.#number = [this.#words[W_NUMBER]!, this.#words[W_NUMBER + 1]!];
    // Threads end without a word: what they had open would stay open. In the
    // owner's process its own descriptor is as good, for as long.
    if (!isOwner && this.#words[W_PID] === Deno.pid) this.#closeDescriptor();
  }

  /**
   * Makes memory, all of it 0.
   *
   * @param verb What is being done, for errors: "create shared memory".
   * @throws {NotSupportedError} If this program cannot share memory.
   * @throws {AlreadyExistsError} If somebody has memory of this name.
   * @throws {RangeError} If there is not so much memory.
   */
  static create(verb: string, size: number, name?: string): MemoryFile {
    const libraries = librariesFor(verb);
    releaseUnlinked();
    if (name === undefined) {
      const unique = crypto.getRandomValues(new Uint8Array(8)).toHex();
      return make(verb, libraries, size, `shm-${Deno.pid}-${unique}`);
    }
    const unlock = lockNames(verb, libraries);
    try {
      const taken = find(libraries, name);
      taken?.close();
      if (taken !== undefined) {
        throw new AlreadyExistsError(
          `Cannot ${verb}: '${name}' exists already`,
        );
      }
      return make(verb, libraries, size, name);
    } finally {
      unlock();
    }
  }

  /**
   * Opens memory of a name.
   *
   * @throws {NotSupportedError} If this program cannot share memory.
   * @throws {NotFoundError} If there is none.
   */
  static open(verb: string, name: string): MemoryFile {
    const libraries = librariesFor(verb);
    releaseUnlinked();
    const file = find(libraries, name);
    if (file === undefined) {
      throw new NotFoundError(`Cannot ${verb}: there is no '${name}'`);
    }
    return file;
  }

  /**
   * Opens what another thread or process has sent.
   *
   * @throws {NotSupportedError} If this program cannot share memory.
   * @throws {NotFoundError} If it was unlinked, or nobody has it any more.
   */
  static take(verb: string, reference: MemoryReference): MemoryFile {
    const libraries = librariesFor(verb);
    const { name, number } = reference;
    const file = openAt(libraries, name, reference, number) ??
      find(libraries, name, number);
    if (file !== undefined) return file;
    throw new NotFoundError(
      `Cannot ${verb}: '${name}' was unlinked, or whoever had it is gone`,
    );
  }

  /** Made by `create()` and when it is found. */
  static of(
    libraries: Libraries,
    name: string,
    descriptor: number,
    isOwner: boolean,
    size: number,
  ): MemoryFile | undefined {
    const { c } = libraries;
    const header = mapMemory(c, descriptor, HEADER_SIZE, 0);
    const data = header && mapMemory(c, descriptor, size, HEADER_SIZE);
    if (data !== undefined) {
      return new MemoryFile(
        libraries,
        name,
        descriptor,
        header!,
        data,
        isOwner,
      );
    }
    header?.unmap();
    return undefined;
  }

  /** The memory; empty once it is closed. */
  get buffer(): ArrayBuffer {
    return this.#data.buffer;
  }

  /** True after `close()`. */
  get isClosed(): boolean {
    return this.#data.buffer.detached;
  }

  /** True until somebody unlinks it. Not of a borrower that has closed it. */
  get isLinked(): boolean {
    return !this.#header.buffer.detached && this.#state === LINKED;
  }

  /** What is different from all other memory. */
  get id(): string {
    return MemoryFile.idOf({ name: this.name, number: this.#number });
  }

  /** The same, of a reference. */
  static idOf({ name, number }: Omit<MemoryReference, keyof Place>): string {
    return `${number.join()},${name}`;
  }

  /** Names the memory for another process: where its owner has it open, which it has for longest. */
  reference(): MemoryReference {
    const words = this.#words;
    return {
      name: this.name,
      number: this.#number,
      pid: words[W_PID]!,
      descriptor: words[W_DESCRIPTOR]!,
    };
  }

  /** Gives up the memory here: the buffer is empty, and so is every view of it. */
  close(): void {
    if (this.isClosed) return;
    this.#data.unmap();
    // What the owner has sent can be opened until it is unlinked.
    if (this.isOwner && this.isLinked) kept.add(this);
    else this.#release();
  }

  /**
   * Nobody can open it from now on; whoever has it keeps it.
   *
   * @throws {NotFoundError} If it was unlinked already.
   */
  unlink(verb: string): void {
    const words = this.#words;
    if (this.#header.buffer.detached) {
      // A borrower that has closed it.
      const again = find(this.#libraries, this.name, this.#number);
      again?.unlink(verb);
      again?.close();
      if (again !== undefined) return;
    } else if (
      Atomics.compareExchange(words, W_STATE, LINKED, -Deno.pid) === LINKED
    ) {
      if (this.isOwner) this.#closeDescriptor();
      else this.#closeOwners();
      if (this.isClosed) this.#release();
      return;
    }
    throw new NotFoundError(`Cannot ${verb}: there is no '${this.name}'`);
  }

  /** Owner that has closed it: gives the rest back once somebody else has unlinked it. */
  review(): void {
    if (this.#state !== LINKED) this.#release();
  }

  get #state(): number {
    return Atomics.load(this.#words, W_STATE);
  }

  /** From now on it is found. */
  #link(size: number): void {
    const words = this.#words;
    words[W_MAGIC] = MAGIC;
    new Float64Array(words.buffer, 0, HEADER_BYTES / 8)[F_SIZE] = size;
    words[W_PID] = Deno.pid;
    words[W_DESCRIPTOR] = this.#descriptor;
    crypto.getRandomValues(words.subarray(W_NUMBER, W_NUMBER + 2));
    Atomics.store(words, W_STATE, LINKED);
  }

  #release(): void {
    kept.delete(this);
    // Who unlinks in the owner's process closes the owner's descriptor.
    if (!this.isOwner || this.#state !== -Deno.pid) this.#closeDescriptor();
    this.#header.unmap();
  }

  #closeDescriptor(): void {
    if (this.#descriptor >= 0) this.#libraries.c.close.call(this.#descriptor);
    this.#descriptor = -1;
  }

  /** Closes the descriptor of another thread of this process. */
  #closeOwners(): void {
    const [pid, descriptor] = this.#words.subarray(W_PID, W_NUMBER);
    if (
      pid === Deno.pid &&
      headerOf(this.#libraries, descriptor!, this.name, this.#number)
    ) this.#libraries.c.close.call(descriptor!);
  }
}

/** What this thread has made and closed, and nobody has unlinked. */
const kept = new Set<MemoryFile>();

function releaseUnlinked(): void {
  for (const file of kept) file.review();
}

/** True where this program can share memory. */
export function canShareMemory(): boolean {
  return libraries() !== undefined;
}

function librariesFor(verb: string): Libraries {
  const found = libraries();
  if (found !== undefined) return found;
  throw new NotSupportedError(
    `Cannot ${verb}: it takes Linux and the permission --allow-ffi`,
  );
}

function make(
  verb: string,
  libraries: Libraries,
  size: number,
  name: string,
): MemoryFile {
  const { c } = libraries;
  const descriptor = createMemory(c, PREFIX + name, HEADER_SIZE + size);
  if (descriptor !== undefined) {
    const file = MemoryFile.of(libraries, name, descriptor, true, size);
    if (file !== undefined) return file;
    c.close.call(descriptor);
  }
  throw new RangeError(
    `Cannot ${verb} as 'size' must be what the system can give: current value is ${size}`,
  );
}

function find(
  libraries: Libraries,
  name: string,
  number?: MemoryReference["number"],
): MemoryFile | undefined {
  // A name that was not chosen says who made it.
  const maker = Number(/^shm-(\d+)-/.exec(name)?.[1] ?? Deno.pid);
  for (const place of placesOf(libraries, PREFIX + name, maker)) {
    const file = openAt(libraries, name, place, number);
    if (file !== undefined) return file;
  }
  return undefined;
}

function openAt(
  libraries: Libraries,
  name: string,
  { pid, descriptor }: Place,
  number: MemoryReference["number"] | undefined,
): MemoryFile | undefined {
  const { c } = libraries;
  const own = openMemory(c, pid, descriptor);
  if (own === undefined) return undefined;
  const header = headerOf(libraries, own, name, number);
  const file = header?.isLinked
    ? MemoryFile.of(libraries, name, own, false, header.size)
    : undefined;
  if (file === undefined) c.close.call(own);
  return file;
}

/** What the header of this memory says; undefined where the descriptor is of something else. */
function headerOf(
  libraries: Libraries,
  descriptor: number,
  name: string,
  number: MemoryReference["number"] | undefined,
): { readonly size: number; readonly isLinked: boolean } | undefined {
  const { c, search } = libraries;
  if (!isMemoryOf(libraries, descriptor, PREFIX + name)) return undefined;
  const words = new Int32Array(HEADER_BYTES / 4);
  const length = search.pread.call(
    descriptor,
    new Uint8Array(words.buffer),
    BigInt(HEADER_BYTES),
    0n,
  );
  const size = new Float64Array(words.buffer)[F_SIZE]!;
  const isRight = Number(length) === HEADER_BYTES &&
    words[W_MAGIC] === MAGIC &&
    sizeOfMemory(c, descriptor) === HEADER_SIZE + size &&
    (number === undefined ||
      (words[W_NUMBER] === number[0] && words[W_NUMBER + 1] === number[1]));
  return isRight ? { size, isLinked: words[W_STATE] === LINKED } : undefined;
}

function lockNames(verb: string, libraries: Libraries): () => void {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  const end = performance.now() + LOCK_PATIENCE;
  for (;;) {
    const unlock = tryLockNames(libraries);
    if (unlock !== undefined) return unlock;
    if (performance.now() > end) {
      throw new InvalidStateError(
        `Cannot ${verb}: another program holds the lock of names`,
      );
    }
    Atomics.wait(pause, 0, 0, 1);
  }
}
