// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What threads hand each other beside their channels: things that only the
// platform can carry (buffers, ports), for values in a queue; and threads, which
// Deno starts well from the main thread only.
//
//   thread A --port--> main thread --port--> thread B
//
// Each thread has one port to the main thread. Nobody listens to a port: a
// blocked thread could not. Who posts raises the MAIL flag of the other side
// (`domain.ts`), and the other side takes its mail when it sees the flag: its
// pump where its event loop turns, its blocked wait where it does not. So the
// main thread serves the others also while it waits for a lock. Only a main
// thread that computes keeps them waiting.
//
// A value in a queue: the putter deposits what goes beside the bytes and puts
// the token into the item; the getter collects it. The deposit is posted before
// the item is put, so whoever has the token finds the deposit with the main
// thread, or in the port of the putter, which is read when it is missed.

import { NotSupportedError, SerializationError } from "../base/errors.ts";
import {
  isGone,
  isMainAgent,
  MAIL,
  mainTag,
  nextSerial,
  raise,
} from "../memory/domain.ts";
import { QUEUE_WORDS, WaitQueue } from "../memory/wait_queue.ts";
import { addMailHandler } from "../memory/parking.ts";
import { newWords, Waitable } from "../memory/waiting.ts";
import { movable } from "../wire/attachments.ts";
import { nodeProcess, requireModule } from "../wire/functions/sync_modules.ts";

/** What threads post to the main thread. */
type ToMain =
  | {
    readonly kind: "deposit";
    readonly token: number;
    readonly attachments: readonly unknown[];
  }
  | { readonly kind: "collect"; readonly token: number; readonly keep: boolean }
  | { readonly kind: "discard"; readonly token: number }
  | {
    readonly kind: "spawn";
    readonly agent: number;
    readonly name: string;
    readonly start: object;
  }
  | { readonly kind: "terminate"; readonly agent: number }
  | { readonly kind: "release"; readonly agent: number };

/** What the main thread posts. */
type ToThread =
  | {
    readonly kind: "collected";
    readonly token: number;
    readonly attachments: readonly unknown[] | undefined;
  }
  | {
    readonly kind: "failed";
    readonly agent: number;
    readonly message: string;
  };

/** What the main thread does for the others. */
export interface ThreadServices {
  /** Starts a thread for another one. */
  spawn(owner: number, agent: number, name: string, start: object): void;
  /** Stops a thread that was started for another one, or by the main thread. */
  terminate(agent: number): void;
  /** One that was started for another thread has ended. */
  release(agent: number): void;
}

/** The part of `node:worker_threads` that is used here, for the web's ports. */
interface PortReader {
  receiveMessageOnPort(
    port: MessagePort,
  ): { readonly message: unknown } | undefined;
}

/** With it a thread reaches the broker of the program; the main thread loads it when a thread asks for that. */
const BROKER_PORT_MODULE = new URL(
  "../objects/broker_port.ts",
  import.meta.url,
);

let receive: PortReader["receiveMessageOnPort"] | undefined;

/** Takes the next message out of a port that nobody listens to. */
export function readPort(
  port: MessagePort,
): { readonly message: unknown } | undefined {
  // Loaded with the first mail: it takes some milliseconds.
  receive ??= (nodeProcess().getBuiltinModule(
    "node:worker_threads",
  ) as unknown as PortReader)
    .receiveMessageOnPort;
  return receive(port);
}

// -- Main thread --

/** The ports of the other threads, by agent. */
const ports = new Map<number, MessagePort>();
/** What was put into a queue and not yet collected. */
const deposits = new Map<number, readonly unknown[]>();
/** Mail that was read and not yet handled. */
const backlog: {
  readonly agent: number;
  readonly mail: Exclude<ToMain, { kind: "deposit" }>;
}[] = [];
/** What is made for those who ask. */
const providers = new Map<
  number,
  (asker: number) => readonly unknown[] | undefined
>();
let isServing = false;
let services: ThreadServices | undefined;

/** Main thread: who starts and stops threads. */
export function setThreadServices(threadServices: ThreadServices): void {
  services = threadServices;
}

