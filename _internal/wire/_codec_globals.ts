// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Built-in functions and namespaces (`Math.max`, `parseInt`, `Array`, `JSON`)
// are the same in every isolate and travel by name. What makes code from text
// (`eval`, `Function` and its kin) is not in the list, so that a message cannot
// smuggle it in as an argument.

const NAMES = [
  "AggregateError",
  "Array",
  "ArrayBuffer",
  "Atomics",
  "BigInt",
  "BigInt64Array",
  "BigUint64Array",
  "Boolean",
  "DataView",
  "Date",
  "Error",
  "EvalError",
  "Float16Array",
  "Float32Array",
  "Float64Array",
  "Int16Array",
  "Int32Array",
  "Int8Array",
  "Intl",
  "Iterator",
  "JSON",
  "Map",
  "Math",
  "Number",
  "Object",
  "Promise",
  "Proxy",
  "RangeError",
  "ReferenceError",
  "Reflect",
  "RegExp",
  "Set",
  "SharedArrayBuffer",
  "String",
  "Symbol",
  "SyntaxError",
  "TypeError",
  "URIError",
  "Uint16Array",
  "Uint32Array",
  "Uint8Array",
  "Uint8ClampedArray",
  "WeakMap",
  "WeakRef",
  "WeakSet",
  "decodeURI",
  "decodeURIComponent",
  "encodeURI",
  "encodeURIComponent",
  "isFinite",
  "isNaN",
  "parseFloat",
  "parseInt",
  "atob",
  "btoa",
  "queueMicrotask",
  "structuredClone",
] as const;

interface Tables {
  readonly names: ReadonlyMap<object, string>;
  readonly values: ReadonlyMap<string, object>;
}

let tables: Tables | undefined;

/** Built at the first use: most messages hold no function. */
function globals(): Tables {
  if (tables !== undefined) return tables;
  const names = new Map<object, string>();
  const values = new Map<string, object>();
  const add = (name: string, value: unknown): value is object => {
    if (typeof value !== "function" && typeof value !== "object") return false;
    if (value === null || names.has(value)) return false;
    names.set(value, name);
    values.set(name, value);
    return true;
  };
  for (const name of NAMES) {
    const value: unknown = Reflect.get(globalThis, name);
    if (!add(name, value)) continue;
    for (
      const [key, property] of Object.entries(
        Object.getOwnPropertyDescriptors(value),
      )
    ) {
      if (typeof property.value !== "function" || key === "constructor") {
        continue;
      }
      add(`${name}.${key}`, property.value);
    }
  }
  tables = { names, values };
  return tables;
}

/** The name under which every isolate knows `value`. */
export function nameOfGlobal(value: object): string | undefined {
  return globals().names.get(value);
}

export function globalNamed(name: string): object | undefined {
  return globals().values.get(name);
}
