// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { SerializationError } from "../base/errors.ts";
import { SLOTS } from "../memory/slots.ts";
import { ByteWriter, NO_BYTES } from "../wire/bytes.ts";
import {
  type AbortReason,
  type Measurement,
  plainMessage,
  readGuestMessage,
  Tag,
  WHOLE_CALL,
  writeHeader,
} from "../wire/messages.ts";
import type { Outcome } from "../wire/outcomes.ts";
import { linkSocket } from "../wire/socket_place.ts";
import { messageOf, type Payload } from "../wire/payload.ts";
import type { WorkerHost, WorkerKind } from "../worker/host.ts";
import { RawAnswer, readAnswer, readError } from "./answers.ts";
import type { Definition } from "./definitions.ts";
import type { JobOrigin, RemoteWork, Work } from "./job.ts";
import type { PoolWorker, WorkerEvents } from "./pool_worker.ts";
import { crashError } from "./pool_errors.ts";
import { RelayServer } from "./relay_server.ts";
import { firedAmong, messageWithReason, SignalRelay } from "./signal_relay.ts";

/** Definitions that a worker keeps; the least recently used one is forgotten. */
const MAX_DEFINITIONS = 256;

const writer = new ByteWriter(64);

/** A worker behind a channel: turns calls into messages and messages into events. */
export class RemoteWorker implements PoolWorker {
  readonly slots = SLOTS;
  readonly #host: WorkerHost;
  readonly #events: WorkerEvents;
  /** What the worker knows, least recently used first. */
  readonly #definitions = new Set<number>();
  /** What was sent, by slot: says how an answer is read. */
  readonly #calls: (RemoteWork | undefined)[] = [];
  /** Where it comes from, by slot. */
  readonly #origins: (JobOrigin | undefined)[] = [];
  readonly #signals: SignalRelay;
  /** Who waits for a function to be loaded, by definition. */
  readonly #loads = new Map<number, PromiseWithResolvers<void>>();
  /** Serves the tasks of this worker; made for the first that asks. */
  #relay: RelayServer | undefined;

