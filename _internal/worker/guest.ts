// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The worker's side of a channel: takes definitions and calls, runs them,
// answers. Nothing that a call does leaves this file as an exception.
//
//   define -> definitions         decoded when the first call needs them
//   load   -> loaded              or ahead of it, between two calls
//   call   -> waiting -> running  at most `concurrency` at a time, in order
//                     -> skipped  the host revoked it before it began
//   running -> done | failed      exactly one answer for each call
//   running <-> waiting for what it has submitted, or, a generator, for its
//              consumer: its place is lent meanwhile
//
// A call is claimed (`CallSlots.start`) at the last moment before its function
// is entered, after the modules that it needs were imported: until then the
// host can take it back.

import { CancelledError, SerializationError } from "../base/errors.ts";
import {
  delivered,
  hasWork,
  linked,
  setLinker,
  whenIdle,
} from "../base/registry.ts";
import { isThenable } from "../base/validation.ts";
import type { CallSlots } from "../memory/slots.ts";
import { copyOf, keepBytes, type KeptBytes } from "../memory/segments.ts";
import { setInterruption } from "../memory/parking.ts";
import { movable } from "../wire/attachments.ts";
import { ByteReader, ByteWriter } from "../wire/bytes.ts";
import type { Channel } from "../wire/channel.ts";
import { type EncodeContext, encodeValue } from "../wire/codec.ts";
import { type Numbers, writeFlat } from "../wire/_codec_primitives.ts";
import { decodeError, encodeError } from "../wire/error_codec.ts";
import { nodeAsyncHooks } from "../wire/functions/sync_modules.ts";
import { homeOf } from "../wire/functions/origins.ts";
import { loadModules, type ModuleNamespace } from "../wire/functions/revive.ts";
import {
  AbortReason,
  CallMode,
  type GuestMessage,
  type HeaderOf,
  type HostMessage,
  Lent,
  type Measurement,
  readHostMessage,
  Tag,
  WHOLE_CALL,
  writeHeader,
  writeMeasurement,
} from "../wire/messages.ts";
import { type Outcomes, writeOutcomes } from "../wire/outcomes.ts";
import {
  type Context,
  decodeContexts,
  decodeListPayload,
  decodePayload,
  payloadModules,
  runInContexts,
} from "../wire/received_payload.ts";
import { makeSpares, wantsSpares } from "../wire/spare_buffers.ts";
import type { CallGauge } from "./call_gauge.ts";
import {
  abortReason,
  type CallContext,
  type CallStorage,
  callStorage,
  leaveActiveCall,
  setActiveCall,
  setWorker,
  type WorkerInfo,
} from "./current.ts";
import type { ItemStream } from "./item_stream.ts";
import { report } from "./report.ts";
import { HeldCall, RunningCall } from "./running_call.ts";
import { openUplink, relayed } from "./uplink.ts";

/** What the entry of a worker knows when it starts its guest. */
export interface GuestOptions {
  readonly worker: WorkerInfo;
  readonly channel: Channel;
  /** The call states. Claims are only made where the host shares this memory. */
  readonly slots: CallSlots;
  /** True where the host sees `slots` too (threads). */
  readonly sharesSlots: boolean;
  /** How many calls may be under way at a time. */
  readonly concurrency: number;
  /** Ends the worker, once what was sent has left it. */
  readonly exit: (code: number) => void;
  /** Called where a call was interrupted: `hasHeard` tells whether it knows, or has ended. */
  readonly interrupted?: (hasHeard: () => boolean) => void;
  /** Called when a call was answered and nothing is left of what it started. */
  readonly answered?: () => void;
}

/** A function as it came, and as it is once it has been decoded. */
interface Definition {
  readonly bytes: Uint8Array;
  readonly attachments: readonly unknown[];
  readonly modules: readonly string[];
  readonly offset: number;
  /** True: what it captured can change, so that every call gets it afresh. */
  readonly mutable: boolean;
  /** The decoded function, for the calls to come. */
  fn: ((...args: unknown[]) => unknown) | undefined;
}

