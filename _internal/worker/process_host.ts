// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The parent's end of a child process. Three roads lead to it:
//
//   socket   messages both ways (wire/process_channel.ts). Where both may use
//            --allow-ffi, on Linux, beside it rings and call states in memory
//            that the two share (wire/process_rings.ts)
//   stdin    out of band: first the address and the key, then, without shared
//            memory, a byte for each raised slot; its end tells the child's
//            watchdog that we are gone, so it stays open until the child is
//   status   how the child ended
//
// None of them keeps the program alive once the child is up: an idle pool must
// not. While the child comes up, and once it was told to end, they do: somebody
// waits for that, and it does not last.

import {
  NotSupportedError,
  TimeoutError,
  WorkerCrashedError,
} from "../base/errors.ts";
import {
  farewell,
  type SocketPlace,
  workerEnded,
  workerStarted,
} from "../base/registry.ts";
import { describe } from "../base/validation.ts";
import { FLAGS, raiseByte } from "../memory/abort_flags.ts";
import { canPark } from "../memory/bell.ts";
import { nextProcessNumber } from "../memory/domain.ts";
import type { CallSlots } from "../memory/slots.ts";
import {
  claimDirectory,
  releaseDirectory,
} from "../wire/authenticated_listener.ts";
import {
  createKey,
  type SocketAddress,
  type SocketTransport,
} from "../wire/handshake.ts";
import { type AbortReason, plainMessage, Tag } from "../wire/messages.ts";
import { ProcessChannel } from "../wire/process_channel.ts";
import type { ProcessRings } from "../wire/process_rings.ts";
import { HOST_DEADLINE, Rendezvous } from "../wire/rendezvous.ts";
import { removeAbandoned, removeAbandonedOnce } from "../wire/socket_place.ts";
import { hostPump, meetCrowd } from "../wire/thread_link.ts";
import {
  checkPermissions,
  partialGrants,
  permissionFlags,
} from "./_permissions.ts";
import { findProjectConfig } from "./_project_config.ts";
import { MAIN_PROCESS, type ProcessInfo, thisProcess } from "./current.ts";
import { PROCESS_ENTRY } from "./entry_urls.ts";
import type { HostExit, HostOptions, WorkerHost } from "./host.ts";
import type { ChildHello } from "./process_child.ts";
import {
  hasHeapLimit,
  limitFlags,
  overflowError,
  type ResourceLimits,
} from "./resource_limits.ts";

/** How long a child may take to connect whose entry comes from the network, in ms. */
const REMOTE_DEADLINE = 60_000;
/** The exit code of a program that a trap has ended, on Windows. */
const WINDOWS_BREAKPOINT = 0x80000003;
/** The longest name, in UTF-16 units: even where JSON makes six bytes of each, the child's first line has room for it. */
const MAX_NAME = 8192;

/** Options for {@linkcode ProcessHost}. */
export interface ProcessHostOptions extends HostOptions {
  /**
   * What the child may do; never more than this program may.
   *
   * @default {"inherit"}
   */
  permissions?: Deno.PermissionOptions | undefined;
  /** Environment variables on top of this program's. */
  env?: Record<string, string> | undefined;
  /** The child's working directory; this program's by default. */
  cwd?: string | URL | undefined;
  /**
   * How many calls the child may have under way at a time.
   *
   * @default {1}
   */
  concurrency?: number | undefined;
  /** The configuration file; by default the one that the main module's folder or one above it holds. `false`: none. */
  config?: string | false | undefined;
  /** More flags for `deno run`, such as `--v8-flags=…`. */
  flags?: readonly string[] | undefined;
  /** What the child may use of memory. */
  resourceLimits?: ResourceLimits | undefined;
  /** Its number among the children of this process; by default the next one. */
  number?: number | undefined;
  /** What the child says about itself: nobody waits for it when the program ends. */
  daemon?: boolean | undefined;
  /** What the child runs. Tests give another one. */
  entry?: string | URL | undefined;
  /** The kind of socket; by default what platform and permissions allow. */
  transport?: SocketTransport | undefined;
  /**
   * Whether the child shares memory with this program where it can.
   *
   * @default {true}
   */
  sharesMemory?: boolean | undefined;
  /**
   * Milliseconds that the child may take to connect.
   *
   * @default {30_000}, 60_000 where the entry comes from the network
   */
  deadline?: number | undefined;
}

/**
 * ```text
 * state      meaning                             leaves by
 * starting   spawned, not connected yet          handshake -> running; stop(), terminate(), deadline -> stopping
 * running    the channel has its socket          stop(), terminate() -> stopping
 * stopping   told or made to end                 the process is gone -> ended
 * ended      `exited` has resolved               never
 * ```
 * From every state the end of the process leads to `ended`.
 */
