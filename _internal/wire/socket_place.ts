// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Where the Unix sockets of a process lie, and how processes with few permissions
// reach those of others.
//
// A listener has a fresh directory in the folder for temporary files, that only
// this user can enter. Whoever knows the name of the socket connects to it; Deno
// asks for `--allow-net` of that very name, and for `--allow-read` and
// `--allow-write`, with which the socket could also be taken away, or another one
// put in its place. So a process that may not read, write and connect everywhere is
// granted one directory of its own in advance, and a few names in it, its doors:
//
//   listen   1. bind the door `l`
//            2. rename it to a directory of its own there
//   connect  1. ask the parent for a link to the socket, which stays
//            2. the first ancestor with the permissions makes it, if it is a socket of ours
//            3. link a door `c0` to `c7` to that, connect to it, and remove it
//
// The system knows a socket by its file, under whatever name it was bound. The
// parent makes the directory and removes it, when the process or the program ends;
// the watchdog of the process does where the parent was killed. What a process
// leaves that was killed, and may make sockets everywhere, its parent removes; what
// a program leaves that was killed with all its processes, the next program that
// starts a process.

import { nodeProcess } from "./functions/sync_modules.ts";
import {
  linkAbove,
  noteLinking,
  type SocketPlace,
  socketPlace,
} from "../base/registry.ts";

/** How our directories begin; the number of the process that has made it follows. */
export const DIRECTORY_PREFIX = "concurrent-parallel-";
/** What a link may lead to, and from where. */
const OUR_SOCKET = /^(?:\/[^/\0]+)*\/concurrent-parallel-[\w-]+\/[\w/-]+$/;
const OUR_DOOR = /^(?:\/[^/\0]+)*\/concurrent-parallel-[\w-]+\/[\w/-]+$/;
/** How many threads of a process can be about to connect at a time. */
const DOORS = 8;
/** Milliseconds until one of them, or a socket, is looked for again. */
const PAUSE = 5;
/** Milliseconds for which it is waited for who listens. */
const PATIENCE = 30_000;
/** How long a socket may be bound before its process listens there, in ms. */
const REST = 50;
/** How often to try where another thread uses the same door. */
const ATTEMPTS = 100;

/** The names that a process may listen at and connect to. */
export function doorsOf(
  { directory }: SocketPlace,
): { readonly listen: string; readonly connect: readonly string[] } {
  return {
    listen: `${directory}/l`,
    connect: Array.from({ length: DOORS }, (_, i) => `${directory}/c${i}`),
  };
}

/** Makes a directory that only this user can enter, for one socket or for a process. */
export function makeDirectory(): string {
  const own = socketPlace();
  return own === undefined
    ? Deno.makeTempDirSync({ prefix: `${DIRECTORY_PREFIX}${Deno.pid}-` })
    : makeInside(own.directory);
}

/**
 * The same inside the place of this process. Its name is short, since the name of a
 * socket has room for some levels of them only, and random, so that none comes again:
 * processes keep their links to a socket by its name.
 */
