// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Abort signals inside a graph. A signal travels as its number among those of
// its call: the caller listens to it for as long as the call is under way and
// says when it fires, and why. So it only travels where there is a call.

import * as tags from "./_codec_tags.ts";
import {
  type GraphReader,
  type GraphWriter,
  malformed,
} from "./_codec_types.ts";

export function writeSignal(g: GraphWriter, signal: AbortSignal): void {
  const { signals } = g.c;
  if (signals === undefined) {
    g.refuse(
      "an AbortSignal only travels to a task: pass it as (part of) an argument, or let the task capture it",
    );
  }
  g.register(signal);
  g.w.u8(tags.TAG_SIGNAL);
  // A payload of many values has one list for all of them.
  const known = signals.indexOf(signal);
  g.w.varint(known >= 0 ? known : signals.push(signal) - 1);
}

export function readSignal(g: GraphReader): AbortSignal {
  const index = g.r.varint();
  const signal = g.c.signal?.(index);
  if (signal === undefined) throw malformed("it holds an AbortSignal");
  g.register(signal);
  return signal;
}
