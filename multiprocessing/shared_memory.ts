// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Memory that processes share.
 *
 * @module
 */

import {
  InvalidStateError,
  SerializationError,
} from "../_internal/base/errors.ts";
import {
  checkObject,
  describe,
  integerOption,
} from "../_internal/base/validation.ts";
import {
  MemoryFile,
  type MemoryReference,
} from "../_internal/memory/memory_file.ts";
import { declareOwnExports } from "../_internal/wire/functions/own_exports.ts";
import { noteModule } from "../_internal/wire/functions/sync_modules.ts";
import { registerShareable } from "../_internal/wire/shareables.ts";
import { Known } from "./_known.ts";

/** The longest name, in bytes of UTF-8. */
const MAX_NAME = 200;

/** How {@linkcode SharedMemory.create} makes memory. */
export interface SharedMemoryOptions {
  /** How many bytes, at least 1. The memory has exactly this size. */
  size: number;
  /**
   * What {@linkcode SharedMemory.open} finds it by: at most 200 bytes, without
   * `/` and NUL. Without one it gets a name that nobody else has.
   */
  name?: string | undefined;
}

let fileOf: (memory: SharedMemory) => MemoryFile;
let adopt: (file: MemoryFile) => SharedMemory;

/**
 * Memory that processes of one user share: Python's
 * `multiprocessing.shared_memory.SharedMemory`. Linux, with `--allow-ffi`.
 *
 * - **Shared:** {@linkcode SharedMemory.buffer} is the same bytes in every thread and process that has it; nothing is copied.
 * - **Travel:** sent to a thread or process, captured by a function or put in a queue, it is the same memory there. Who sends it may close it at once.
 * - **Owner:** the process that has made it. Its {@linkcode SharedMemory.close} gives up the buffer; the memory can be opened and received until {@linkcode SharedMemory.unlink}, or until the process ends.
 * - **Borrower:** whoever has opened or received it. It keeps the memory, and the name, until its own `close()` or its end, also when the owner is gone.
 * - **Nothing is left:** the memory is in no folder. The system takes it back with the last process that has it, however that ends.
 * - **Order:** who writes what others read uses a lock, or `Atomics` on a view.
 *
 * Memory that is not closed stays until the process ends: the collector does not
 * find it. For numbers see `SharedArray` and `Value`.
 *
 * @example Two handles, the same bytes
 * ```ts
 * import { SharedMemory } from "@concurrent/parallel/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * using memory = SharedMemory.create({ size: 4 });
 * using same = SharedMemory.open(memory.name);
 * new Uint8Array(same.buffer)[3] = 7;
 *
 * assertEquals([...new Uint8Array(memory.buffer)], [0, 0, 0, 7]);
 * ```
 */
export class SharedMemory implements Disposable {
  readonly #file: MemoryFile;
  readonly #size: number;

  static {
    fileOf = (memory) => memory.#file;
    adopt = (file) => new SharedMemory(file);
  }

  private constructor(file: MemoryFile) {
    this.#file = file;
    this.#size = file.buffer.byteLength;
    known.set(file.id, this);
  }

  /**
   * Makes memory; all its bytes are 0. This process is its owner.
   *
   * @param options Its size, and its name.
   * @returns The memory.
   * @throws {NotSupportedError} If the program lacks `--allow-ffi`, or this is not Linux.
   * @throws {AlreadyExistsError} If there is memory of this name.
   * @throws {RangeError} If the size is not an integer of at least 1, the system cannot give so much, or the name cannot be one.
   */
  static create(options: SharedMemoryOptions): SharedMemory {
    const verb = "create shared memory";
    checkObject(verb, "options", options);
    const { size, name } = options;
    if (size === undefined) {
      throw new TypeError(
        `Cannot ${verb} as 'size' must be a number: current value is undefined`,
      );
    }
    integerOption(verb, "size", size, 1, 1);
    if (name !== undefined) checkName(verb, name);
    return new SharedMemory(MemoryFile.create(verb, size, name));
  }

  /**
   * Opens memory that a process of this user has made, whoever has it now.
   * Looking for a name takes about 3 ms for a hundred processes.
   *
   * @param name Its name.
   * @returns The memory: a handle of its own, to be closed on its own.
   * @throws {NotSupportedError} If the program lacks `--allow-ffi`, or this is not Linux.
   * @throws {NotFoundError} If there is none, or not any more.
   * @throws {RangeError} If there can be no such name.
   */
  static open(name: string): SharedMemory {
    const verb = "open shared memory";
    checkName(verb, name);
    return new SharedMemory(MemoryFile.open(verb, name));
  }

  /**
   * What it is opened by.
   *
   * @returns The name.
   */
  get name(): string {
    return this.#file.name;
  }

  /**
   * How many bytes it has, also after `close()`.
   *
   * @returns The number of bytes.
   */
  get size(): number {
    return this.#size;
  }

  /**
   * True in the handle that has made it.
   *
   * @returns False in whoever has opened or received it.
   */
  get isOwner(): boolean {
    return this.#file.isOwner;
  }

  /**
   * The bytes. They are not copied, and not shared in the sense of
   * `SharedArrayBuffer`: `Atomics.wait()` refuses them, the rest of `Atomics` works.
   *
   * @returns The same buffer each time. `close()` detaches it, and every view of it is empty then.
   * @throws {InvalidStateError} If it is closed.
   */
  get buffer(): ArrayBuffer {
    if (this.#file.isClosed) {
      throw new InvalidStateError(
        `Cannot use shared memory: '${this.name}' is closed`,
      );
    }
    return this.#file.buffer;
  }

  /** Gives up the memory in this handle. Again is no error. */
  close(): void {
    this.#file.close();
  }

  /**
   * Takes the name away, from whichever process: nobody can open or receive the
   * memory from now on. Who has it keeps it.
   *
   * @throws {NotFoundError} If it was unlinked already.
   */
  unlink(): void {
    this.#file.unlink("unlink shared memory");
  }

  /** Closes it; the owner unlinks it too, where nobody has yet. */
  [Symbol.dispose](): void {
    this.close();
    if (this.isOwner && this.#file.isLinked) this.unlink();
  }
}

const known = new Known<SharedMemory>();

function checkName(verb: string, name: unknown): void {
  if (typeof name !== "string") {
    throw new TypeError(
      `Cannot ${verb} as 'name' must be a string: current value is ${
        describe(name)
      }`,
    );
  }
  const { length } = new TextEncoder().encode(name);
  if (length === 0 || length > MAX_NAME || /[/\0]/.test(name)) {
    throw new RangeError(
      `Cannot ${verb} as 'name' must be 1 to ${MAX_NAME} bytes without '/' and NUL: current value is ${
        describe(name)
      }`,
    );
  }
}

declareOwnExports(import.meta.url, { SharedMemory });
noteModule(import.meta.url, { SharedMemory });
// Only the prototype is looked at: nobody calls the constructor.
const sharedMemoryClass = SharedMemory as unknown as new () => SharedMemory;
registerShareable("multiprocessing.SharedMemory", sharedMemoryClass, {
  encode(memory, context) {
    const file = fileOf(memory);
    if (file.isClosed) {
      const reason = `'${file.name}' is closed`;
      throw new SerializationError(`Cannot send shared memory: ${reason}`, {
        reason,
      });
    }
    context.modules.add(import.meta.url);
    return file.reference();
  },
  decode(payload) {
    const reference = payload as MemoryReference;
    const here = known.get(MemoryFile.idOf(reference));
    if (here !== undefined && !fileOf(here).isClosed) return here;
    return adopt(MemoryFile.take("receive shared memory", reference));
  },
});