/** Main thread: opens the mail of a new thread; returns the end that goes to it. */
export function openMail(agent: number): MessagePort {
  const { port1, port2 } = new MessageChannel();
  if (ports.size === 0) addMailHandler(serve);
  ports.set(agent, port1);
  return port2;
}

/** Main thread: a thread is gone. What it posted before counts. */
export function closeMail(agent: number): void {
  const port = ports.get(agent);
  if (port === undefined) return;
  serve();
  ports.delete(agent);
  port.close();
}

/** Main thread: says what those get who collect a deposit with a negative token. */
export function provideDeposit(
  token: number,
  make: (asker: number) => readonly unknown[] | undefined,
): void {
  providers.set(token, make);
}

/** Reads all mail. Deposits are filed at once, the rest waits its turn. */
function readMail(): void {
  for (const [agent, port] of ports) {
    for (let next = readPort(port); next !== undefined; next = readPort(port)) {
      const mail = next.message as ToMain;
      if (mail.kind === "deposit") deposits.set(mail.token, mail.attachments);
      else backlog.push({ agent, mail });
    }
  }
}

function serve(): void {
  readMail();
  if (isServing) return;
  isServing = true;
  try {
    for (let next = backlog.shift(); next; next = backlog.shift()) {
      handle(next.agent, next.mail);
    }
  } finally {
    isServing = false;
  }
}

function handle(agent: number, mail: Exclude<ToMain, { kind: "deposit" }>) {
  switch (mail.kind) {
    case "collect": {
      const { token, keep } = mail;
      reply(agent, {
        kind: "collected",
        token,
        attachments: withdraw(token, keep, agent),
      });
      break;
    }
    case "discard":
      withdraw(mail.token);
      break;
    case "spawn":
      try {
        services!.spawn(agent, mail.agent, mail.name, mail.start);
      } catch (error) {
        tellFailed(agent, mail.agent, String(error));
      }
      break;
    case "terminate":
      services!.terminate(mail.agent);
      break;
    case "release":
      services!.release(mail.agent);
      break;
    default:
      mail satisfies never;
  }
}

/** Main thread: tells the thread that had another one started that it has failed. */
export function tellFailed(
  owner: number,
  agent: number,
  message: string,
): void {
  reply(owner, { kind: "failed", agent, message });
}

function reply(agent: number, mail: ToThread): void {
  const port = ports.get(agent);
  if (port === undefined || isGone(agent)) return;
  const { attachments } = mail as { attachments?: readonly unknown[] };
  try {
    port.postMessage(mail, movable(attachments ?? []));
  } catch {
    // Refused by the platform. Whoever waits for it must be told, and whatever
    // the main thread is doing right now must not be.
    port.postMessage({ ...mail, attachments: undefined });
  }
  raise(agent, MAIL);
}

/** Takes a deposit, or looks at it; it may still lie in the port of whoever made it. */
function withdraw(
  token: number,
  keep = false,
  asker = mainTag(),
): readonly unknown[] | undefined {
  if (token < 0) {
    // Nothing was deposited: it is made for each who asks.
    if (!providers.has(token)) requireModule(BROKER_PORT_MODULE.href);
    return providers.get(token)?.(asker);
  }
  if (!deposits.has(token)) readMail();
  const found = deposits.get(token);
  if (!keep) deposits.delete(token);
  // Called by the main thread for itself: what else was read is served too.
  if (!isServing && backlog.length > 0) serve();
  return found;
}

// -- Other threads --

let toMain: MessagePort | undefined;
let inbox: Inbox | undefined;
const failures = new Map<number, (message: string) => void>();

/** Thread: its port to the main thread. Before anything else that uses mail. */
export function joinMail(port: MessagePort): void {
  toMain = port;
}

/** What has arrived and was not collected yet. */
class Inbox extends Waitable {
  readonly #arrived = new Map<number, readonly unknown[] | undefined>();

