// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What is known of the names that every program finds: which of them there are,
// which block, end or show the worker, and which take a short time whatever
// they are given. Written as it is used, such as `Deno.env.get`. What is in no
// table counts as the worse of the two.

function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/));
}

/**
 * Names that programs do not declare anew. Only trusted where neither V8 nor
 * the module's text can tell whether the module did, or where a mistake costs
 * speed and nothing else.
 */
export const UNSHADOWED: ReadonlySet<string> = words(`
  undefined NaN Infinity globalThis Object Array Number String Boolean BigInt
  Math JSON Reflect Atomics SharedArrayBuffer ArrayBuffer Uint8Array Int32Array
  Float64Array BigInt64Array Promise Error TypeError RangeError parseInt
  parseFloat isNaN isFinite console`);

/** Globals that mean the same in every isolate. */
export const SAME_EVERYWHERE: ReadonlySet<string> = words(`
  undefined NaN Infinity Object Array Number String Boolean BigInt
  Symbol Math JSON Reflect Atomics Proxy Intl Temporal Iterator WebAssembly
  SharedArrayBuffer ArrayBuffer DataView Uint8Array Uint8ClampedArray Int8Array
  Uint16Array Int16Array Uint32Array Int32Array Float16Array Float32Array
  Float64Array BigInt64Array BigUint64Array Map Set WeakMap WeakSet WeakRef
  FinalizationRegistry Promise Date RegExp Error TypeError RangeError
  SyntaxError ReferenceError EvalError URIError AggregateError SuppressedError
  DisposableStack AsyncDisposableStack DOMException parseInt parseFloat isNaN
  isFinite encodeURIComponent decodeURIComponent encodeURI decodeURI escape
  unescape structuredClone queueMicrotask setTimeout clearTimeout setInterval
  clearInterval setImmediate clearImmediate atob btoa fetch Request Response
  Headers FormData Blob File FileReader URL URLSearchParams URLPattern
  AbortController AbortSignal Event EventTarget CustomEvent ErrorEvent
  MessageEvent CloseEvent ProgressEvent WebSocket EventSource ReadableStream
  WritableStream TransformStream ByteLengthQueuingStrategy
  CountQueuingStrategy TextEncoder TextDecoder TextEncoderStream
  TextDecoderStream CompressionStream DecompressionStream crypto Crypto
  SubtleCrypto CryptoKey performance Performance console navigator Buffer
  ImageData alert prompt confirm Deno process $import$ $meta$`);

/** Those of them that are objects and no functions. */
export const NAMESPACES: ReadonlySet<string> = words(
  `Math JSON Reflect Atomics Intl Temporal WebAssembly crypto performance console navigator`,
);

/** Ends the worker, or the program where it runs in place. */
export const ENDS: ReadonlySet<string> = words(`
  Deno.exit Deno.kill process.exit process.reallyExit process.abort
  process.kill close self.close`);

/** Blocks its thread, like every name that ends in `Sync`. */
export const BLOCKS: ReadonlySet<string> = words(
  `Atomics.wait alert prompt confirm`,
);

/** What of `Deno` and `process` means the same in every worker. */
export const SAME_MEMBERS: Readonly<Record<string, ReadonlySet<string>>> = {
  Deno: words(`
    readFile readTextFile writeFile writeTextFile stat lstat readDir open
    create mkdir remove rename copyFile makeTempFile makeTempDir realPath
    readLink symlink link truncate chmod chown utime connect connectTls
    resolveDns Command cwd env errors version build hostname osRelease
    osUptime SeekMode inspect noColor systemMemoryInfo loadavg FsFile
    networkInterfaces execPath`),
  process: words(`
    env hrtime nextTick cwd platform arch version versions uptime release
    pid ppid emitWarning stdout stderr`),
};

/** Writes what all of the program sees. */
export const WRITES_STATE: ReadonlySet<string> = words(
  `Deno.env.set Deno.env.delete`,
);

/** Names of this library and of others that tell workers apart. */
export const WORKER_NAMES: ReadonlySet<string> = words(`
  currentThread mainThread getIdent getNativeId enumerate activeCount
  currentProcess parentProcess activeChildren threadId isMainThread parentPort
  workerData excepthook stackSize settrace setprofile`);

/** What of `current` means the same in place. */
export const CURRENT_MEMBERS: ReadonlySet<string> = words(
  `signal throwIfAborted progress`,
);

/** Modules of the runtime whose functions tell workers apart. */
export const WORKER_MODULES: ReadonlySet<string> = words(`
  node:worker_threads node:cluster node:inspector node:v8 node:module
  node:repl node:vm node:test node:domain node:trace_events`);