function makeInside(place: string): string {
  for (;;) {
    const [random] = crypto.getRandomValues(new Uint32Array(1));
    // Always of 7 digits: never one of the doors.
    const directory = `${place}/${(2 ** 32 + random!).toString(36)}`;
    try {
      Deno.mkdirSync(directory, { mode: 0o700 });
      return directory;
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
  }
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
  // A program that does not see all of it asks nobody.
  const names = ["read", "write", "net", "run"] as const;
  const mayLook = names.every((name) =>
    Deno.permissions.querySync({ name }).state === "granted"
  );
  if (!mayLook) return;
  const [, root] = /^(.*)\/[^/]+\/[^/]+$/.exec(socket)!;
  for await (const { name } of Deno.readDir(root!)) {
    const pid = Number(/^concurrent-parallel-(\d+)-/.exec(name)?.[1] ?? NaN);
    if (Number.isNaN(pid) || pid === Deno.pid) continue;
    const directory = `${root}/${name}`;
    if (await isAbandoned(directory, pid)) removeDirectory(directory);
  }
}

/** True where nobody will ever listen again. */
async function isAbandoned(directory: string, pid: number): Promise<boolean> {
  const path = `${directory}/s`;
  const first = await stateOf(path);
  // Of a process that only this system does not know somebody would answer.
  if (isGone(pid)) return first === "refused" || first === "missing";
  // One that lives may have made the directory, or bound the socket, in this moment;
  // or it has the number of one that is gone.
  if (first !== "refused") return false;
  await new Promise((resolve) => setTimeout(resolve, REST));
  return await stateOf(path) === "refused";
}

/**
 * Removes one of our sockets, of which it is known that nobody is left who listens,
 * and its directory. A place that a user has chosen stays.
 */
export function removeSocket(path: string): void {
  if (!OUR_SOCKET.test(path)) return;
  try {
    Deno.removeSync(path);
    Deno.removeSync(path.slice(0, path.lastIndexOf("/")));
  } catch {
    // Removed already, or not allowed here: nothing depends on it.
  }
}

/** What connecting to a socket leads to. */
async function stateOf(
  path: string,
): Promise<"answered" | "refused" | "missing"> {
  try {
    (await Deno.connect({ transport: "unix", path })).close();
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return "refused";
    if (error instanceof Deno.errors.NotFound) return "missing";
  }
  // Or it is somebody else's.
  return "answered";
}

let swept: Promise<void> | undefined;

/** Does so once in a program. Does not reject. */
export function removeAbandonedOnce(socket: string): Promise<void> {
  return swept ??= removeAbandoned(socket).catch(() => {
    // Nothing depends on it: the folder may be gone, or be somebody else's.
  });
}

function isGone(pid: number): boolean {
  try {
    nodeProcess().kill(pid, 0);
  } catch (error) {
    return (error as { code?: unknown }).code === "ESRCH";
  }
  // One that has ended is known until its parent takes note, which some never do.
  // Those of its threads that have not ended keep its sockets open.
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return /\) [ZX] /.test(stat) &&
      Array.from(Deno.readDirSync(`/proc/${pid}/task`)).length === 1;
  } catch {
    // Gone meanwhile, or not to be known here.
    return false;
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
  const alias = aliasOf(path, own);
  const { connect } = doorsOf(own);
  if (alias !== path && !(await exists(alias))) await linkAbove(path, alias);
  for (;;) {
    const door = await openDoor(alias, connect);
    if (door === undefined) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
      continue;
    }
    try {
      return await Deno.connect({ transport: "unix", path: door });
    } finally {
      await Deno.remove(door);
    }
  }
}

/**
 * Links one of the doors to a socket; undefined where all are in use. The link is
 * the lock, so that nobody waits for a thread that is blocked meanwhile.
 *
 * @throws {Deno.errors.NotFound} If there is no such socket.
 */
async function openDoor(
  socket: string,
  doors: readonly string[],
): Promise<string | undefined> {
  for (const door of doors) {
    try {
      await Deno.link(socket, door);
      return door;
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
  }
  return undefined;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Has what `connectAt()` needs made ready, where that takes the event loop of this
 * thread: who will connect is another one, while this one may be blocked.
 */
export function prepareSocket(path: string): void {
  const own = socketPlace();
  if (own === undefined || isAllowed(path)) return;
  const alias = aliasOf(path, own);
  if (alias === path || prepared.has(alias)) return;
  prepared.add(alias);
  // Where it fails, so will the one who connects, and tells.
  noteLinking(linkAbove(path, alias).catch(() => {}));
}

/** Asked for by this thread. */
const prepared = new Set<string>();

/** Under which name a process keeps its link to a socket. */
function aliasOf(path: string, { directory }: SocketPlace): string {
  return path.startsWith(`${directory}/`)
    ? path
    : `${directory}/${path.replace(/\W/g, "-")}`;
}

/**
 * Links a socket to a name of a process below this one.
 *
 * @throws {TypeError} If it is no socket of ours, or no such door.
 */
export async function linkSocket(socket: string, door: string): Promise<void> {
  if (socketPlace() !== undefined) return await linkAbove(socket, door);
  // A place is claimed before the thread has come up that listens there.
  const directory = socket.slice(0, socket.lastIndexOf("/"));
  for (
    let waited = 0;
    OUR_SOCKET.test(socket) && waited < PATIENCE && !(await exists(socket)) &&
    await exists(directory);
    waited += PAUSE
  ) await new Promise((resolve) => setTimeout(resolve, PAUSE));
  if (
    !OUR_SOCKET.test(socket) || !OUR_DOOR.test(door) ||
    !(await Deno.lstat(socket)).isSocket
  ) {
    throw new TypeError(`Cannot link ${socket}: it is no socket of ours`);
  }
  try {
    await Deno.link(socket, door);
  } catch (error) {
    // Two threads have asked.
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
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
