// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Values to bytes and back, for messages that are nobody's call: items of queues,
// messages of connections. Functions are described, and modules imported, as
// they turn up; what that takes is loaded with the first one.

import { SerializationError } from "../base/errors.ts";
import type { AnyFunction } from "./functions/task.ts";
import { rememberNamespace } from "./functions/origins.ts";
import { loadModules, type ModuleNamespace } from "./functions/revive.ts";
import { requireModule } from "./functions/sync_modules.ts";
import { encodePayload, type PayloadOptions } from "./payload.ts";
import { decodePayload, payloadModules } from "./received_payload.ts";

type Describe = typeof import("./functions/describe.ts");

/** The modules that values have needed. */
const loaded = new Map<string, ModuleNamespace>();
/** The last of those that could not be loaded, with the errors: a module that has failed never loads. */
const broken = new Map<string, unknown>();
const MAX_BROKEN = 256;
const NONE: readonly never[] = [];
let describeModule: Describe | undefined;

/** Describes the functions in one value. */
export function describer(): PayloadOptions["describe"] {
  let context: ReturnType<Describe["createCaptureContext"]> | undefined;
  return (fn: AnyFunction) => {
    // A program that sends no functions does without the parser.
    describeModule ??= requireModule(
      new URL("functions/describe.ts", import.meta.url).href,
    ) as unknown as Describe;
    context ??= describeModule.createCaptureContext();
    return describeModule.describeFunction(fn, context);
  };
}

/**
 * The bytes of a value, in memory of their own.
 *
 * @param root What the value is called in errors.
 * @throws {SerializationError} If a part of it cannot travel.
 */
export function encodeToBytes(
  value: unknown,
  root: string,
): Uint8Array<ArrayBuffer> {
  const options = { root, describe: describer(), reach: "process" } as const;
  return encodePayload(value, options).bytes as Uint8Array<ArrayBuffer>;
}

/**
 * The value of bytes; a promise of it only where modules have to be loaded first.
 *
 * @param root What the value is called in errors.
 * @throws {SerializationError} If they are malformed, or name what this side does not have.
 */
export function decodeFromBytes(bytes: Uint8Array, root: string): unknown {
  return checked(root, () => {
    if (missingModules(bytes).length > 0) return decodeLater(bytes, root);
    checkModules(bytes, root);
    return decodeLoaded(bytes);
  });
}

async function decodeLater(bytes: Uint8Array, root: string): Promise<unknown> {
  await importModules(bytes);
  checkModules(bytes, root);
  return decodeLoaded(bytes);
}

/** A message may come from anybody, and so be anything. */
function checked<T>(root: string, decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    const reason = "it ends early";
    throw new SerializationError(`Cannot read ${root}: ${reason}`, {
      reason,
      cause,
    });
  }
}

/** As `decodeFromBytes()`, of bytes whose modules were loaded and checked. */
export function decodeLoaded(
  bytes: Uint8Array,
  attachments: readonly unknown[] = NONE,
): unknown {
  const { offset } = payloadModules(bytes);
  return decodePayload(bytes, offset, attachments, loaded);
}

/** The modules that have to be loaded before the value can be read. */
export function missingModules(bytes: Uint8Array): string[] {
  if (bytes[0] === 0) return NONE as never[];
  return payloadModules(bytes).modules.filter((url) =>
    !loaded.has(url) && !broken.has(url)
  );
}

/** Loads them. One that fails is remembered: whoever reads the value is told. */
export async function importModules(bytes: Uint8Array): Promise<void> {
  for (const url of missingModules(bytes)) {
    try {
      const modules = await loadModules([url]);
      loaded.set(url, modules.get(url)!);
    } catch (cause) {
      noteBroken(url, cause);
    }
  }
}

/**
 * As `importModules()`, and blocks the thread.
 *
 * @param refuse Makes the error for a module that can only be loaded asynchronously.
 */
export function requireModules(
  bytes: Uint8Array,
  refuse: (url: string, cause: unknown) => Error,
): void {
  for (const url of missingModules(bytes)) {
    try {
      const namespace = requireModule(url);
      rememberNamespace(namespace, url);
      loaded.set(url, namespace);
    } catch (cause) {
      const { code } = cause as { code?: unknown };
      if (code === "ERR_REQUIRE_ASYNC_MODULE" || !url.startsWith("file:")) {
        throw refuse(url, cause);
      }
      noteBroken(url, cause);
    }
  }
}

function noteBroken(url: string, cause: unknown): void {
  broken.set(url, cause);
  // Whoever sends names that do not exist is not to fill the memory with them.
  if (broken.size > MAX_BROKEN) broken.delete(broken.keys().next().value!);
}

/**
 * Checks that no module of the value has failed.
 *
 * @throws {SerializationError} If one has.
 */
export function checkModules(bytes: Uint8Array, root: string): void {
  if (broken.size === 0 || bytes[0] === 0) return;
  for (const url of payloadModules(bytes).modules) {
    if (!broken.has(url)) continue;
    throw new SerializationError(
      `Cannot get ${root}: its module ${url} cannot be loaded`,
      { reason: "its module fails", cause: broken.get(url) },
    );
  }
}