  constructor() {
    const { words, serial } = newWords(QUEUE_WORDS);
    super("mail", words, new WaitQueue(words, 0), serial);
    addMailHandler(() => this.#read());
  }

  override grant(token: number): number {
    return this.#arrived.has(token) ? 1 : 0;
  }

  take(token: number): readonly unknown[] {
    const attachments = this.#arrived.get(token);
    this.#arrived.delete(token);
    return checkFound(attachments);
  }

  #read(): void {
    for (
      let mail = readPort(toMain!);
      mail !== undefined;
      mail = readPort(toMain!)
    ) {
      const message = mail.message as ToThread;
      switch (message.kind) {
        case "collected":
          this.#arrived.set(message.token, message.attachments);
          break;
        case "failed":
          failures.get(message.agent)?.(message.message);
          break;
        default:
          message satisfies never;
      }
    }
    this.settleGuarded();
  }
}

function post(mail: ToMain, transfer: Transferable[] = []): void {
  if (toMain === undefined) {
    throw new NotSupportedError(
      "Cannot reach the main thread: this worker was not started by this library",
    );
  }
  toMain.postMessage(mail, transfer);
  raise(mainTag(), MAIL);
}

/** Thread: has the main thread start one. `onFailed` hears why it has failed. */
export function requestSpawn(
  agent: number,
  name: string,
  start: object,
  transfer: Transferable[],
  onFailed: (message: string) => void,
): void {
  inbox ??= new Inbox();
  failures.set(agent, onFailed);
  post({ kind: "spawn", agent, name, start }, transfer);
}

/** Thread: has the main thread stop one. */
export function requestTerminate(agent: number): void {
  post({ kind: "terminate", agent });
}

/** Thread: one that the main thread started for it has ended. */
export function requestRelease(agent: number): void {
  failures.delete(agent);
  post({ kind: "release", agent });
}

// -- Deposits --

/**
 * Leaves what goes beside the bytes of a value with the main thread.
 *
 * @param attachments What only the platform can carry.
 * @param transfer Which of it is moved instead of cloned.
 * @returns The token with which one thread can collect it, once; or many, where all of them keep it.
 * @throws {SerializationError} If something cannot be moved.
 */
export function depositAttachments(
  attachments: readonly unknown[],
  transfer: readonly Transferable[] = [],
): number {
  const token = nextSerial();
  try {
    if (isMainAgent()) deposits.set(token, moved(attachments, transfer));
    else post({ kind: "deposit", token, attachments }, [...transfer]);
  } catch (cause) {
    if (!(cause instanceof DOMException)) throw cause;
    throw new SerializationError(`Cannot send a value: ${cause.message}`, {
      reason: "refused by structured clone",
      cause,
    });
  }
  return token;
}

/** Takes what is moved away from the caller now, as a post does. Buffers were taken when the value was encoded. */
function moved(
  attachments: readonly unknown[],
  transfer: readonly Transferable[],
): readonly unknown[] {
  if (transfer.length === 0) return attachments;
  return attachments.map((value) => {
    const isMoved = transfer.includes(value as Transferable) &&
      !(value instanceof ArrayBuffer);
    return isMoved
      ? structuredClone(value, { transfer: [value as Transferable] })
      : value;
  });
}

/** Collects a deposit; with `keep` it stays there for others. */
export async function collect(
  token: number,
  keep = false,
): Promise<readonly unknown[]> {
  if (isMainAgent()) return checkFound(withdraw(token, keep));
  inbox ??= new Inbox();
  post({ kind: "collect", token, keep });
  await inbox.waitAsync(token, {});
  return inbox.take(token);
}

/** As {@linkcode collect}, and blocks the thread. */
export function collectSync(
  token: number,
  keep = false,
): readonly unknown[] {
  if (isMainAgent()) return checkFound(withdraw(token, keep));
  inbox ??= new Inbox();
  post({ kind: "collect", token, keep });
  // Also where its task is to end: what it has taken must not be lost.
  inbox.waitSync(token, {}, false, { isForced: true });
  return inbox.take(token);
}

/** Throws a deposit away. */
export function discard(token: number): void {
  if (isMainAgent()) withdraw(token);
  else post({ kind: "discard", token });
}

function checkFound(
  attachments: readonly unknown[] | undefined,
): readonly unknown[] {
  if (attachments === undefined) {
    throw new SerializationError(
      "Cannot receive a value: what travelled beside it is gone",
      { reason: "attachments are gone" },
    );
  }
  return attachments;
}
