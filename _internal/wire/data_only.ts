// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What is taken from whom, of values that come from another machine:
//
//   from                            call        answer
//   who knows the key               everything  admitAnswer
//   anybody else, a stranger        admitData   admitStrangersAnswer
//
// A call of a stranger is an export of a module that the node was started with,
// and plain data. It is read once, strictly, before it is passed on: what a
// worker reads later are the same bytes with the same code, so that nothing can
// be in them that was not seen here. What is read has no effect: nothing is
// imported, made from source, looked up by a name or a token, or connected to.
//
// Each list says what is taken, so that a tag that is new is not. Left out of
// plain data are, besides what names or brings code:
//
// - regular expressions: they are programs; to make one of half a megabyte took
//   7 s, to match with one can take for ever;
// - what costs more than it is long: Headers (the square of their number),
//   resizable buffers (address space at will), arrays with long gaps (a length
//   at will for whoever goes through them), maps and sets with many entries
//   (whose keys can be chosen such that all fall together: 60 000 took 4 s);
// - symbols: those by name are never collected.

import { SerializationError } from "../base/errors.ts";
import { ByteReader } from "./bytes.ts";
import { type Admit, type DecodeContext, decodeValue } from "./codec.ts";
import { readNumbers } from "./_codec_primitives.ts";
import * as tags from "./_codec_tags.ts";
import { malformed } from "./_codec_types.ts";
import type { FunctionReference } from "./functions/description.ts";
import { readModuleUrl } from "./functions/names.ts";
import { CallMode, WHOLE_CALL } from "./messages.ts";
import { payloadModules } from "./received_payload.ts";
import type { RelayedCall } from "./relay_messages.ts";

/** What is plain data, besides what `Admit` is not asked about. */
const DATA: readonly number[] = [
  tags.TAG_BIGINT,
  tags.TAG_MAP,
  tags.TAG_SET,
  tags.TAG_DATE,
  tags.TAG_ARRAY_BUFFER,
  tags.TAG_VIEW_PART,
  tags.TAG_VIEW,
  tags.TAG_URL,
  tags.TAG_URL_SEARCH_PARAMS,
  tags.TAG_BOXED,
  tags.TAG_TEMPORAL,
  tags.TAG_ERROR,
  tags.TAG_LATER,
];

/** What comes back besides. Of what it names, it finds what was sent, and nothing else. */
const ANSWER: readonly number[] = [
  tags.TAG_SYMBOL_FOR,
  tags.TAG_SYMBOL_KNOWN,
  tags.TAG_SPARSE,
  tags.TAG_REGEXP,
  tags.TAG_RESIZABLE_BUFFER,
  tags.TAG_HEADERS,
  tags.TAG_GLOBAL,
  tags.TAG_FUNCTION_REFERENCE,
  tags.TAG_INSTANCE,
  tags.TAG_DERIVED,
  tags.TAG_HOME,
  tags.TAG_OWN_ERROR,
  tags.TAG_STORAGE,
];

/** What the others are called. */
const NAMES = new Map<number, string>([
  [tags.TAG_SYMBOL_FOR, "a symbol"],
  [tags.TAG_SYMBOL_KNOWN, "a symbol"],
  [tags.TAG_SPARSE, "an array with a long gap"],
  [tags.TAG_REGEXP, "a regular expression"],
  [tags.TAG_RESIZABLE_BUFFER, "a resizable buffer"],
  [tags.TAG_HEADERS, "Headers"],
  [tags.TAG_ATTACHMENT, "an object of the platform"],
  [tags.TAG_GLOBAL, "a built-in function or namespace"],
  [tags.TAG_FUNCTION_REFERENCE, "an export of a module"],
  [tags.TAG_FUNCTION_VALUE, "a function"],
  [tags.TAG_CELL, "a captured variable"],
  [tags.TAG_INSTANCE, "an instance of a class"],
  [tags.TAG_DERIVED, "an object that inherits from another one"],
  [tags.TAG_SHAREABLE, "an object that is served where it was made"],
  [tags.TAG_HOME, "a function or class that was sent before"],
  [tags.TAG_OWN_ERROR, "an error of a class that was sent before"],
  [tags.TAG_SIGNAL, "an AbortSignal"],
  [tags.TAG_STORAGE, "an AsyncLocalStorage"],
  [tags.TAG_TASK, "a task"],
]);

/** Entries of a stranger's map or set. */
const MAX_ENTRIES = 1000;

/** Takes plain data. */
export const admitData: Admit = admission(
  "only plain data is taken without a signature",
  DATA,
  MAX_ENTRIES,
);

