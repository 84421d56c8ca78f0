// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A queue, for one agent outside of the program. Items go by as they are: nobody
// but the getter makes values of payloads.
//
// Puts that are accepted by the putter's side come in lists, and are answered when
// they are in the queue: that is the putter's credit. They count as done before a
// shutdown of which that side had not been told.

import { DONE, QueueCore } from "../memory/queue_core.ts";
import { RingStore } from "../memory/queue_ring.ts";
import {
  ItemKind,
  QueueItem,
  type SmallValue,
} from "../memory/queue_segment.ts";
import type { CoreView, ServedMemory } from "./core_view.ts";

/** Bytes after which no more items go with the first one. */
const MAX_LOT_BYTES = 1 << 16;
/** A primitive for itself, a payload as its kind and its bytes. */
export type ItemRecord =
  | SmallValue
  | readonly [kind: number, bytes: Uint8Array];

/** The item as it travels. */
export function recordOf(item: QueueItem): ItemRecord {
  return item.kind < ItemKind.payload
    ? item.getSmall()
    : [item.kind, item.bytes];
}

/** Makes an item of a record. */
export function readRecord(record: ItemRecord, item: QueueItem): void {
  if (typeof record !== "object" || record === null) {
    item.setSmall(record);
    return;
  }
  [item.kind, item.bytes] = record;
  item.int = item.bytes.length;
}

/** One queue, for one agent. */
export function queueView({ serial, parts }: ServedMemory): CoreView {
  const [words, ...buffers] = parts as SharedArrayBuffer[];
  const core = new QueueCore(RingStore, {
    serial,
    words: new Int32Array(words!),
    buffers,
  });
  const small = new QueueItem();
  const put = (record: ItemRecord) => {
    readRecord(record, small);
    return small;
  };
  const kept = (record: ItemRecord) => {
    const item = new QueueItem();
    readRecord(record, item);
    return item;
  };
  /** What was taken, with how that went. */
  const taken = (result: number, item: QueueItem) =>
    result === DONE ? [result, recordOf(item)] : [result];
  return {
    putAccepted(records: ItemRecord[]) {
      core.putAccepted(
        records.length,
        (index, item) => readRecord(records[index], item),
      );
      return [core.maxSize, core.isShutdown];
    },
    unget: (records: ItemRecord[]) => core.putBack(records.map(kept)),
    async getMany([max, timeout], { signal }) {
      const item = new QueueItem();
      // Several only for the one who takes them all.
      const isAlone = core.isOnlyGetter;
      const result = await core.get(item, isAny, { timeout, signal });
      if (result !== DONE) return [result];
      const taken: unknown[] = [result, recordOf(item)];
      let bytes = item.bytes.length;
      if (!isAlone || max < 2 || bytes >= MAX_LOT_BYTES) return taken;
      core.takeMany((item) => {
        taken.push(recordOf(item));
        bytes += item.bytes.length;
        return taken.length <= max && bytes < MAX_LOT_BYTES;
      });
      return taken;
    },
    tryPut: ([record]) => core.tryPut(put(record)),
    put: ([record, timeout], { signal }) =>
      core.put(kept(record), { timeout, signal }),
    tryGet() {
      const item = new QueueItem();
      return taken(core.tryGet(item, isAny), item);
    },
    taskDone: () => core.taskDone(),
    join: ([timeout], { signal }) => core.join({ timeout, signal }),
    shutdown: ([isImmediate]) => core.shutdown(isImmediate).map(recordOf),
    size: () => core.size,
    isShutdown: () => core.isShutdown,
    maxSize: () => core.maxSize,
    setMaxSize([value]) {
      core.maxSize = value;
    },
  };
}

function isAny(): boolean {
  return true;
}
