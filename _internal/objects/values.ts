// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Values as bytes, for those who are not workers of a pool: arguments and results
// of calls of objects, messages of connections. Modules that a value needs are
// imported before it is decoded.

import { SerializationError } from "../base/errors.ts";
import { ByteReader, ByteWriter } from "../wire/bytes.ts";
import { decodeError, encodeError } from "../wire/error_codec.ts";
import { rememberNamespace } from "../wire/functions/origins.ts";
import {
  loadModules,
  type ModuleNamespace,
  prepare,
} from "../wire/functions/revive.ts";
import { requireModule } from "../wire/functions/sync_modules.ts";
import type { AnyFunction } from "../wire/functions/task.ts";
import { encodePayload } from "../wire/payload.ts";
import { decodePayload, payloadModules } from "../wire/received_payload.ts";

type Describe = typeof import("../wire/functions/describe.ts");

const NONE: readonly never[] = [];
/** The modules that values have needed. */
const loaded = new Map<string, ModuleNamespace>();
let describeModule: Describe | undefined;

/**
 * The bytes of a value, in memory of their own.
 *
 * @param root What the value is called in errors: "args".
 * @throws {SerializationError} If a part of it cannot travel; the error names the part.
 */
export function packValue(value: unknown, root: string): Uint8Array {
  return encodePayload(value, {
    root,
    describe: describer(),
    attachments: false,
  }).bytes;
}

/**
 * The value of bytes that `packValue()` has made. A promise only where a module
 * has to be imported first; the bytes must hold until it settles then.
 *
 * @throws {SerializationError} If the bytes are none of a value.
 */
export function unpackValue(bytes: Uint8Array): unknown {
  const { modules, offset } = payloadOf(bytes);
  const missing = modules.filter((url) => !loaded.has(url));
  if (missing.length === 0) return decodePayload(bytes, offset, NONE, loaded);
  return loadAndDecode(bytes, offset, missing);
}

/**
 * As {@linkcode unpackValue}, for a thread that is blocked.
 *
 * @throws {NotSupportedError} If a module can only be imported asynchronously.
 */
export function unpackValueSync(bytes: Uint8Array): unknown {
  const { modules, offset } = payloadOf(bytes);
  for (const url of modules) {
    if (loaded.has(url)) continue;
    const namespace = requireModule(url);
    rememberNamespace(namespace, url);
    loaded.set(url, namespace);
  }
  return decodePayload(bytes, offset, NONE, loaded);
}

/** The bytes of something that was thrown. Never throws: what cannot travel is described. */
export function packError(thrown: unknown): Uint8Array {
  const w = new ByteWriter(256);
  encodeError(w, thrown, { root: "error", modules: new Set() });
  return w.take().bytes;
}

/** What `packError()` was given. */
export function unpackError(bytes: Uint8Array): unknown {
  return decodeError(new ByteReader(bytes), {
    attachments: NONE,
    modules: loaded,
    revive: prepare,
  });
}

async function loadAndDecode(
  bytes: Uint8Array,
  offset: number,
  missing: readonly string[],
): Promise<unknown> {
  for (const url of missing) {
    let modules: ReadonlyMap<string, ModuleNamespace>;
    try {
      modules = await loadModules([url]);
    } catch (cause) {
      throw new SerializationError(
        `Cannot receive a value: its module ${url} cannot be loaded`,
        { reason: "its module fails", cause },
      );
    }
    loaded.set(url, modules.get(url)!);
  }
  return decodePayload(bytes, offset, NONE, loaded);
}

/** As `payloadModules()`, of bytes that anybody may have sent. */
function payloadOf(
  bytes: Uint8Array,
): { readonly modules: readonly string[]; readonly offset: number } {
  try {
    return payloadModules(bytes);
  } catch (cause) {
    if (cause instanceof SerializationError) throw cause;
    throw new SerializationError("Cannot receive a value: it ends early", {
      reason: "bad payload",
      cause,
    });
  }
}

/** Describes functions; what that takes is loaded with the first one. */
function describer(): (fn: AnyFunction) => ReturnType<
  Describe["describeFunction"]
> {
  let context: ReturnType<Describe["createCaptureContext"]> | undefined;
  return (fn) => {
    describeModule ??= requireModule(
      new URL("../wire/functions/describe.ts", import.meta.url).href,
    ) as unknown as Describe;
    context ??= describeModule.createCaptureContext();
    return describeModule.describeFunction(fn, context);
  };
}
