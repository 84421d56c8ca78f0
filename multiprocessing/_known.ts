// Copyright 2026 the @concurrent/parallel authors. MIT license.

// One JavaScript object in each thread for what is shared between processes,
// however often it arrives.

/** The objects of one class that this thread has, by what they are called everywhere. */
export class Known<T extends object> {
  readonly #objects = new Map<string, WeakRef<T>>();
  readonly #cleaner = new FinalizationRegistry<string>((id) => {
    // It may have arrived again meanwhile.
    if (this.get(id) === undefined) this.#objects.delete(id);
  });

  /** The object of this name, where there is one. */
  get(id: string): T | undefined {
    return this.#objects.get(id)?.deref();
  }

  /** Makes an object the one of this name. */
  set(id: string, object: T): void {
    this.#objects.set(id, new WeakRef(object));
    this.#cleaner.register(object, id);
  }
}
