// Copyright 2026 the @concurrent/parallel authors. MIT license.

// V8's own knowledge of functions, read synchronously.
//
//   1. A session of `node:inspector` is attached to this isolate. It stays for
//      one synchronous burst of questions and is detached in a microtask, or
//      by `closeInspector()`: a worker that is started while a session is
//      attached starts half a second late.
//   2. Replies are delivered through `process.nextTick`, which the runtime looks
//      up at each delivery. While a question is asked it is replaced by a plain
//      call, so that the reply is there when `post()` returns. Should a runtime
//      deliver in another way, the session counts as unavailable.
//   3. `Debugger.enable` is only needed to learn the URL and source of a script
//      that was not seen before, and is undone at once: a `debugger` statement
//      of the user's must not stop the program.

import type { Session } from "node:inspector";
import { nodeInspector, nodeProcess } from "./sync_modules.ts";

/** One scope that a function sees at run time, innermost first. */
export interface RuntimeScope {
  /** What V8 calls it, such as `"Closure (make)"`, `"Block"`, `"Module"`. */
  readonly description: string;
  /** The bindings. Reading one that is not initialised throws a ReferenceError. */
  readonly object: Readonly<Record<string, unknown>>;
}

/** Where a function was defined. */
export interface FunctionLocation {
  readonly scriptId: string;
  /** Zero-based, of the emitted JavaScript. */
  readonly line: number;
  /** Zero-based, in UTF-16 units. */
  readonly column: number;
}

/** A script that V8 has compiled. */
export interface ScriptInfo {
  readonly url: string;
  readonly isModule: boolean;
  /** True where the URL is only a `sourceURL` comment. */
  readonly hasSourceUrl: boolean;
  readonly text: string;
}

/** What V8 knows about a function. */
export interface FunctionInfo {
  readonly location: FunctionLocation;
  readonly scopes: readonly RuntimeScope[];
}

interface RemoteObject {
  readonly objectId?: string;
  readonly value?: unknown;
}

interface InternalProperty {
  readonly name: string;
  readonly value?: RemoteObject;
}

interface ScriptParsed {
  readonly scriptId: string;
  readonly url: string;
  readonly isModule?: boolean;
  readonly hasSourceURL?: boolean;
}

// The one place where a value and its remote object meet. The name is not
// enumerable and only there while a question is asked.
const SLOT = Symbol.for("@concurrent/parallel.inspected");
const SLOT_EXPRESSION =
  'globalThis[Symbol.for("@concurrent/parallel.inspected")]';
const STORE_THIS = `function () { ${SLOT_EXPRESSION} = this; }`;

const scope = globalThis as unknown as Record<symbol, unknown>;
const scripts = new Map<string, ScriptInfo>();

let session: Session | undefined;
let isUnavailable = false;

/**
 * Detaches the session now instead of at the end of the burst. To be called
 * before a worker is started.
 */
export function closeInspector(): void {
  session?.disconnect();
  session = undefined;
}

/**
 * Tells where `fn` was defined and what it sees.
 *
 * @param fn The function.
 * @returns What V8 knows, or `undefined` where it cannot be asked or does not know.
 */
export function inspectFunction(
  fn: (...args: never[]) => unknown,
): FunctionInfo | undefined {
  if (open() === undefined) return undefined;
  try {
    scope[SLOT] = fn;
    const { result } = post<{ result: RemoteObject }>("Runtime.evaluate", {
      expression: SLOT_EXPRESSION,
      silent: true,
    });
    const { internalProperties = [] } = post<
      { internalProperties?: InternalProperty[] }
    >("Runtime.getProperties", {
      objectId: result.objectId,
      ownProperties: true,
    });
    const location = find(internalProperties, "[[FunctionLocation]]")
      ?.value as
        | { scriptId: string; lineNumber: number; columnNumber: number }
        | undefined;
    const scopes = find(internalProperties, "[[Scopes]]");
    if (location === undefined || scopes?.objectId === undefined) {
      return undefined;
    }
    post("Runtime.callFunctionOn", {
      objectId: scopes.objectId,
      functionDeclaration: STORE_THIS,
      silent: true,
    });
    return {
      location: {
        scriptId: location.scriptId,
        line: location.lineNumber,
        column: location.columnNumber,
      },
      // V8's own list has no prototype, and an entry may have no description.
      scopes: Array.from(
        scope[SLOT] as ArrayLike<Partial<RuntimeScope>>,
        ({ description = "", object = {} }) => ({ description, object }),
      ),
    };
  } catch (error) {
    if (error instanceof InspectorUnavailable) return undefined;
    throw error;
  } finally {
    delete scope[SLOT];
  }
}

