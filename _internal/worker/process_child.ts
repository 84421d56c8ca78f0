// Copyright 2026 the @concurrent/parallel authors. MIT license.

// How a child process comes up. Every import here is paid for by every start.
//
//   1. Read one line from stdin: where the parent listens, and the key.
//   2. Connect, prove both ends (wire/handshake.ts).
//   3. Take the memory that the parent offers, if it does
//      (wire/process_rings.ts).
//   4. Start the watchdog, unless the system ends the child with its parent,
//      which it can be asked for where there is 3. It reads stdin from now on: a
//      byte is a slot to abort, the end means that the parent is gone.
//   5. Hand the channel to the guest.
//
// A child never outlives its parent, whatever either of them is doing: in 1 the
// read ends, in 2 and 3 the connection does, and user code runs only after 4,
// from when on the watchdog or the system kills the process. That is why the
// watchdog is not started later, although its 20 ms then delay the first call: a
// first call in an endless loop would have no watcher. It does not delay the
// handshake, which is over by then on the parent's side.

import { nodeProcess } from "../wire/functions/sync_modules.ts";
import {
  exitTasksDone,
  setSocketPlace,
  type SocketPlace,
} from "../base/registry.ts";
import {
  createAbortFlags,
  waitForRaises,
  WATCHDOG_SOURCE,
} from "../memory/abort_flags.ts";
import { CallSlots } from "../memory/slots.ts";
import {
  connectTo,
  offerHandshake,
  type SocketAddress,
} from "../wire/handshake.ts";
import { ProcessChannel } from "../wire/process_channel.ts";
import { removeSocket } from "../wire/socket_place.ts";
import { INTERRUPT_GRACE, type ProcessInfo, setProcess } from "./current.ts";
import { unrefWorker } from "./unref_worker.ts";

/** How long an ending child tries to get its last messages out, in ms. */
const EXIT_FLUSH = 2_000;
/** How long the child waits at a fence, in ms. Only where something else has read the lane it takes as long. */
const FENCE_TIMEOUT = 5_000;
/** The longest first line, in bytes: two names of the longest, and what the child may do. */
const MAX_HELLO = 256 * 1024;
const NEWLINE = 10;

/** What the child is told about itself. */
export interface ChildInfo {
  /** The worker's number, unique in the parent. */
  readonly id: number;
  /** The worker's label. */
  readonly name: string;
  /** How many calls may be under way at a time. */
  readonly concurrency: number;
}

/** The first line on stdin. */
export interface ChildHello {
  readonly address: SocketAddress;
  /** In hexadecimal digits. */
  readonly key: string;
  /** True: the parent offers memory behind the handshake. */
  readonly offersMemory: boolean;
  readonly info: ChildInfo;
  readonly process: ProcessInfo;
  /** Where its sockets may lie; undefined where they may lie everywhere. */
  readonly place?: SocketPlace | undefined;
}

/** What the child's entry gets. */
export interface ParentConnection {
  /** Not open yet. Ends the child in order when the parent ends it, unless `onClose` is replaced. */
  readonly channel: ProcessChannel;
  /** The states of the calls. */
  readonly slots: CallSlots;
  /** True where the parent sees them too. Else only the watchdog does, which sets the ABORT bit. */
  readonly sharesSlots: boolean;
  /** What is behind `slots` then. */
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly info: ChildInfo;
  /** Set by the owner: called at each fence, when that many raises have been seen. */
  onRaises: (count: number) => void;
  /** Ends the process by SIGINT, where nobody wants to know of it. */
  interrupted(hasHeard: () => boolean): void;
  /** Ends the process, once what was sent is on its way. */
  exit(code: number): Promise<void>;
}

/** Connects to the parent that started this process. Ends the process where there is none, or where it cannot prove itself. */
export async function connectToParent(): Promise<ParentConnection> {
  const interrupted = ignoreInterrupts();
  const { address, key, offersMemory, info, process, place } = readHello();
  setProcess(process);
  setSocketPlace(place);
  const loading = offersMemory ? import("../wire/process_rings.ts") : undefined;
  let conn: Deno.Conn;
  try {
    conn = await connectTo(address);
    await offerHandshake(conn, Uint8Array.fromHex(key));
  } catch (error) {
    giveUp(address);
    // A mistake of ours or of the flags is worth a trace; a parent that is gone
    // or does not want this child any more is not.
    if (error instanceof Deno.errors.NotCapable) throw error;
    Deno.exit(1);
  }
  const rings = await (await loading)?.takeRings(conn, {
    path: (address as { path: string }).path,
  }).catch(() => {
    giveUp(address);
    Deno.exit(1);
  });
  const words = createAbortFlags();
  if (!rings?.endsWithHost) startWatchdog(words, place?.directory);
  hideStdin();
  closeAtOnce();

  const channel = new ProcessChannel();
  channel.attach(conn, rings);
  const exit = async (code: number): Promise<void> => {
    // As a program whose event loop is empty: that was set, or 0.
    const end = () => Deno.exit(code === 0 ? Deno.exitCode : code);
    setTimeout(end, EXIT_FLUSH);
    await Promise.all([exitTasksDone(), channel.flush()]);
    end();
  };
  channel.onClose = () => void exit(0);
  const connection: ParentConnection = {
    channel,
    slots: rings?.slots ?? new CallSlots(words),
    sharesSlots: rings !== undefined,
    words,
    info,
    onRaises: () => {},
    interrupted,
    exit,
  };
  if (rings === undefined) {
    channel.onFence = (count) => {
      waitForRaises(words, count, FENCE_TIMEOUT);
      connection.onRaises(count);
    };
  }
  return connection;
}