type ProcessHostState = "starting" | "running" | "stopping" | "ended";

/** A child process that runs the guest. */
export class ProcessHost implements WorkerHost {
  readonly kind = "process";
  readonly agent = 0;
  readonly id: number;
  readonly name: string;
  readonly pid: number;
  readonly channel: ProcessChannel = new ProcessChannel();
  /** Resolves when the child has connected. Rejects where it does not; `exited` resolves then too. */
  readonly ready: Promise<void>;
  readonly exited: Promise<HostExit>;
  readonly stuck = false;

  #state: ProcessHostState = "starting";
  /** Why the child was ended while it came up. */
  #startError: unknown;
  /** Raises sent so far, for the fences behind them. */
  #raises = 0;
  /** Raises of the time in which the child came up: until it has connected, nothing but its first line may go to stdin. */
  #early: (readonly [slot: number, reason: AbortReason])[] = [];
  /** Undefined until the child has connected, and where it shares no memory. */
  #rings: ProcessRings | undefined;
  readonly #rendezvous: Rendezvous;
  /** Where the sockets of a child lie that may not make them everywhere. */
  #place: SocketPlace | undefined;
  readonly #child: Deno.ChildProcess;
  readonly #lane: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;

  /**
   * Starts the process.
   *
   * @throws {NotSupportedError} If a permission is missing, or in a compiled program.
   * @throws {TypeError} If `permissions` is malformed, or asks for more than this program has.
   * @throws {RangeError} If `name` is longer than 8192 characters.
   */
  constructor(options: ProcessHostOptions) {
    this.id = options.id;
    this.name = options.name;
    checkProcessOptions(options);
    checkName(options.name);
    checkPlatform();
    const key = createKey();
    this.#rendezvous = new Rendezvous(key, { transport: options.transport });
    const flags = this.#flags(options);
    const { address } = this.#rendezvous;
    const offersMemory = (options.sharesMemory ?? true) &&
      canShare(flags, address);
    try {
      this.#child = this.#spawn(options, flags);
    } catch (error) {
      this.#rendezvous.close();
      releaseDirectory(this.#place?.directory);
      throw error;
    }
    workerStarted();
    this.pid = this.#child.pid;
    this.#child.unref();
    this.channel.unref();
    this.#lane = this.#child.stdin.getWriter();
    const hello: ChildHello = {
      address,
      key: key.toHex(),
      offersMemory,
      info: {
        id: this.id,
        name: this.name,
        concurrency: options.concurrency ?? 1,
      },
      process: childInfo(options),
      place: this.#place,
    };
    this.#tell(new TextEncoder().encode(`${JSON.stringify(hello)}\n`));
    this.exited = this.#watch(options.resourceLimits);
    this.ready = this.#start(
      options.deadline ?? defaultDeadline(options),
      offersMemory,
    );
    // Nobody has to wait for `ready`: `exited` tells of a failed start too.
    this.ready.catch(() => {});
  }

  /** The call states, where the two share memory. A call that was sent before that is known cannot be taken back. */
  get slots(): CallSlots | undefined {
    return this.#rings?.slots;
  }

  open(): void {
    this.channel.open();
  }

  started(): void {
    // The handshake came before; nothing waits for the guest's own word.
  }

  guestExiting(): void {
    // The status of the process tells the code.
  }

