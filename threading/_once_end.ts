// Copyright 2026 the @concurrent/parallel authors. MIT license.

// How something has ended, a value or an error, for the other threads.
//
//   0, error                    see `error_codec.ts`
//   1, payload                  see `payload.ts`; what goes beside it is deposited

import { SerializationError } from "../_internal/base/errors.ts";
import { isTooLong, type OnceEnd } from "../_internal/memory/once_core.ts";
import { describer } from "../_internal/pool/definitions.ts";
import { isMovable } from "../_internal/wire/attachments.ts";
import { ByteReader, ByteWriter } from "../_internal/wire/bytes.ts";
import { decodeError, encodeError } from "../_internal/wire/error_codec.ts";
import {
  loadModules,
  type ModuleNamespace,
} from "../_internal/wire/functions/revive.ts";
import { encodePayload } from "../_internal/wire/payload.ts";
import {
  decodePayload,
  payloadModules,
} from "../_internal/wire/received_payload.ts";
import { requireModule } from "../_internal/wire/functions/sync_modules.ts";
import {
  collect,
  collectSync,
  depositAttachments,
} from "../_internal/worker/mail.ts";

/** How something has ended. */
export interface End {
  readonly ok: boolean;
  /** What it returned, or what it threw. */
  readonly value: unknown;
}

const FAILED = 0;
const OK = 1;
const HEADER = 1;

/** Writes an end. Never throws: a value that cannot travel becomes the error that says so. */
export function encodeEnd({ ok, value }: End): OnceEnd {
  if (!ok) return encodeFailure(value);
  try {
    return encodeSuccess(value);
  } catch (error) {
    return encodeFailure(error);
  }
}

function encodeSuccess(value: unknown): OnceEnd {
  const payload = encodePayload(value, {
    root: "value",
    describe: describer(),
    reach: "thread",
  });
  const { attachments } = payload;
  const single = attachments.find(isMovable);
  if (single !== undefined) {
    throw new SerializationError(
      `Cannot send what 'fn' returned to several threads: it holds a ${single.constructor.name}, which only one thread can have`,
      { path: "value", reason: "only one thread can have it" },
    );
  }
  const bytes = new Uint8Array(HEADER + payload.bytes.length);
  bytes[0] = OK;
  bytes.set(payload.bytes, HEADER);
  if (isTooLong(bytes)) {
    throw new SerializationError(
      `Cannot send what 'fn' returned: it takes ${bytes.length} bytes`,
      { path: "value", reason: "is too long" },
    );
  }
  const token = attachments.length > 0 ? depositAttachments(attachments) : 0;
  return { bytes, token };
}

function encodeFailure(error: unknown): OnceEnd {
  const w = new ByteWriter(256);
  w.u8(FAILED);
  encodeError(w, error, { root: "error", modules: new Set() });
  return { bytes: w.bytes().slice(), token: 0 };
}

/** Reads an end that another thread wrote. */
export async function decodeEnd({ bytes, token }: OnceEnd): Promise<End> {
  if (bytes[0] === FAILED) return decodeFailure(bytes);
  const { modules, offset } = payloadModules(bytes.subarray(HEADER));
  const [loaded, attachments] = await Promise.all([
    loadModules(modules),
    token === 0 ? [] : collect(token, true),
  ]);
  return decodeSuccess(bytes, offset, attachments, loaded);
}

/** As {@linkcode decodeEnd}, for whoever is blocked. */
export function decodeEndSync({ bytes, token }: OnceEnd): End {
  if (bytes[0] === FAILED) return decodeFailure(bytes);
  const { modules, offset } = payloadModules(bytes.subarray(HEADER));
  const loaded = new Map(modules.map((url) => [url, requireModule(url)]));
  const attachments = token === 0 ? [] : collectSync(token, true);
  return decodeSuccess(bytes, offset, attachments, loaded);
}

function decodeSuccess(
  bytes: Uint8Array,
  offset: number,
  attachments: readonly unknown[],
  modules: ReadonlyMap<string, ModuleNamespace>,
): End {
  const payload = bytes.subarray(HEADER);
  return {
    ok: true,
    value: decodePayload(payload, offset, attachments, modules),
  };
}

function decodeFailure(bytes: Uint8Array): End {
  const value = decodeError(new ByteReader(bytes, HEADER), {
    attachments: [],
    modules: new Map(),
  });
  return { ok: false, value };
}