/**
 * Tells the URL and source of a script.
 *
 * @param scriptId V8's number of the script.
 * @returns What V8 knows, or `undefined` where it cannot be asked or does not know.
 */
export function inspectScript(scriptId: string): ScriptInfo | undefined {
  const known = scripts.get(scriptId);
  if (known !== undefined) return known;
  const current = open();
  if (current === undefined) return undefined;
  let parsed: ScriptParsed | undefined;
  const onScript = (message: { params: unknown }) => {
    const params = message.params as ScriptParsed;
    if (params.scriptId === scriptId) parsed = params;
  };
  try {
    current.on("Debugger.scriptParsed", onScript);
    post("Debugger.enable");
    if (parsed === undefined) return undefined;
    const { scriptSource } = post<{ scriptSource: string }>(
      "Debugger.getScriptSource",
      { scriptId },
    );
    const info: ScriptInfo = {
      url: parsed.url,
      isModule: parsed.isModule ?? false,
      hasSourceUrl: parsed.hasSourceURL ?? false,
      text: scriptSource,
    };
    scripts.set(scriptId, info);
    return info;
  } catch (error) {
    if (error instanceof InspectorUnavailable) return undefined;
    throw error;
  } finally {
    current.off("Debugger.scriptParsed", onScript);
    if (session === current) post("Debugger.disable");
  }
}

/** The runtime does not answer as this module needs it; never leaves it. */
class InspectorUnavailable extends Error {
  override name = "InspectorUnavailable";
}

function open(): Session | undefined {
  if (session !== undefined || isUnavailable) return session;
  // Asked first, since `connect()` would prompt the user.
  if (Deno.permissions.querySync({ name: "sys" }).state !== "granted") {
    return undefined;
  }
  let created: Session;
  try {
    created = new (nodeInspector().Session)();
    created.connect();
  } catch {
    // The permission was denied for a part, or the runtime has no inspector.
    isUnavailable = true;
    return undefined;
  }
  session = created;
  queueMicrotask(() => {
    if (session === created) closeInspector();
  });
  return session;
}

function post<T = unknown>(method: string, params: object = {}): T {
  const current = session!;
  const process = nodeProcess();
  const { nextTick } = process;
  let reply: { error: unknown; result: unknown } | undefined;
  process.nextTick =
    ((callback: (...args: unknown[]) => void, ...args) =>
      callback(...args)) as typeof process.nextTick;
  try {
    // The typed overloads list methods one by one.
    (current.post as (
      method: string,
      params: object,
      callback: (error: unknown, result: unknown) => void,
    ) => void).call(current, method, params, (error, result) => {
      reply = { error, result };
    });
  } finally {
    process.nextTick = nextTick;
  }
  if (reply === undefined) {
    isUnavailable = true;
    closeInspector();
    throw new InspectorUnavailable(`${method} was not answered at once`);
  }
  if (reply.error) {
    throw new InspectorUnavailable(`${method} failed`, { cause: reply.error });
  }
  return reply.result as T;
}

function find(
  properties: readonly InternalProperty[],
  name: string,
): RemoteObject | undefined {
  return properties.find((property) => property.name === name)?.value;
}
