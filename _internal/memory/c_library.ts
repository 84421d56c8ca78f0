// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Functions of the C library (Linux, with --allow-ffi). Loaded only where
// processes share memory.
//
// An open library counts as a leak of whoever was running when it was opened
// (the sanitizers of `deno test`). So it is opened for a moment, to ask where its
// functions are; they stay where they are.

const FUNCTIONS = {
  memfd_create: { parameters: ["buffer", "u32"], result: "i32" },
  ftruncate: { parameters: ["i32", "i64"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  open: { parameters: ["buffer", "i32"], result: "i32" },
  lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
  mmap: {
    parameters: ["pointer", "usize", "i32", "i32", "i32", "i64"],
    result: "pointer",
  },
  munmap: { parameters: ["pointer", "usize"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockopt: {
    parameters: ["i32", "i32", "i32", "buffer", "buffer"],
    result: "i32",
  },
  prctl: { parameters: ["i32", "u64"], result: "i32" },
  send: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
} as const satisfies Record<string, Deno.ForeignFunction>;

/** What looks for memory of other processes. Some of it is younger than the C libraries that Deno runs on. */
const SEARCH_FUNCTIONS = {
  flock: { parameters: ["i32", "i32"], result: "i32" },
  getdents64: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  getuid: { parameters: [], result: "u32" },
  pread: { parameters: ["i32", "buffer", "usize", "i64"], result: "isize" },
  readlink: { parameters: ["buffer", "buffer", "usize"], result: "isize" },
  statx: {
    parameters: ["i32", "buffer", "i32", "u32", "buffer"],
    result: "i32",
  },
} as const satisfies Functions;

type Functions = Record<string, Deno.ForeignFunction>;
type Library<T extends Functions> = {
  [K in keyof T]: Deno.UnsafeFnPointer<T[K]>;
};

/** What of the C library is used. */
export type CLibrary = Library<typeof FUNCTIONS>;

/** What of it is used to look for memory of other processes. */
export type SearchLibrary = Library<typeof SEARCH_FUNCTIONS>;

const LIBRARY = "libc.so.6";

const encoder = new TextEncoder();
let functions: CLibrary | undefined;
let searchFunctions: SearchLibrary | undefined;

/** The functions, or undefined where they cannot be had. */
export function cLibrary(): CLibrary | undefined {
  return functions ??= find(FUNCTIONS);
}

/** As {@linkcode cLibrary}, of those that look for memory. */
export function searchLibrary(): SearchLibrary | undefined {
  return searchFunctions ??= find(SEARCH_FUNCTIONS);
}

function find<T extends Functions>(wanted: T): Library<T> | undefined {
  try {
    const library = Deno.dlopen(LIBRARY, {
      dlsym: { parameters: ["pointer", "buffer"], result: "pointer" },
    });
    try {
      const found = Object.entries(wanted).map(([name, definition]) => {
        const pointer = library.symbols.dlsym(
          null,
          encoder.encode(`${name}\0`),
        ) as Deno.PointerObject<Deno.ForeignFunction> | null;
        if (pointer === null) throw new TypeError(`no ${name}`);
        return [name, new Deno.UnsafeFnPointer(pointer, definition)] as const;
      });
      return Object.fromEntries(found) as unknown as Library<T>;
    } finally {
      library.close();
    }
  } catch {
    // Not allowed, another C library, or one that lacks a function: whoever
    // asks has another way.
    return undefined;
  }
}