  constructor(host: WorkerHost, events: WorkerEvents) {
    this.#host = host;
    this.#events = events;
    this.#signals = new SignalRelay((slot, index, reason) =>
      host.channel.send(
        messageWithReason({ tag: Tag.signal, slot, index }, reason),
      )
    );
    host.channel.onMessage = (bytes, attachments) => {
      try {
        this.#receive(bytes, attachments);
      } catch (error) {
        // A message that cannot be read: this worker cannot be trusted.
        events.fault(error);
      }
    };
    host.channel.onDelivered = () => events.delivered();
    host.exited.then((exit) => {
      this.#signals.detachAll();
      // Whoever would hear of it is gone.
      this.#relay?.close();
      // Where it has run anything, that is the reason: its successor gets the
      // functions with its first calls.
      const isIdle = this.#calls.every((call) => call === undefined);
      for (const { resolve, reject } of this.#loads.values()) {
        if (!isIdle) resolve();
        else reject(crashError(this.name, "prewarm", exit, undefined));
      }
      this.#loads.clear();
      events.exited(exit);
    });
    host.open();
  }

  get kind(): WorkerKind {
    return this.#host.kind;
  }

  get id(): number {
    return this.#host.id;
  }

  get name(): string {
    return this.#host.name;
  }

  get pid(): number | undefined {
    return this.#host.pid;
  }

  get agent(): number {
    return this.#host.agent;
  }

  get stuck(): boolean {
    return this.#host.stuck;
  }

  get revocable(): boolean {
    return this.#host.slots !== undefined;
  }

  send(slot: number, work: Work, origin?: JobOrigin): void {
    if (work.kind !== "remote") {
      throw new SerializationError("Cannot send a call: it has no bytes");
    }
    const { definition, payload, mode, whole, meter } = work;
    if (!whole) this.#define(definition);
    const { signals } = payload;
    writer.reset();
    writeHeader(writer, {
      tag: Tag.call,
      slot,
      mode,
      contexts: payload.contexts,
      isMeasured: meter !== undefined && meter.isDue,
      fired: signals.length === 0 ? undefined : firedAmong(signals),
      definition: whole ? WHOLE_CALL : definition.id,
    });
    this.#host.slots?.queue(slot);
    this.#calls[slot] = work;
    this.#origins[slot] = origin;
    this.#post(payload);
    if (signals.length > 0) this.#signals.attach(slot, signals);
  }

  wake(): void {
    this.#host.channel.wake?.();
  }

  async load(work: Work): Promise<void> {
    // What captured a signal is sent with each call: there is nothing to keep.
    if (work.kind !== "remote" || work.whole) return;
    const { id } = work.definition;
    this.#define(work.definition);
    this.#host.channel.send(
      plainMessage({ tag: Tag.load, definition: id }),
    );
    let load = this.#loads.get(id);
    if (load === undefined) {
      this.#loads.set(id, load = Promise.withResolvers());
    }
    await load.promise;
  }

  #loaded(id: number, payload: Uint8Array): void {
    const load = this.#loads.get(id);
    this.#loads.delete(id);
    if (payload.length === 0) load?.resolve();
    else load?.reject(readError(payload, []));
  }

  isAt(slot: number): boolean {
    return this.#host.slots?.taken(slot) ?? false;
  }

  revoke(slot: number): boolean {
    const isRevoked = this.#host.slots?.revoke(slot) ?? false;
    if (isRevoked) this.#signals.detach(slot);
    return isRevoked;
  }

  abort(slot: number, reason: AbortReason, cause?: unknown): void {
    // The flag first: a synchronous loop reads it, and the message, which the
    // guest takes when its event loop turns, fires the signal.
    if (slot < SLOTS) this.#host.raise(slot, reason);
    const header = { tag: Tag.abort, slot, reason };
    this.#host.channel.send(
      cause === undefined
        ? plainMessage(header)
        : messageWithReason(header, cause),
    );
  }

  credit(slot: number, items: number): void {
    this.#host.channel.send(plainMessage({ tag: Tag.credit, slot, items }));
  }

  finish(slot: number): void {
    this.#host.channel.send(plainMessage({ tag: Tag.finish, slot }));
  }

  giveUp(slot: number): void {
    this.#relay?.giveUp(slot);
  }

  release(slot: number): void {
    this.#relay?.callEnded(slot);
    this.#signals.detach(slot);
    this.#calls[slot] = undefined;
    this.#origins[slot] = undefined;
    this.#host.slots?.free(slot);
  }

  stop(code = 0): void {
    this.#host.stop(code);
  }

  unref(): void {
    this.#host.unref?.();
  }

  terminate(signal?: Deno.Signal): void {
    this.#signals.detachAll();
    this.#host.terminate(signal);
  }

  ping(): void {
    this.#host.channel.send(plainMessage({ tag: Tag.ping }));
  }

  poll(): boolean {
    return this.#host.channel.poll?.() ?? false;
  }

  probe(): void {
    this.#host.probe();
  }

  #define(definition: Definition): void {
    const { id, payload } = definition;
    const known = this.#definitions.delete(id);
    if (!known) {
      writer.reset();
      writeHeader(writer, { tag: Tag.define, definition: id });
      writer.u8(payload.mutable ? 1 : 0);
      this.#post(payload);
      if (this.#definitions.size >= MAX_DEFINITIONS) {
        const [oldest] = this.#definitions;
        this.#definitions.delete(oldest!);
        this.#host.channel.send(
          plainMessage({ tag: Tag.forget, definition: oldest! }),
        );
      }
    }
    this.#definitions.add(id);
  }

  /** Sends the header in `writer` and the payload; more follows, or `wake()`. */
  #post(payload: Payload): void {
    try {
      // One that lies in a segment has room for the header there.
      const isSegment = payload.segment !== undefined;
      const head = writer.bytes();
      this.#host.channel.send(
        isSegment ? messageOf(head, payload) : head,
        payload.attachments,
        payload.transfer,
        isSegment ? NO_BYTES : payload.bytes,
        true,
      );
    } catch (error) {
      throw new SerializationError(
        `Cannot send a value: ${(error as Error)?.message ?? error}`,
        { reason: "refused by structured clone", cause: error },
      );
    }
  }

  #receive(bytes: Uint8Array, attachments: readonly unknown[]): void {
    const events = this.#events;
    const message = readGuestMessage(bytes);
    switch (message.tag) {
      case Tag.ready:
        this.#host.started();
        events.ready();
        break;
      case Tag.pong:
        events.pong();
        break;
      case Tag.lingers:
        events.lingers();
        break;
      case Tag.done: {
        this.#measured(message);
        let value: unknown;
        try {
          value = this.#answer(message.slot, message.payload, attachments);
        } catch (error) {
          events.failed(message.slot, error, message.time);
          break;
        }
        events.done(message.slot, value, message.time);
        break;
      }
      case Tag.failed:
        this.#measured(message);
        events.failed(
          message.slot,
          this.#error(message.slot, message.payload, attachments),
          message.time,
        );
        break;
      case Tag.item: {
        const { slot, payload } = message;
        let outcome: Outcome;
        try {
          const value = this.#answer(slot, payload, attachments);
          outcome = { ok: true, value };
        } catch (error) {
          outcome = { ok: false, value: error };
        }
        events.item(slot, outcome);
        break;
      }
      case Tag.finishing:
        events.finishing(message.slot);
        break;
      case Tag.lends:
        events.lends(message.slot, message.to);
        break;
      case Tag.relay:
        this.#served().receive(message.payload, attachments);
        break;
      case Tag.skipped:
        events.skipped(message.slot);
        break;
      case Tag.progress:
        events.progress(message.slot, message.done, message.total);
        break;
      case Tag.loaded:
        this.#loaded(message.definition, message.payload);
        break;
      case Tag.fault:
        events.fault(readError(message.payload, attachments));
        break;
      case Tag.exit:
        this.#host.guestExiting(message.code);
        break;
      case Tag.link:
        void this.#link(message.id, new TextDecoder().decode(message.payload));
        break;
      default:
        message satisfies never;
    }
  }

  #measured(
    { slot, measurement }: {
      readonly slot: number;
      readonly measurement?: Measurement | undefined;
    },
  ): void {
    if (measurement !== undefined) this.#events.measured(slot, measurement);
  }

  /** Links a socket to a door of this worker, or has it done. */
  async #link(id: number, request: string): Promise<void> {
    const header = { tag: Tag.linked, id };
    let answer = plainMessage(header);
    try {
      const [socket, door] = JSON.parse(request);
      await linkSocket(String(socket), String(door));
    } catch (error) {
      answer = messageWithReason(header, error);
    }
    this.#host.channel.send(answer);
  }

  /** Reads an answer, or keeps it as it is for whoever reads it. */
  #answer(
    slot: number,
    payload: Uint8Array,
    attachments: readonly unknown[],
  ): unknown {
    const { mode, isRelayed } = this.#calls[slot]!;
    return isRelayed
      ? new RawAnswer(payload, attachments)
      : readAnswer(mode, payload, attachments);
  }

  #error(
    slot: number,
    payload: Uint8Array,
    attachments: readonly unknown[],
  ): unknown {
    return this.#calls[slot]?.isRelayed
      ? new RawAnswer(payload, attachments)
      : readError(payload, attachments);
  }

  /** What the tasks of this worker ask of executors. */
  #served(): RelayServer {
    return this.#relay ??= new RelayServer({
      owner: this.#events.owner,
      originOf: (slot) => this.#origins[slot],
      send: (message, attachments, transfer) => {
        const w = new ByteWriter(message.length + 1);
        writeHeader(w, { tag: Tag.relayed });
        w.raw(message);
        this.#host.channel.send(w.bytes(), attachments, transfer);
      },
    });
  }
}
