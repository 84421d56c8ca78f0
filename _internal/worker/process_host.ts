// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The parent's end of a child process. Three roads lead to it:
//
//   socket   messages both ways (wire/socket_channel.ts)
//   stdin    out of band: first the address and the key, then a byte for each
//            raised slot; its end tells the child's watchdog that we are gone,
//            so it stays open until the child is
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
import { workerEnded, workerStarted } from "../base/registry.ts";
import { FLAGS, raiseByte } from "../memory/abort_flags.ts";
import {
  createKey,
  HOST_DEADLINE,
  Rendezvous,
  type RendezvousTransport,
} from "../wire/handshake.ts";
import { type AbortReason, plainMessage, Tag } from "../wire/messages.ts";
import { SocketChannel } from "../wire/socket_channel.ts";
import { checkPermissions, permissionFlags } from "./_permissions.ts";
import { findProjectConfig } from "./_project_config.ts";
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
  /** What the child runs. Tests give another one. */
  entry?: string | URL | undefined;
  /** The kind of socket; by default what platform and permissions allow. */
  transport?: RendezvousTransport | undefined;
  /**
   * Milliseconds that the child may take to connect.
   *
   * @default {10_000}, 60_000 where the entry comes from the network
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
  readonly channel: SocketChannel = new SocketChannel();
  /** The calls' words are not shared: a call that was sent cannot be taken back. */
  readonly slots = undefined;
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
  #early: number[] = [];
  readonly #rendezvous: Rendezvous;
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
    try {
      this.#child = this.#spawn(options);
    } catch (error) {
      this.#rendezvous.close();
      throw error;
    }
    workerStarted();
    this.pid = this.#child.pid;
    this.#child.unref();
    this.channel.unref();
    this.#lane = this.#child.stdin.getWriter();
    const hello: ChildHello = {
      address: this.#rendezvous.address,
      key: key.toHex(),
      info: {
        id: this.id,
        name: this.name,
        concurrency: options.concurrency ?? 1,
      },
    };
    this.#tell(new TextEncoder().encode(`${JSON.stringify(hello)}\n`));
    this.exited = this.#watch(options.resourceLimits);
    this.ready = this.#start(options.deadline ?? defaultDeadline(options));
    // Nobody has to wait for `ready`: `exited` tells of a failed start too.
    this.ready.catch(() => {});
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
    const byte = raiseByte(slot, reason);
    if (this.#state === "starting") this.#early.push(byte);
    else if (this.#state === "running") this.#raise(byte);
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

  #spawn(options: ProcessHostOptions): Deno.ChildProcess {
    const config = options.config ?? findProjectConfig(Deno.mainModule);
    const args = [
      "run",
      "--quiet",
      "--no-prompt",
      "--no-lock",
      ...permissionFlags(
        options.permissions,
        this.#rendezvous.address,
        options.entry,
      ),
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

  async #start(deadline: number): Promise<void> {
    let conn: Deno.Conn;
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
    // Where the child has ended in the same moment, this closes the socket.
    this.channel.attach(conn);
    if (this.#state === "ended") throw (await this.exited).error;
    if (this.#state === "starting") this.#state = "running";
    // A child whose messages cannot be read is of no use, and it may be too
    // busy to see that the socket is closed.
    void this.channel.ended.then(({ error }) => {
      if (error !== undefined) this.terminate();
    });
    for (const byte of this.#early.splice(0)) this.#raise(byte);
  }

  async #watch(limits: ResourceLimits | undefined): Promise<HostExit> {
    const { code, signal } = await this.#child.status;
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
    this.#state = "ended";
    workerEnded();
    // Frees the pipe; it has no reader any more, so it may well fail.
    await this.#lane.close().catch(() => {});
    return error === undefined ? exit : { ...exit, error };
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

/** The first child of a program may have to fetch the entry and all that it imports. */
function defaultDeadline(
  { entry = PROCESS_ENTRY }: ProcessHostOptions,
): number {
  return String(entry).startsWith("http") ? REMOTE_DEADLINE : HOST_DEADLINE;
}

/**
 * Checks what can be checked before a process is started.
 *
 * @throws {TypeError} If `permissions` is malformed, or asks for more than this program has.
 */
export function checkProcessOptions(
  { permissions }: Pick<ProcessHostOptions, "permissions">,
): void {
  checkPermissions(permissions);
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
