// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Where the Unix sockets of a process lie, and how processes with few permissions
// reach those of others.
//
// A listener has a fresh directory in the folder for temporary files, that only
// this user can enter. Whoever knows the name of the socket connects to it; Deno
// asks for `--allow-net` of that very name, and for `--allow-read` and
// `--allow-write`, with which the socket could also be taken away, or another one
// put in its place. So a process that may not read, write and connect everywhere is
// granted one directory of its own in advance, and two names in it, its doors:
//
//   listen   1. bind the door `l`
//            2. rename it to a directory of its own there
//   connect  1. ask the parent for a link from the door `c` to the socket
//            2. the first ancestor with the permissions makes it, if it is a socket of ours
//            3. connect to the door, and remove it
//
// The system knows a socket by its file, under whatever name it was bound. The
// parent makes the directory and removes it, when the process or the program ends;
// the watchdog of the process does where the parent was killed. What a process
// leaves that was killed, and may make sockets everywhere, its parent removes.

import { nodeProcess } from "./functions/sync_modules.ts";
import { linkAbove, type SocketPlace, socketPlace } from "../base/registry.ts";

/** How our directories begin; the number of the process that has made it follows. */
export const DIRECTORY_PREFIX = "concurrent-parallel-";
/** What a link may lead to, and from where. */
const OUR_SOCKET = /^(?:\/[^/\0]+)*\/concurrent-parallel-[\w-]+\/[\w/-]+$/;
const OUR_DOOR = /^(?:\/[^/\0]+)*\/concurrent-parallel-[\w/-]+\/c$/;
/** How often to try where another thread uses the same door. */
const ATTEMPTS = 100;

/** What is used of the Web Locks API; Deno's types do not have it. */
interface Locks {
  request<T>(name: string, fn: () => Promise<T>): Promise<T>;
}

/** The names that a process may listen at and connect to. */
export function doorsOf(
  { directory }: SocketPlace,
): { readonly listen: string; readonly connect: string } {
  return { listen: `${directory}/l`, connect: `${directory}/c` };
}

/** Makes a directory that only this user can enter, for one socket or for a process. */
export function makeDirectory(): string {
  return Deno.makeTempDirSync({
    // Inside the place of this process it may be made.
    ...(socketPlace() === undefined ? {} : { dir: socketPlace()!.directory }),
    prefix: socketPlace() === undefined
      ? `${DIRECTORY_PREFIX}${Deno.pid}-`
      : "",
  });
}

/** Removes it, with what is in it. */
export function removeDirectory(directory: string): void {
  try {
    Deno.removeSync(directory, { recursive: true });
  } catch (error) {
    // A child that found its parent's socket dead removes it too.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/**
 * Removes what processes have left that were killed, themselves or with their
 * parents: directories of those that are gone, in which nobody listens.
 *
 * @param socket A socket of ours, beside whose directory to look.
 */
export async function removeAbandoned(socket: string): Promise<void> {
  const [, root] = /^(.*)\/[^/]+\/[^/]+$/.exec(socket)!;
  for await (const { name } of Deno.readDir(root!)) {
    const pid = Number(/^concurrent-parallel-(\d+)-/.exec(name)?.[1] ?? NaN);
    if (Number.isNaN(pid) || !isGone(pid)) continue;
    const directory = `${root}/${name}`;
    try {
      // Of a process that only this system does not know somebody would answer.
      (await Deno.connect({ transport: "unix", path: `${directory}/s` }))
        .close();
    } catch (error) {
      const isDead = error instanceof Deno.errors.ConnectionRefused ||
        error instanceof Deno.errors.NotFound;
      if (isDead) removeDirectory(directory);
    }
  }
}

function isGone(pid: number): boolean {
  try {
    nodeProcess().kill(pid, 0);
    return false;
  } catch (error) {
    return (error as { code?: unknown }).code === "ESRCH";
  }
}

/** Binds a socket. */
export function listenAt(path: string): Deno.UnixListener {
  const own = socketPlace();
  if (own === undefined || !path.startsWith(`${own.directory}/`)) {
    return Deno.listen({ transport: "unix", path });
  }
  const door = doorsOf(own).listen;
  for (let attempt = 1;; attempt++) {
    try {
      const listener = Deno.listen({ transport: "unix", path: door });
      Deno.renameSync(door, path);
      return listener;
    } catch (error) {
      const isUsed = error instanceof Deno.errors.NotFound ||
        error instanceof Deno.errors.AddrInUse;
      if (attempt === ATTEMPTS || !isUsed) throw error;
    }
  }
}

/** Connects to a socket, wherever it was made. */
export async function connectAt(path: string): Promise<Deno.UnixConn> {
  const own = socketPlace();
  if (own === undefined || isAllowed(path)) {
    return await Deno.connect({ transport: "unix", path });
  }
  const door = doorsOf(own).connect;
  // One at a time, in all threads of the process.
  const { locks } = navigator as unknown as { locks: Locks };
  return await locks.request(door, async () => {
    if (path.startsWith(`${own.directory}/`)) await Deno.link(path, door);
    else await linkAbove(path, door);
    try {
      return await Deno.connect({ transport: "unix", path: door });
    } finally {
      await Deno.remove(door);
    }
  });
}

/**
 * Links a socket to a door of a process below this one.
 *
 * @throws {TypeError} If it is no socket of ours, or no such door.
 */
export async function linkSocket(socket: string, door: string): Promise<void> {
  if (socketPlace() !== undefined) return await linkAbove(socket, door);
  if (
    !OUR_SOCKET.test(socket) || !OUR_DOOR.test(door) ||
    !(await Deno.lstat(socket)).isSocket
  ) {
    throw new TypeError(`Cannot link ${socket}: it is no socket of ours`);
  }
  await Deno.link(socket, door);
}

/** True where Deno lets this process connect to the socket. */
function isAllowed(path: string): boolean {
  return (["read", "write", "net"] as const).every((name) => {
    const descriptor = name === "net"
      ? { name, host: `unix:${path}` } as const
      : { name, path } as const;
    return Deno.permissions.querySync(descriptor).state === "granted";
  });
}