/** A parent that was killed before it had met this child has left its socket. */
function giveUp(address: SocketAddress): void {
  if (address.transport === "unix") removeSocket(address.path);
}

/** Reads the first line, and nothing behind it: the parent is silent until the child has connected. */
function readHello(): ChildHello {
  const buffer = new Uint8Array(MAX_HELLO);
  let length = 0;
  while (length === 0 || buffer[length - 1] !== NEWLINE) {
    const count = Deno.stdin.readSync(buffer.subarray(length));
    // The parent is gone, or this program was not started by one.
    if (count === null || count === 0) Deno.exit(1);
    length += count;
  }
  const text = new TextDecoder().decode(buffer.subarray(0, length));
  return JSON.parse(text);
}

function startWatchdog(
  words: Int32Array<SharedArrayBuffer>,
  place: string | undefined,
): void {
  // A data: URL, since a file would need --allow-read. If the watchdog fails,
  // its error ends the process: better none than one without a watcher.
  const watchdog = new Worker(
    `data:text/javascript,${encodeURIComponent(WATCHDOG_SOURCE)}`,
    { type: "module", name: "watchdog" },
  );
  watchdog.postMessage({ words, place });
  unrefWorker(watchdog);
}

/**
 * Ctrl-C goes to the whole group: the parent decides what becomes of its
 * children. So nothing happens here, until it does (`Process.interrupt()`):
 *
 *   somebody listens for SIGINT     they get the signal
 *   the call has asked, or asks     it is told by `current`, and does what it likes
 *   within the grace
 *   else                            the process ends by the signal
 *
 * Returns what the parent's word leads to.
 */
function ignoreInterrupts(): (hasHeard: () => boolean) => void {
  const { addSignalListener, removeSignalListener } = Deno;
  const listeners = new Set<() => void>();
  const ignore = () => {};
  addSignalListener("SIGINT", ignore);
  const override = (name: string, value: unknown) =>
    Object.defineProperty(Deno, name, {
      value,
      configurable: true,
      writable: true,
      enumerable: true,
    });
  override("addSignalListener", (signal: Deno.Signal, fn: () => void) => {
    addSignalListener(signal, fn);
    if (signal === "SIGINT") listeners.add(fn);
  });
  override("removeSignalListener", (signal: Deno.Signal, fn: () => void) => {
    removeSignalListener(signal, fn);
    if (signal === "SIGINT") listeners.delete(fn);
  });
  const isHeard = () =>
    listeners.size > 0 || nodeProcess().listenerCount("SIGINT") > 0;
  // As `Deno.kill()`, but for this process without a permission.
  const raise = () => nodeProcess().kill(Deno.pid, "SIGINT");
  return (hasHeard) => {
    if (isHeard()) return raise();
    setTimeout(() => {
      if (hasHeard() || isHeard()) return;
      removeSignalListener("SIGINT", ignore);
      raise();
    }, INTERRUPT_GRACE);
  };
}

/**
 * Deno ends a process in a later turn of the event loop than the one of its
 * `close()`: a call would still be answered, and the next one would be taken for
 * the one that ended the process.
 */
function closeAtOnce(): void {
  Object.defineProperty(globalThis, "close", {
    configurable: true,
    enumerable: true,
    writable: true,
    value: () => Deno.exit(0),
  });
}

/**
 * Stdin is the parent's lane: a task that reads it finds it at its end, as in
 * Python's child processes, and programs that `Deno.Command` starts do not
 * inherit it, or they would take raises away. Those that `node:child_process`
 * starts with `stdio: "inherit"` do: nothing here can keep them from it.
 */
function hideStdin(): void {
  Object.defineProperties(Deno.stdin, {
    read: { value: () => Promise.resolve(null) },
    readSync: { value: () => null },
    readable: { get: () => new Blob([]).stream() },
  });
  // Made when it is asked for: Deno loads its own then, which takes 2 ms.
  const { get } = Object.getOwnPropertyDescriptor(Deno, "Command")!;
  const define = (value: unknown): void => {
    Object.defineProperty(Deno, "Command", {
      configurable: true,
      enumerable: true,
      writable: true,
      value,
    });
  };
  if (get === undefined) define(withoutStdin(Deno.Command));
  else {
    Object.defineProperty(Deno, "Command", {
      configurable: true,
      enumerable: true,
      get() {
        const Command = withoutStdin(get.call(Deno));
        define(Command);
        return Command;
      },
      set: define,
    });
  }
}

function withoutStdin(Base: typeof Deno.Command): typeof Deno.Command {
  return class Command extends Base {
    constructor(command: string | URL, options: Deno.CommandOptions = {}) {
      const { stdin = "inherit" } = options;
      super(command, {
        ...options,
        stdin: stdin === "inherit" ? "null" : stdin,
      });
    }
  };
}
