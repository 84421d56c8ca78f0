// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Signal numbers, for exit codes as Python has them. `node:os` knows them too,
// but takes 9 ms to import. POSIX fixes the first table; the others differ.

const EVERYWHERE: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
};
const LINUX: Readonly<Record<string, number>> = {
  SIGBUS: 7,
  SIGUSR1: 10,
  SIGUSR2: 12,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGIO: 29,
  SIGSYS: 31,
};
const DARWIN: Readonly<Record<string, number>> = {
  SIGBUS: 10,
  SIGSYS: 12,
  SIGIO: 23,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGUSR1: 30,
  SIGUSR2: 31,
};

/** The number of a signal on this system; undefined where it is not known. */
export function signalNumber(name: string): number | undefined {
  return EVERYWHERE[name] ??
    (Deno.build.os === "darwin" ? DARWIN : LINUX)[name];
}