/** Calls that take a short time whatever they are given. */
export const CHEAP_CALLS: ReadonlySet<string> = words(`
  Number String Boolean Symbol Symbol.for isNaN isFinite Date Date.now
  Date.UTC performance.now performance.mark fetch setTimeout clearTimeout
  clearInterval setImmediate clearImmediate queueMicrotask URL.canParse
  URL.parse URL.createObjectURL URL.revokeObjectURL AbortSignal.timeout
  AbortSignal.any AbortSignal.abort crypto.randomUUID crypto.getRandomValues
  Array.isArray Object.is Object.hasOwn Object.freeze ArrayBuffer.isView
  String.fromCharCode String.fromCodePoint Response.json Response.error
  Response.redirect encodeURIComponent decodeURIComponent Error TypeError
  RangeError SyntaxError Deno.cwd Deno.env.get Deno.env.has Deno.hostname
  process.cwd process.hrtime process.hrtime.bigint process.uptime
  process.nextTick Atomics.load Atomics.store Atomics.add Atomics.sub
  Atomics.and Atomics.or Atomics.xor Atomics.exchange Atomics.notify
  Atomics.compareExchange Atomics.waitAsync`);

/** Namespaces all of whose functions are like {@linkcode CHEAP_CALLS}. */
export const CHEAP_NAMESPACES: ReadonlySet<string> = words(
  `Math Number Promise console crypto.subtle`,
);

/** Constructors that take a short time whatever they are given. */
export const CHEAP_CLASSES: ReadonlySet<string> = words(`
  Promise URL Date Error TypeError RangeError SyntaxError ReferenceError
  DOMException AbortController Event EventTarget CustomEvent TextEncoder
  TextDecoder WebSocket Deno.Command WeakRef DataView Number String Boolean
  Response Request WeakMap WeakSet Headers FormData CompressionStream
  DecompressionStream TextDecoderStream TextEncoderStream`);

/** The same where they are given nothing or a small number. */
export const CHEAP_EMPTY_CLASSES: ReadonlySet<string> = words(`
  Map Set Array Object URLSearchParams ArrayBuffer Uint8Array
  Uint8ClampedArray Int8Array Uint16Array Int16Array Uint32Array Int32Array
  Float32Array Float64Array BigInt64Array BigUint64Array Blob`);

/** Calls that give a promise which waits for the world outside. */
export const WAITING_CALLS: ReadonlySet<string> = words(`
  fetch setTimeout Deno.readFile Deno.readTextFile Deno.writeFile
  Deno.writeTextFile Deno.stat Deno.lstat Deno.open Deno.create Deno.mkdir
  Deno.remove Deno.rename Deno.copyFile Deno.makeTempFile Deno.makeTempDir
  Deno.realPath Deno.readLink Deno.symlink Deno.link Deno.truncate Deno.chmod
  Deno.chown Deno.utime Deno.connect Deno.connectTls Deno.resolveDns
  Deno.readDir`);

/** Modules of the runtime, or parts of them, that are like {@linkcode WAITING_CALLS}. */
export const WAITING_MODULES: ReadonlySet<string> = words(`
  node:fs/promises node:fs.promises node:timers/promises node:dns/promises
  node:dns.promises`);

/** Modules whose other functions return at once: they take callbacks, or paths. */
export const CHEAP_MODULES: ReadonlySet<string> = words(`
  node:fs node:path node:path/posix node:timers`);

/** Methods of what a call before gave, whose promises wait for the world outside. */
export const WAITING_METHODS: ReadonlySet<string> = words(`
  json text arrayBuffer bytes blob formData read readable write output pipeTo
  status`);

/** Methods of whatever object that take a short time. */
export const CHEAP_METHODS: ReadonlySet<string> = words(`
  json text arrayBuffer bytes blob formData read write output pipeTo close
  cancel stat truncate seek then catch finally charCodeAt codePointAt charAt
  at get has set add delete push pop getTime toFixed toISOString toString
  valueOf getReader getWriter append abort throwIfAborted clone startsWith
  endsWith ref unref getDate getDay getFullYear getHours getMilliseconds
  getMinutes getMonth getSeconds getUTCDate getUTCDay getUTCFullYear
  getUTCHours getUTCMonth getTimezoneOffset deref releaseLock spawn kill
  getInt8 getUint8 getInt16 getUint16 getInt32 getUint32 getFloat32
  getFloat64 setInt8 setUint8 setInt16 setUint16 setInt32 setUint32
  setFloat32 setFloat64`);