const NO_MODULES: readonly string[] = [];

/** Stands for the definition of a call that brings its function along. */
const IN_PAYLOAD: Definition = {
  bytes: new Uint8Array(),
  attachments: [],
  modules: [],
  offset: 0,
  mutable: true,
  fn: undefined,
};

/** A call that has arrived. */
interface Call {
  readonly slot: number;
  readonly mode: CallMode;
  /** As in its message. */
  readonly fired: number | undefined;
  readonly contexts: boolean;
  readonly isMeasured: boolean;
  readonly definition: Definition | undefined;
  readonly payload: Uint8Array;
  /** What keeps the payload; undefined where that is valid during its message only. */
  readonly kept: KeptBytes | undefined;
  readonly attachments: readonly unknown[];
}

/** Makes the guest of this worker; its owner opens it. */
export function createGuest(options: GuestOptions): Guest {
  setWorker(options.worker);
  setInterruption(abortReason);
  const guest = new Guest(options);
  if (options.concurrency > 1) guest.useStorage();
  return guest;
}

/** One worker's calls. */
export class Guest {
  readonly #options: GuestOptions;
  readonly #channel: Channel;
  /** Where calls interleave: with a concurrency above 1, and where places are lent. */
  #storage: CallStorage | undefined;
  readonly #definitions = new Map<number, Definition>();
  readonly #modules = new Map<string, ModuleNamespace>();
  readonly #waiting: Call[] = [];
  readonly #running: (RunningCall | undefined)[] = [];
  /** What has come and has not been answered, by slot. */
  readonly #held: (HeldCall | undefined)[] = [];
  /** Calls that occupy one of the `concurrency` places. */
  #busy = 0;
  /** Calls under way whose errors are printed here. */
  #mains = 0;
  #leaving = false;
  #awaitsSent = false;
  /** Links that the host was asked for. */
  readonly #links = new Map<number, PromiseWithResolvers<void>>();
  #lastLink = 0;
  /** Loaded with the first generator: most workers never run one. */
  #ItemStream: typeof ItemStream | undefined;
  /** Loaded with the first call that is to be measured. */
  #CallGauge: typeof CallGauge | undefined;
  /** Undefined while a value is encoded with it. */
  #writer: ByteWriter | undefined;
  /** Has `#startWaiting()` look. */
  #wake = () => {};

  constructor(options: GuestOptions) {
    this.#options = options;
    this.#channel = options.channel;
    this.#writer = this.#createWriter(1024);
  }

