// Copyright 2026 the @concurrent/parallel authors. MIT license.

/** A Web Worker and `postMessage`, by hand: the least that a program can do. */
export class RawWorker implements Disposable {
  readonly #worker: Worker;
  readonly #calls = new Map<number, (result: number) => void>();
  #lastId = 0;

  constructor() {
    const entry = new URL("./raw_worker_entry.ts", import.meta.url);
    this.#worker = new Worker(entry, { type: "module" });
    this.#worker.onmessage = ({ data: [id, result] }) => {
      this.#calls.get(id)!(result);
      this.#calls.delete(id);
    };
  }

  /** Sends a value and waits for what `measure` says of it. */
  call(value: unknown): Promise<number> {
    return new Promise((resolve) => {
      const id = ++this.#lastId;
      this.#calls.set(id, resolve);
      this.#worker.postMessage([id, value]);
    });
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}
