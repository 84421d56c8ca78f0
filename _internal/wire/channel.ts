// Copyright 2026 the @concurrent/parallel authors. MIT license.

/** How a channel ended. */
export interface ChannelClose {
  /** Absent where the other side ended it in order. */
  readonly error?: unknown;
}

/**
 * A duplex, ordered and reliable road for messages between a host (the
 * caller's side) and a guest (the worker's side). What runs on it does not
 * know whether a ring, a port or a socket is below.
 */
export interface Channel {
  /** True where `attachments` can be sent: values that only the platform can clone or move. */
  readonly carriesAttachments: boolean;
  /**
   * Sends one message: its bytes, and behind them those of `body`. They are copied before it returns.
   * With `isMore` the other side is not woken for it, since more follows at once, and `wake()` after that.
   *
   * @throws {DataCloneError} If an attachment cannot be cloned; nothing was sent then.
   */
  send(
    message: Uint8Array,
    attachments?: readonly unknown[],
    transfer?: readonly Transferable[],
    body?: Uint8Array,
    isMore?: boolean,
  ): void;
  /** Wakes the other side for what was sent with `isMore`. Missing where it is not put off. */
  wake?(): void;
  /** Resolves when what was sent is on its way. Missing where it is as soon as `send()` has returned. */
  flush?(): Promise<void>;
  /**
   * Resolves when what was sent needs no turn of the event loop any more to
   * leave; undefined where that is so now. A guest that ran a long function
   * before would keep an answer back. Missing where it is always so, or where
   * there is no answer while another call can come.
   */
  whenSent?(): Promise<void> | undefined;
  /** Set once by the owner before `open()`. The message is only valid during the call. */
  onMessage: (message: Uint8Array, attachments: readonly unknown[]) => void;
  /** May be set by the owner before `open()`. Called when those messages that came together have been delivered. */
  onDelivered: () => void;
  /** Set once by the owner before `open()`. Called at most once; not after `close()`. */
  onClose: (close: ChannelClose) => void;
  /** Delivers at once what has come, and tells whether that is all of it. Missing where it always takes a turn of the event loop. */
  poll?(): boolean;
  /** True where something can be delivered now. Missing where only the event loop knows. */
  readonly pending?: boolean | undefined;
  /** Starts to deliver messages. */
  open(): void;
  /** The other side is gone: delivers what can be read of what it sent before, then closes. */
  finish(): void;
  /** Stops; nothing is delivered afterwards. What was sent before still arrives where the other side lives. */
  close(): void;
}