  /** From now on calls keep their context where others interleave. */
  useStorage(): CallStorage {
    return this.#storage ??= callStorage(() =>
      // Loaded only where calls interleave.
      new (nodeAsyncHooks().AsyncLocalStorage)() as CallStorage
    );
  }

  #leaveStorage(): void {
    this.#storage?.enterWith(undefined);
  }

  /** Tells the host that calls can come. */
  open(): void {
    this.#channel.onMessage = (bytes, attachments) =>
      this.#receive(readHostMessage(bytes), attachments);
    openUplink({
      carriesAttachments: this.#channel.carriesAttachments,
      relay: (message, attachments, transfer) => {
        this.#encode((w) => {
          writeHeader(w, { tag: Tag.relay });
          w.raw(message);
          this.#channel.send(w.bytes(), attachments, transfer);
        });
      },
      slotOf: (call) => this.#runningOf(call)?.slot,
      enter: (call) => this.#enter(this.#runningOf(call)),
      waitStarted: (call) => this.#waitStarted(this.#runningOf(call)),
      waitEnded: (call) => this.#waitEnded(this.#runningOf(call)),
    });
    setLinker((socket, door) => this.#link(socket, door));
    this.#startWaiting();
    this.#channel.open();
    this.#send({ tag: Tag.ready });
  }

  /** Tells whether a call is in the slot that has not been answered. */
  holds(slot: number): boolean {
    return this.#held[slot] !== undefined;
  }

  /** Reports an error that belongs to no call. */
  fault(error: unknown): void {
    // Of a process that runs one function it is the end, as of any program.
    if (this.#mains > 0) report("Uncaught", error);
    this.#sendError({ tag: Tag.fault }, error);
  }

  #sendError(
    header: HeaderOf<GuestMessage & { readonly payload: Uint8Array }>,
    error: unknown,
  ): void {
    this.#encode((w) => {
      writeHeader(w, header);
      const context = {
        root: "error",
        modules: new Set<string>(),
        home: homeOf,
      };
      encodeError(w, error, context);
      this.#channel.send(w.bytes());
    });
  }

  /** Reports that the worker ends itself. */
  exiting(code: number): void {
    this.#send({ tag: Tag.exit, code });
    // What still runs has no say any more.
    this.#channel.close();
  }

  #receive(message: HostMessage, attachments: readonly unknown[]): void {
    switch (message.tag) {
      case Tag.define: {
        const mutable = message.payload[0] === 1;
        // The message is only valid during this call.
        const bytes = copyOf(message.payload.subarray(1));
        this.#definitions.set(message.definition, {
          bytes,
          attachments,
          ...payloadModules(bytes),
          mutable,
          fn: undefined,
        });
        break;
      }
      case Tag.forget:
        this.#definitions.delete(message.definition);
        break;
      case Tag.load:
        this.#load(message.definition);
        break;
      case Tag.call: {
        this.#held[message.slot] = new HeldCall();
        const mustWait = this.#busy >= this.#options.concurrency ||
          this.#isHeldUp();
        const kept = mustWait ? keepBytes(message.payload) : undefined;
        const call: Call = {
          slot: message.slot,
          mode: message.mode,
          fired: message.fired,
          contexts: message.contexts,
          isMeasured: message.isMeasured,
          definition: message.definition === WHOLE_CALL
            ? IN_PAYLOAD
            : this.#definitions.get(message.definition),
          payload: kept?.bytes ?? message.payload,
          kept,
          attachments,
        };
        if (mustWait) this.#waiting.push(call);
        else this.#start(call);
        break;
      }
      case Tag.abort:
        this.#abort(message);
        break;
      case Tag.signal:
        // Where it is late its call has been answered.
        this.#held[message.slot]?.fire(
          message.index,
          readReason(message.payload),
        );
        break;
      case Tag.credit:
        this.#running[message.slot]?.stream?.credit(message.items);
        break;
      case Tag.finish:
        this.#finish(message.slot);
        break;
      case Tag.relayed:
        // The message is only valid during this call; so is what it leads to.
        relayed(message.payload, attachments);
        break;
      case Tag.ping:
        this.#send({ tag: Tag.pong });
        break;
      case Tag.linked: {
        const link = this.#links.get(message.id);
        if (message.payload.length === 0) link?.resolve();
        else link?.reject(readReason(message.payload));
        break;
      }
      case Tag.stop:
        // What its calls have started here ends first: its host is this thread.
        if (hasWork()) this.#send({ tag: Tag.lingers });
        whenIdle(() => this.#options.exit(message.code));
        break;
      default:
        message satisfies never;
    }
  }

  /** Imports what a function needs and decodes it, so that its first call finds it. */
  async #load(id: number): Promise<void> {
    const definition = this.#definitions.get(id);
    try {
      // Forgotten already: others came after it.
      if (definition !== undefined) {
        await this.#import(this.#missing(definition.modules, NO_MODULES));
        this.#function(definition);
      }
    } catch (error) {
      this.#sendError({ tag: Tag.loaded, definition: id }, error);
      return;
    }
    this.#send({ tag: Tag.loaded, definition: id });
  }

  /** Asks the host for a link to a socket. */
  async #link(socket: string, door: string): Promise<void> {
    const id = ++this.#lastLink;
    const link = Promise.withResolvers<void>();
    this.#links.set(id, link);
    this.#encode((w) => {
      writeHeader(w, { tag: Tag.link, id });
      w.raw(new TextEncoder().encode(JSON.stringify([socket, door])));
      this.#channel.send(w.bytes());
    });
    try {
      await link.promise;
    } finally {
      this.#links.delete(id);
    }
  }

  #abort(message: HostMessage & { tag: typeof Tag.abort }): void {
    const held = this.#held[message.slot];
    if (held === undefined) return;
    const { reason, payload } = message;
    held.stop ??= {
      reason,
      cause: payload.length === 0 ? undefined : readReason(payload),
    };
    this.#running[message.slot]?.abort(held.stop);
    if (reason === AbortReason.interrupted) {
      this.#options.interrupted?.(() =>
        this.#held[message.slot] !== held ||
        this.#running[message.slot]?.hasHeard === true
      );
    }
  }

  /** Takes a place, imports what is missing, runs. */
  #start(call: Call): void {
    this.#busy++;
    const { slots, sharesSlots } = this.#options;
    if (sharesSlots && !slots.take(call.slot)) {
      call.kept?.release();
      this.#skip(call.slot);
      return;
    }
    const { definition } = call;
    if (definition === undefined) {
      call.kept?.release();
      this.#fail(
        call.slot,
        new SerializationError(
          "Cannot run a call: its function was never defined",
          { reason: "unknown definition" },
        ),
        0,
      );
      this.#leave();
      return;
    }
    try {
      const head = payloadModules(call.payload);
      const missing = this.#missing(definition.modules, head.modules);
      const { fired } = call;
      const lacksStream = call.mode === CallMode.stream &&
        this.#ItemStream === undefined;
      const lacksGauge = call.isMeasured && this.#CallGauge === undefined;
      if (
        missing.length === 0 && fired === undefined && !lacksStream &&
        !lacksGauge
      ) {
        this.#run(call, definition, head.offset);
        return;
      }
      const kept = call.kept ?? keepBytes(call.payload);
      const later = { ...call, payload: kept.bytes, kept };
      // Signals that have fired are told behind the call, and the function may
      // never turn the event loop. With the others too the call has a moment
      // for what is on its way.
      Promise.all([
        this.#import(missing),
        this.#held[call.slot]?.whenFired(fired ?? 0),
        lacksStream ? import("./item_stream.ts") : undefined,
        lacksGauge ? import("./call_gauge.ts") : undefined,
      ]).then(([, , stream, gauge]) => {
        this.#ItemStream ??= stream?.ItemStream;
        this.#CallGauge ??= gauge?.CallGauge;
        this.#run(later, definition, head.offset);
      }).catch((error) => {
        kept.release();
        this.#fail(call.slot, error, 0);
        this.#leave();
      });
    } catch (error) {
      call.kept?.release();
      this.#fail(call.slot, error, 0);
      this.#leave();
    }
  }

  async #import(urls: readonly string[]): Promise<void> {
    for (const [url, namespace] of await loadModules(urls)) {
      this.#modules.set(url, namespace);
    }
  }

  /** Which of these modules have not been imported. */
  #missing(
    ours: readonly string[],
    theirs: readonly string[],
  ): readonly string[] {
    if (ours.length === 0 && theirs.length === 0) return NO_MODULES;
    return [...ours, ...theirs].filter((url) => !this.#modules.has(url));
  }

  #run(call: Call, definition: Definition, start: number): void {
    const { slot } = call;
    let fn: (...args: unknown[]) => unknown;
    let args: unknown[] | Numbers;
    let contexts: readonly Context[] | undefined;
    let decoding = 0;
    const held = this.#held[slot]!;
    const signal = call.fired === undefined
      ? undefined
      : (index: number) => held.signal(index);
    try {
      const whole = definition === IN_PAYLOAD;
      const known = whole ? undefined : this.#function(definition);
      let offset = start;
      if (call.contexts) {
        ({ contexts, offset } = decodeContexts(
          call.payload,
          offset,
          call.attachments,
          this.#modules,
          signal,
        ));
      }
      const decode = call.mode === CallMode.chunk
        ? decodeListPayload
        : decodePayload;
      if (call.isMeasured) decoding = performance.now();
      const value = decode(
        call.payload,
        offset,
        call.attachments,
        this.#modules,
        signal,
      );
      if (call.isMeasured) decoding = performance.now() - decoding;
      if (!whole) [fn, args] = [known!, value as unknown[] | Numbers];
      else if (call.mode === CallMode.chunk) {
        [fn, ...args] = value as [typeof fn, ...unknown[]];
      } else [fn, args] = value as [typeof fn, unknown[]];
    } catch (error) {
      call.kept?.release();
      this.#fail(slot, error, 0);
      this.#leave();
      return;
    }
    call.kept?.release();
    const enter = () =>
      this.#enterCall(call, held, fn, args, contexts, decoding);
    // What is among the arguments is reached from another thread, while this one
    // may be blocked.
    const links = linked();
    if (links === undefined) enter();
    else links.then(enter);
  }

  #enterCall(
    call: Call,
    held: HeldCall,
    fn: (...args: unknown[]) => unknown,
    args: unknown[] | Numbers,
    contexts: readonly Context[] | undefined,
    decoding: number,
  ): void {
    const { slot } = call;
    const { slots, sharesSlots } = this.#options;
    if (sharesSlots && !slots.start(slot)) {
      this.#skip(slot);
      return;
    }
    const running = new RunningCall(slot, this.#options, this.#report);
    if (call.isMeasured) {
      running.gauge = new this.#CallGauge!(decoding);
    }
    if (call.mode === CallMode.main) this.#mains++;
    if (held.stop !== undefined) running.abort(held.stop);
    this.#running[slot] = running;
    let run = () => fn(...args) as unknown;
    if (call.mode === CallMode.chunk) {
      run = () => this.#runChunk(running, fn, args);
    } else if (call.mode === CallMode.stream) {
      this.useStorage();
      run = () => this.#runStream(running, fn, args as unknown[]);
    }
    if (contexts !== undefined) {
      const inner = run;
      run = () => runInContexts(contexts, inner);
    }
    let result: unknown;
    let thenable = false;
    try {
      if (this.#storage === undefined) {
        setActiveCall(running);
        try {
          result = run();
        } finally {
          // It may have entered a storage, which what comes next is not part of.
          this.#leaveStorage();
        }
      } else {
        result = this.#storage.run(running, run);
      }
      thenable = isThenable(result);
    } catch (error) {
      this.#end(call, running, false, error);
      return;
    }
    if (!thenable) {
      this.#end(call, running, true, result);
      return;
    }
    running.gauge?.promised();
    // Through a real promise: a foreign thenable may call back twice or never
    // stop being a thenable.
    Promise.resolve(result as PromiseLike<unknown>).then(
      (value) => this.#end(call, running, true, value),
      (error) => this.#end(call, running, false, error),
    );
  }

  /** The host has taken it back. */
  #skip(slot: number): void {
    this.#release(slot);
    this.#send({ tag: Tag.skipped, slot });
    this.#leave();
  }

  #function(definition: Definition): (...args: unknown[]) => unknown {
    if (definition.fn !== undefined) return definition.fn;
    const fn = decodePayload(
      definition.bytes,
      definition.offset,
      definition.attachments,
      this.#modules,
    ) as (...args: unknown[]) => unknown;
    if (!definition.mutable) definition.fn = fn;
    return fn;
  }

  #end(call: Call, running: RunningCall, ok: boolean, value: unknown): void {
    this.#running[running.slot] = undefined;
    if (call.mode === CallMode.main) this.#mains--;
    running.ended = true;
    leaveActiveCall(running);
    // The host forgets with the answer that the place was lent.
    if (running.lent !== Lent.no) this.#busy++;
    const time = performance.now() - running.since;
    const cost = running.gauge?.end();
    const pending = delivered();
    if (pending === undefined) this.#answer(call, ok, value, time, cost);
    else pending.then(() => this.#answer(call, ok, value, time, cost));
  }

  #answer(
    call: Call,
    ok: boolean,
    value: unknown,
    time: number,
    cost: Measurement | undefined,
  ): void {
    if (ok) this.#succeed(call, value, time, cost);
    else {
      if (
        call.mode === CallMode.main && !(value instanceof CancelledError)
      ) report("Uncaught", value);
      this.#fail(call.slot, value, time, cost);
    }
    this.#leave();
  }

  /** While there is nothing to do. */
  #makeSpares = (): void => {
    const channel = this.#channel;
    // Where it cannot look it does not keep anybody waiting either.
    makeSpares(() => this.#busy > 0 || channel.pending !== false);
  };

  /** Gives the place to the next call. */
  #leave(): void {
    this.#busy--;
    const { answered } = this.#options;
    if (answered !== undefined) whenIdle(answered);
    if (this.#busy === 0 && wantsSpares()) queueMicrotask(this.#makeSpares);
    this.#next();
  }

  #next(): void {
    // Iterative: a synchronous call comes back here before its starter returns.
    if (this.#leaving || (this.#waiting.length > 0 && this.#isSending())) {
      return;
    }
    this.#leaving = true;
    try {
      while (
        this.#waiting.length > 0 && this.#busy < this.#options.concurrency &&
        !this.#isSending()
      ) {
        this.#start(this.#waiting.shift()!);
      }
    } finally {
      this.#leaving = false;
    }
  }

  /** True where a new call has to wait behind others, or for an answer that is about to leave. */
  #isHeldUp(): boolean {
    return this.#channel.whenSent !== undefined &&
      (this.#waiting.length > 0 || this.#isSending());
  }

  /** True while an answer needs turns of the event loop to leave; has what waits started after that. */
  #isSending(): boolean {
    const sent = this.#channel.whenSent?.();
    if (sent === undefined) return false;
    if (!this.#awaitsSent) {
      this.#awaitsSent = true;
      sent.then(() => {
        this.#awaitsSent = false;
        this.#wake();
      });
    }
    return true;
  }

  async #runStream(
    running: RunningCall,
    fn: (...args: unknown[]) => unknown,
    args: unknown[],
  ): Promise<void> {
    const stream = new this.#ItemStream!({
      emit: (value) => this.#emit(running.slot, value),
      sent: () => this.#channel.flush?.(),
      finishing: () => this.#send({ tag: Tag.finishing, slot: running.slot }),
      isStopped: () => running.isAborted(),
      reason: () => running.abortReason(),
      paused: (isPaused) => {
        running.isPaused = isPaused;
        running.gauge?.pause(isPaused);
        this.#lend(running);
      },
    });
    running.stream = stream;
    await stream.run(await fn(...args));
  }

  /** Sends a value of a generator; returns its size. */
  #emit(slot: number, value: unknown): number {
    return this.#encode((w) => {
      writeHeader(w, { tag: Tag.item, slot });
      const { context, attachments } = this.#context("item");
      encodeValue(w, value, context);
      this.#post(w, attachments, "item");
      return w.length;
    });
  }

  /** Nobody wants more values of a generator. */
  #finish(slot: number): void {
    const running = this.#running[slot];
    if (running?.stream === undefined) return;
    // What it waits for is not wanted any more, and it is given up if it does
    // not stop; where it waits for its consumer, its `finally` runs as if nothing
    // had been asked to stop, for as long as it takes.
    if (running.stream.isPulling) {
      running.abort({ reason: AbortReason.cancelled, cause: undefined });
    }
    running.stream.finish();
  }

  // -- Places --

  #runningOf(call: CallContext | undefined): RunningCall | undefined {
    const own = call?.outer ?? call;
    return own instanceof RunningCall && !own.ended ? own : undefined;
  }

  #enter(running: RunningCall | undefined): void {
    if (running === undefined) return;
    const storage = this.useStorage();
    // A call that began before there was a storage.
    if (storage.getStore() === undefined) storage.enterWith(running);
  }

  #waitStarted(running: RunningCall | undefined): void {
    if (running === undefined) return;
    // From here on others may run beside it.
    this.useStorage();
    if (running.waits++ > 0) return;
    // Not while its code runs: another call could not begin anyhow.
    queueMicrotask(() => this.#lend(running));
  }

  #waitEnded(running: RunningCall | undefined): void {
    if (running === undefined) return;
    if (--running.waits === 0) this.#lend(running);
  }

  /** Lends the place of a call that waits, and takes it back: it may be taken then, and the call goes on all the same. */
  #lend(running: RunningCall): void {
    if (running.ended) return;
    const to = running.isPaused
      ? Lent.all
      : running.waits > 0
      ? Lent.nested
      : Lent.no;
    if (to === running.lent) return;
    const wasLent = running.lent !== Lent.no;
    running.lent = to;
    this.#send({ tag: Tag.lends, slot: running.slot, to });
    if (to === Lent.no) this.#busy++;
    else if (!wasLent) {
      this.#busy--;
      this.#wake();
    }
  }

  /** Starts what can use a lent place: from here, so that it is not part of the call that lends it, and finds none of its AsyncLocalStorage. */
  async #startWaiting(): Promise<never> {
    for (;;) {
      await new Promise<void>((resolve) => this.#wake = resolve);
      this.#next();
    }
  }

  /** Synchronous up to the first promise, so that short calls take no turn. */
  #runChunk(
    running: RunningCall,
    fn: (...args: unknown[]) => unknown,
    items: ArrayLike<unknown>,
  ): Outcomes | Promise<Outcomes> {
    const values: unknown[] = new Array(items.length);
    const failed = new Set<number>();
    for (let i = 0; i < items.length; i++) {
      // Between two items a chunk can be stopped; inside one, the function
      // looks itself.
      if (running.isAbortedAt(i)) throw running.abortReason();
      let result: unknown;
      try {
        const args = items[i];
        result = typeof args === "number"
          ? fn(args)
          : fn(...args as readonly unknown[]);
        // A number is not asked: code that is not compiled yet pays for each call.
        if (typeof result !== "number" && isThenable(result)) {
          const outcomes = { values: values.slice(0, i), failed };
          const rest = Array.prototype.slice.call(items, i + 1);
          return this.#runOn(running, fn, rest, outcomes, result);
        }
      } catch (error) {
        failed.add(i);
        result = error;
      }
      values[i] = result;
    }
    return { values, failed };
  }

  /** The rest of a chunk, behind a call that is under way. */
  async #runOn(
    running: RunningCall,
    fn: (...args: unknown[]) => unknown,
    items: readonly unknown[],
    outcomes: { readonly values: unknown[]; readonly failed: Set<number> },
    first: unknown,
  ): Promise<Outcomes> {
    const { values, failed } = outcomes;
    let result = first;
    for (let i = 0;; i++) {
      try {
        values.push(isThenable(result) ? await result : result);
      } catch (error) {
        failed.add(values.length);
        values.push(error);
      }
      if (i === items.length) return outcomes;
      if (running.isAborted()) throw running.abortReason();
      const args = items[i];
      try {
        result = typeof args === "number"
          ? fn(args)
          : fn(...args as readonly unknown[]);
      } catch (error) {
        result = Promise.reject(error);
      }
    }
  }

  #succeed(
    call: Call,
    value: unknown,
    time: number,
    cost: Measurement | undefined,
  ): void {
    const { slot, mode } = call;
    try {
      this.#encode((w) => {
        if (cost !== undefined) writeMeasurement(w, cost);
        writeHeader(w, { tag: Tag.done, slot, time });
        const isWanted = mode !== CallMode.quiet && mode !== CallMode.stream;
        if (writeFlat(w, isWanted ? value : undefined)) {
          this.#release(slot);
          this.#channel.send(w.bytes());
          return;
        }
        const { context, attachments } = this.#context("result");
        if (mode === CallMode.chunk) {
          writeOutcomes(w, value as Outcomes, context);
        } else encodeValue(w, value, context);
        this.#release(slot);
        this.#post(w, attachments, "result");
      });
    } catch (error) {
      this.#fail(slot, error, time, cost);
    }
  }

  #fail(
    slot: number,
    error: unknown,
    time: number,
    cost?: Measurement,
  ): void {
    this.#release(slot);
    this.#encode((w) => {
      if (cost !== undefined) writeMeasurement(w, cost);
      writeHeader(w, { tag: Tag.failed, slot, time });
      // Locks and queues are carried by errors as they are by results.
      const { context, attachments } = this.#context("error");
      try {
        encodeError(w, error, context);
        this.#channel.send(w.bytes(), attachments, movable(attachments));
      } catch {
        // Refused by the platform: nothing may keep the report from arriving.
        w.reset();
        if (cost !== undefined) writeMeasurement(w, cost);
        writeHeader(w, { tag: Tag.failed, slot, time });
        const { attachments: _, ...plain } = context;
        encodeError(w, error, plain);
        this.#channel.send(w.bytes());
      }
    });
  }

  /** How a value is encoded for the host. */
  #context(root: string): { context: EncodeContext; attachments: unknown[] } {
    const attachments: unknown[] = [];
    const context = { root, modules: new Set<string>(), home: homeOf };
    return this.#channel.carriesAttachments
      ? { context: { ...context, attachments }, attachments }
      : { context, attachments };
  }

  #post(w: ByteWriter, attachments: readonly unknown[], root: string): void {
    try {
      this.#channel.send(w.bytes(), attachments, movable(attachments));
    } catch (error) {
      // The platform's own refusal of an attachment names no part of the value.
      if (!(error instanceof DOMException)) throw error;
      throw new SerializationError(`Cannot send ${root}: ${error.message}`, {
        path: root,
        reason: "refused by structured clone",
        cause: error,
      });
    }
  }

  /** The call in the slot is about to be answered. */
  #release(slot: number): void {
    this.#held[slot] = undefined;
    // Where the words are shared the host does it, when it has the answer.
    if (!this.#options.sharesSlots) this.#options.slots.free(slot);
  }

  #report = (slot: number, done: number, total: number | undefined): void => {
    this.#send({ tag: Tag.progress, slot, done, total });
  };

  #send(message: HeaderOf<GuestMessage>): void {
    this.#encode((w) => {
      writeHeader(w, message);
      this.#channel.send(w.bytes());
    });
  }

  /** Lends a writer. Values have getters, which may send messages of their own meanwhile: those get another one. */
  #encode<T>(write: (w: ByteWriter) => T): T {
    const w = this.#writer ?? this.#createWriter(64);
    this.#writer = undefined;
    try {
      return write(w);
    } finally {
      w.reset();
      this.#writer = w;
    }
  }

  #createWriter(capacity: number): ByteWriter {
    return new ByteWriter(capacity, this.#channel.carriesAttachments);
  }
}

/** Why a signal has fired. What the sender wrote and this side cannot read is described. */
function readReason(payload: Uint8Array): unknown {
  try {
    return decodeError(new ByteReader(payload), {
      attachments: [],
      modules: new Map(),
    });
  } catch (error) {
    return error;
  }
}
