// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { ConnectionClosedError } from "../base/errors.ts";
import type { Message, MessageQueue } from "./message_queue.ts";

/** What a `Connection` is over: one end of a road for messages. */
export interface MessageEnd {
  readonly readable: boolean;
  readonly writable: boolean;
  /** What has come in. It is ended by the end of the road, not before all that was sent is in it. */
  readonly inbox: MessageQueue;
  /**
   * Sends a message; it is on its way, behind those before it, when this
   * returns. A value's bytes are given away; raw bytes are copied.
   *
   * @param isGiven True: raw bytes are given away too.
   * @returns A promise where the sender should wait for room.
   * @throws {ConnectionClosedError} If nobody takes it any more.
   */
  send(message: Message, isGiven?: boolean): Promise<void> | undefined;
  /** Set by whoever passes the end on: nobody takes what is sent any more. */
  onRefused: () => void;
  /** Ends this end. What was sent still arrives. */
  close(): void;
  /**
   * Asks for what may be there without waiting, where that is not known here.
   *
   * @param takes True: a message is to be in the inbox then. False: it is enough to know.
   * @returns True where there is one.
   */
  ask?(takes: boolean): Promise<boolean>;
}

/** The error of somebody who waits for messages of which none comes any more. */
export function endOfMessages(cause?: unknown): ConnectionClosedError {
  return cause === undefined
    ? new ConnectionClosedError(
      "Cannot receive from a connection: the other side has closed it",
    )
    : new ConnectionClosedError(
      "Cannot receive from a connection: it has broken",
      { cause },
    );
}

/** The error of somebody who sends to nobody. */
export function endOfSending(): ConnectionClosedError {
  return new ConnectionClosedError(
    "Cannot send to a connection: the other side has closed it",
  );
}