/** Takes what comes back from a machine that knows the key. */
export const admitAnswer: Admit = admission(
  "it comes from another machine",
  [...DATA, ...ANSWER],
  Infinity,
);

/**
 * Takes what comes back from anybody. No function, or the answer could have one
 * of this side's own called: as its `then`, by whoever awaits it.
 */
export const admitStrangersAnswer: Admit = admission(
  "only plain data is taken without a signature",
  [...DATA, tags.TAG_OWN_ERROR],
  MAX_ENTRIES,
);

function admission(
  rule: string,
  list: readonly number[],
  maxEntries: number,
): Admit {
  const admitted = new Set(list);
  return (tag, size = 0) => {
    if (admitted.has(tag) && size <= maxEntries) return;
    const what = size > maxEntries
      ? `${size} entries in one collection`
      : NAMES.get(tag) ?? "something unknown";
    const reason = `it holds ${what}, and ${rule}`;
    throw new SerializationError(`Cannot read a message: ${reason}`, {
      reason,
    });
  };
}

const STRICTLY: DecodeContext = {
  attachments: [],
  modules: new Map(),
  admit: admitData,
};

/**
 * Checks that a call brings nothing but plain data.
 *
 * @throws {SerializationError} If there is anything else in it.
 */
export function checkPlainCall(
  call: Pick<
    RelayedCall,
    "mode" | "definition" | "contexts" | "signals" | "calls" | "payload"
  >,
): void {
  const { mode, definition, contexts, signals, calls, payload } = call;
  if (definition === WHOLE_CALL) throw refused("a function");
  if (contexts) throw refused("an AsyncLocalStorage");
  if (signals > 0) throw refused("an AbortSignal");
  // Also prints what it throws.
  if (mode === CallMode.main) throw refused("the call of a program");
  const count = read(payload, (r) => {
    checkNoModules(r);
    return mode === CallMode.chunk ? readLists(r) : readList(r);
  });
  if (count !== calls) {
    throw malformed(`it holds ${count} calls and says ${calls}`);
  }
}

/**
 * Checks that a value that comes alone, such as the reason of an abort, is
 * plain data.
 *
 * @throws {SerializationError} If it is anything else.
 */
export function checkPlainValue(bytes: Uint8Array): void {
  read(bytes, (r) => decodeValue(r, STRICTLY));
}

/**
 * The export that a definition is, where it is that and nothing else.
 *
 * @param payload Of a function: `pool/definitions.ts`.
 * @returns Undefined for every other definition, and for what is none.
 */
export function referenceOf(
  payload: Uint8Array,
): Pick<FunctionReference, "url" | "name"> | undefined {
  try {
    const { modules, offset } = payloadModules(payload);
    const r = new ByteReader(payload, offset);
    if (r.u8() !== tags.TAG_FUNCTION_REFERENCE) return undefined;
    const url = readModuleUrl(r);
    const name = r.string();
    const isWhole = r.remaining === 0 && modules.length === 1 &&
      modules[0] === url;
    return isWhole ? { url, name } : undefined;
  } catch (error) {
    if (error instanceof RangeError || error instanceof SerializationError) {
      return undefined;
    }
    throw error;
  }
}

/** Reads all of the bytes. */
function read<T>(bytes: Uint8Array, decode: (r: ByteReader) => T): T {
  try {
    const r = new ByteReader(bytes);
    const value = decode(r);
    if (r.remaining > 0) throw malformed("something follows it");
    return value;
  } catch (error) {
    if (error instanceof RangeError) throw malformed("it ends early", error);
    throw error;
  }
}

function checkNoModules(r: ByteReader): void {
  if (r.u8() !== 0) throw refused("a module to import");
}

/** Reads the arguments of one call. */
function readList(r: ByteReader): 1 {
  if (!Array.isArray(decodeValue(r, STRICTLY))) {
    throw malformed("arguments are expected");
  }
  return 1;
}

/** Reads what `ListPayload` wrote: the arguments of many calls; returns of how many. */
function readLists(r: ByteReader): number {
  const count = r.varint();
  if (count === 0) return readNumbers(r).length;
  for (let i = 0; i < count; i++) {
    const value = decodeValue(r, STRICTLY);
    if (typeof value !== "number" && !Array.isArray(value)) {
      throw malformed("arguments are expected");
    }
  }
  return count;
}

function refused(what: string): SerializationError {
  const reason =
    `it holds ${what}, and only plain data is taken without a signature`;
  return new SerializationError(`Cannot read a message: ${reason}`, {
    reason,
  });
}
