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
  close: { parameters: ["i32"], result: "i32" },
} as const satisfies Record<string, Deno.ForeignFunction>;

/** What of the C library is used. */
export type CLibrary = {
  [K in keyof typeof FUNCTIONS]: Deno.UnsafeFnPointer<typeof FUNCTIONS[K]>;
};

const LIBRARY = "libc.so.6";

const encoder = new TextEncoder();
let functions: CLibrary | undefined;

/** The functions, or undefined where they cannot be had. */
export function cLibrary(): CLibrary | undefined {
  if (functions !== undefined) return functions;
  try {
    const library = Deno.dlopen(LIBRARY, {
      dlsym: { parameters: ["pointer", "buffer"], result: "pointer" },
    });
    try {
      const found = (Object.keys(FUNCTIONS) as (keyof CLibrary)[]).map(
        (name) => {
          const pointer = library.symbols.dlsym(
            null,
            encoder.encode(`${name}\0`),
          ) as Deno.PointerObject<Deno.ForeignFunction> | null;
          if (pointer === null) throw new TypeError(`no ${name}`);
          const definition: Deno.ForeignFunction = FUNCTIONS[name];
          return [name, new Deno.UnsafeFnPointer(pointer, definition)] as const;
        },
      );
      functions = Object.fromEntries(found) as unknown as CLibrary;
    } finally {
      library.close();
    }
  } catch {
    // Not allowed, another C library, or one that lacks a function: whoever
    // asks has another way.
    return undefined;
  }
  return functions;
}
