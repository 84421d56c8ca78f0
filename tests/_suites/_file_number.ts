// Copyright 2026 the @concurrent/parallel authors. MIT license.

/** A number that processes share: what `SharedValue` is for threads. It lies in a file, and `add()` holds a lock of it. */
export class FileNumber {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
    this.value = 0;
  }

  get value(): number {
    using file = Deno.openSync(this.path, { read: true });
    return read(file);
  }

  set value(value: number) {
    using file = Deno.openSync(this.path, { write: true, create: true });
    write(file, value);
  }

  add(n: number): number {
    using file = Deno.openSync(this.path, { read: true, write: true });
    file.lockSync(true);
    const value = read(file) + n;
    file.seekSync(0, Deno.SeekMode.Start);
    write(file, value);
    return value;
  }
}

function read(file: Deno.FsFile): number {
  const words = new Int32Array(1);
  file.readSync(new Uint8Array(words.buffer));
  return words[0]!;
}

function write(file: Deno.FsFile, value: number): void {
  file.writeSync(new Uint8Array(Int32Array.of(value).buffer));
}