  raise(slot: number, reason: AbortReason): void {
    if (!Number.isInteger(slot) || slot < 0 || slot >= FLAGS) {
      throw new RangeError(
        `Cannot raise flag as 'slot' must be an integer from 0 to ${
          FLAGS - 1
        }: current value is ${slot}`,
      );
    }
    if (this.#rings !== undefined) this.#rings.slots.abort(slot, reason);
    else if (this.#state === "starting") this.#early.push([slot, reason]);
    else if (this.#state === "running") this.#raise(raiseByte(slot, reason));
  }

  stop(code = 0): void {
    if (this.#state !== "starting" && this.#state !== "running") return;
    // While it comes up too: the message waits in the channel.
    this.channel.send(plainMessage({ tag: Tag.stop, code }));
    if (this.#state === "running") this.#state = "stopping";
    try {
      this.#child.ref();
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }

  unref(): void {
    this.#child.unref();
  }

  terminate(signal: Deno.Signal = "SIGKILL"): void {
    if (this.#state === "ended") return;
    // A signal can be handled or ignored: only this one is sure to end the child.
    if (signal === "SIGKILL") this.#state = "stopping";
    try {
      this.#child.ref();
      this.#child.kill(signal);
    } catch (error) {
      // Gone already; `exited` is about to tell so.
      if (!isGone(error)) throw error;
    }
  }

  probe(): void {
    // The status of a child process comes by itself.
  }

  #flags({ permissions, entry }: ProcessHostOptions): string[] {
    const { address } = this.#rendezvous;
    const flags = permissionFlags(permissions, address, entry);
    if (address.transport === "tcp" || isFree(flags)) return flags;
    this.#place = { directory: claimDirectory() };
    return permissionFlags(permissions, address, entry, this.#place);
  }

  #spawn(
    options: ProcessHostOptions,
    permissions: readonly string[],
  ): Deno.ChildProcess {
    const config = options.config ?? findProjectConfig(Deno.mainModule);
    const args = [
      "run",
      "--quiet",
      "--no-prompt",
      "--no-lock",
      ...permissions,
      ...(typeof config === "string" ? ["--config", config] : []),
      ...(options.config === false ? ["--no-config"] : []),
      ...limitFlags(options.resourceLimits),
      ...(options.flags ?? []),
      String(options.entry ?? PROCESS_ENTRY),
    ];
    try {
      return new Deno.Command(Deno.execPath(), {
        args,
        stdin: "piped",
        stdout: "inherit",
        stderr: "inherit",
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
        ...(options.env === undefined ? {} : { env: options.env }),
      }).spawn();
    } catch (error) {
      if (!(error instanceof Deno.errors.NotCapable)) throw error;
      throw new NotSupportedError(
        `Cannot start process without --allow-run=${Deno.execPath()}`,
        { cause: error },
      );
    }
  }

  async #start(deadline: number, offersMemory: boolean): Promise<void> {
    let conn: Deno.Conn;
    // Meanwhile the child comes up.
    const loading = offersMemory
      ? import("../wire/process_rings.ts")
      : undefined;
    try {
      conn = await this.#rendezvous.accept({ deadline });
    } catch (error) {
      // Closed by #watch() where the child has ended, by the deadline where it
      // hangs: that child is of no use to anybody any more.
      this.#startError = error instanceof TimeoutError
        ? new TimeoutError(
          `Cannot start process worker "${this.name}": it has not connected within ${deadline} ms`,
          { cause: error },
        )
        : error;
      this.terminate();
      const exit = await this.exited;
      throw exit.error;
    }
    const rings = await (await loading)?.offerRings(conn, {
      path: (this.#rendezvous.address as { path: string }).path,
      guest: this.pid,
    }, { pump: hostPump, meetCrowd });
    // Where the child has ended in the same moment, this closes the socket.
    this.channel.attach(conn, rings);
    if (this.#state === "ended") {
      rings?.release();
      throw (await this.exited).error;
    }
    this.#rings = rings;
    if (this.#state === "starting") this.#state = "running";
    // A child whose messages cannot be read is of no use, and it may be too
    // busy to see that the socket is closed.
    void this.channel.ended.then(({ error }) => {
      if (error !== undefined) this.terminate();
    });
    for (const early of this.#early.splice(0)) this.raise(...early);
    // Its end is waited for with that of the child.
    void this.#sweep(false);
  }

  async #watch(limits: ResourceLimits | undefined): Promise<HostExit> {
    const { code, signal } = await this.#child.status;
    releaseDirectory(this.#place?.directory);
    const wasStarting = this.channel.isConnected === false;
    this.#rendezvous.close();
    const exit = signal === null
      ? { exitCode: code }
      : { exitCode: undefined, signal };
    let error: unknown;
    if (wasStarting) {
      error = this.#startError instanceof TimeoutError
        ? this.#startError
        : new WorkerCrashedError(
          `Cannot start process worker "${this.name}": it ended with ${
            signal ?? `exit code ${code}`
          } before it had connected`,
          { worker: this.name, ...exit },
        );
      this.channel.fail(error);
    } else {
      // What the child sent before it ended is delivered before `exited`
      // resolves. Opened in case the owner has not: only a reader sees the end.
      this.channel.open();
      ({ error } = await this.channel.ended);
      if (isOverflow(limits, code, signal)) error = overflowError(limits!);
    }
    // What it has done elsewhere counts before its end is known.
    await farewell(this.pid);
    await this.#sweep(signal !== null);
    this.#state = "ended";
    // Who asks for the calls' states from now on finds a copy.
    this.#rings?.release();
    workerEnded();
    // Frees the pipe; it has no reader any more, so it may well fail.
    await this.#lane.close().catch(() => {});
    return error === undefined ? exit : { ...exit, error };
  }

  /**
   * Removes the sockets of those that could not do so: of the child, where it was
   * killed, and of what it has started; once, those of programs before this one.
   */
  async #sweep(isKilled: boolean): Promise<void> {
    const { address } = this.#rendezvous;
    // What it has left, where it is narrowed, is in its place.
    if (address.transport === "tcp" || this.#place !== undefined) return;
    await removeAbandonedOnce(address.path);
    if (isKilled) await removeAbandoned(address.path);
  }

  #raise(byte: number): void {
    this.#raises = (this.#raises + 1) >>> 0;
    this.#tell(new Uint8Array([byte]));
    this.channel.fence(this.#raises);
  }

  /** Writes to the child's stdin. */
  #tell(bytes: Uint8Array<ArrayBuffer>): void {
    // Fails only where the child is gone, and #watch() reports that.
    this.#lane.write(bytes).catch(() => {});
  }
}

/** Whether a child with these flags can make and reach sockets everywhere. */
function isFree(flags: readonly string[]): boolean {
  return flags.includes("--allow-all") ||
    ["net", "read", "write"].every((name) => flags.includes(`--allow-${name}`));
}

/** What the child is told about itself. */
function childInfo(
  { name, number = nextProcessNumber(), daemon = false, permissions }:
    ProcessHostOptions,
): ProcessInfo {
  const self = thisProcess();
  return {
    name,
    daemon,
    path: self === undefined ? `${number}` : `${self.path}:${number}`,
    grants: partialGrants(permissions),
    parent: { pid: Deno.pid, name: self?.name ?? MAIN_PROCESS },
  };
}

/** Whether both may use memory of the operating system: the parent has what it gives. */
function canShare(
  flags: readonly string[],
  { transport }: SocketAddress,
): boolean {
  return Deno.build.os === "linux" && transport === "unix" && canPark &&
    (flags.includes("--allow-all") || flags.includes("--allow-ffi"));
}

/** The first child of a program may have to fetch the entry and all that it imports. */
function defaultDeadline(
  { entry = PROCESS_ENTRY }: ProcessHostOptions,
): number {
  return String(entry).startsWith("http") ? REMOTE_DEADLINE : HOST_DEADLINE;
}

/**
 * Checks what can be checked before a process is started.
 *
 * @throws {TypeError} If an option is malformed, or `permissions` asks for more than this program has.
 */
export function checkProcessOptions(
  { permissions, env, cwd }: Pick<
    ProcessHostOptions,
    "permissions" | "env" | "cwd"
  >,
): void {
  checkPermissions(permissions);
  if (env !== undefined) checkEnv(env);
  if (cwd !== undefined && typeof cwd !== "string" && !isFileUrl(cwd)) {
    throw invalid("cwd", "a path or a file: URL", cwd);
  }
}

function checkEnv(env: unknown): void {
  if (typeof env !== "object" || env === null || Array.isArray(env)) {
    throw invalid("env", "an object", env);
  }
  for (const [name, value] of Object.entries(env)) {
    // What the system would take for the end of the name, or of the value.
    if (name === "" || /[=\0]/.test(name)) {
      throw invalid("env", "of names without '=' and NUL", name);
    }
    if (typeof value !== "string" || value.includes("\0")) {
      throw invalid(`env.${name}`, "a string without NUL", value);
    }
  }
}

function isFileUrl(value: unknown): boolean {
  return value instanceof URL && value.protocol === "file:";
}

function invalid(param: string, constraint: string, value: unknown): TypeError {
  return new TypeError(
    `Cannot start process as '${param}' must be ${constraint}: current value is ${
      describe(value)
    }`,
  );
}

/** @throws {RangeError} If the child could not read a name of that length. */
function checkName(name: string): void {
  if (name.length > MAX_NAME) {
    throw new RangeError(
      `Cannot start process as 'name' must be of at most ${MAX_NAME} characters: current value is of ${name.length}`,
    );
  }
}

/** @throws {NotSupportedError} If this program cannot start others. */
function checkPlatform(): void {
  if (Deno.build.standalone) {
    throw new NotSupportedError(
      "Cannot start process: a compiled program has no runtime to start it with",
    );
  }
  const descriptor = { name: "run", command: Deno.execPath() } as const;
  if (Deno.permissions.querySync(descriptor).state === "denied") {
    throw new NotSupportedError(
      `Cannot start process without --allow-run=${Deno.execPath()}`,
    );
  }
}

/** V8 ends a program whose heap is full with a trap, and says why on standard error. */
function isOverflow(
  limits: ResourceLimits | undefined,
  code: number,
  signal: Deno.Signal | null,
): boolean {
  if (!hasHeapLimit(limits)) return false;
  return signal === "SIGTRAP" || signal === "SIGABRT" ||
    code === WINDOWS_BREAKPOINT;
}

/** True for the error of a signal to a process that has ended, also where Deno knows it and has not said so yet (`BadResource`). */
function isGone(error: unknown): boolean {
  return error instanceof TypeError || error instanceof Deno.errors.NotFound ||
    error instanceof Deno.errors.BadResource;
}
