// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A child for process_host_test.ts: does what the first byte of a message says.

import { Tag } from "../../../../_internal/wire/messages.ts";
import { connectToParent } from "../../../../_internal/worker/process_child.ts";

/** What the child can be asked for. */
export const Command = {
  /** Sends the message back. */
  echo: 101,
  /** Evaluates the text that follows and sends its result as JSON. */
  evaluate: 102,
  /** Says "busy", then loops until the slot in the second byte is aborted, or for ever. */
  spin: 103,
} as const;

if (import.meta.main) {
  // The memory that the two share, for tests that spoil it.
  const { getArrayBuffer } = Deno.UnsafePointerView;
  Deno.UnsafePointerView.getArrayBuffer = (pointer, size, offset) => {
    const buffer = getArrayBuffer(pointer, size, offset);
    if (size > 4096) Object.assign(globalThis, { mapped: buffer });
    return buffer;
  };
  const { channel, slots, sharesSlots, info, exit } = await connectToParent();
  const encode = (value: unknown): Uint8Array =>
    new TextEncoder().encode(JSON.stringify(value));
  Object.assign(globalThis, { channel, info, slots, sharesSlots });

  const evaluate = async (code: string): Promise<void> => {
    try {
      const value = await (0, eval)(code);
      channel.send(encode({ value: value ?? null }));
    } catch (error) {
      channel.send(encode({ error: String(error) }));
    }
  };
  channel.onMessage = (message) => {
    switch (message[0]) {
      case Tag.stop:
        void exit(new DataView(message.buffer, message.byteOffset).getUint8(1));
        break;
      case Command.echo:
        channel.send(message);
        break;
      case Command.evaluate:
        void evaluate(new TextDecoder().decode(message.subarray(1)));
        break;
      case Command.spin:
        channel.send(encode({ value: "busy" }));
        // The writer needs a turn before the loop takes the thread.
        void channel.flush().then(() => {
          const slot = message[1] ?? 0;
          while (!slots.aborted(slot));
          slots.free(slot);
          channel.send(encode({ value: "aborted" }));
        });
        break;
    }
  };
  channel.open();
}
