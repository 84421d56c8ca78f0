// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Encode and decode in one isolate, against what a program would use instead.

// deno-lint-ignore no-import-prefix -- a rival is no dependency of the package
import { decode, encode } from "npm:@msgpack/msgpack@^3";
import { ByteReader, ByteWriter } from "../_internal/wire/bytes.ts";
import { decodeValue, encodeValue } from "../_internal/wire/codec.ts";

const w = new ByteWriter();
const context = { root: "value", modules: new Set<string>() };
const decodeContext = {
  attachments: [],
  modules: new Map<string, Record<string, unknown>>(),
};

function codec(value: unknown): unknown {
  w.reset(1 << 24);
  encodeValue(w, value, context);
  return decodeValue(new ByteReader(w.bytes()), decodeContext);
}

const rows = Array.from({ length: 1000 }, (_, id) => ({
  id,
  name: `row ${id}`,
  active: id % 2 === 0,
  score: id / 3,
  tags: ["a", "b"],
}));

const scenarios: readonly (readonly [string, unknown, readonly string[]])[] = [
  ["number", 42, ["json", "msgpack", "structuredClone"]],
  ["small object", { id: 1, name: "job 1", values: [1, 2, 3, 4] }, [
    "json",
    "msgpack",
    "structuredClone",
  ]],
  ["1000 rows", rows, ["json", "msgpack", "structuredClone"]],
  ["10 000 doubles", Array.from({ length: 10_000 }, (_, i) => i / 7), [
    "json",
    "msgpack",
    "structuredClone",
  ]],
  ["100 000 characters", "lorem ipsum ".repeat(8334), [
    "json",
    "msgpack",
    "structuredClone",
  ]],
  ["1 MB Float64Array", new Float64Array(131_072).fill(0.5), [
    "structuredClone",
    "memcpy",
  ]],
  ["Map of 1000", new Map(rows.map((row) => [row.name, row.id])), [
    "structuredClone",
  ]],
];

const peers: Record<string, (value: unknown) => unknown> = {
  json: (value) => JSON.parse(JSON.stringify(value)),
  msgpack: (value) => decode(encode(value)),
  structuredClone: (value) => structuredClone(value),
  memcpy: (value) => (value as Float64Array).slice(),
};

let sink: unknown;

for (const [group, value, names] of scenarios) {
  Deno.bench({
    name: "codec",
    group,
    baseline: true,
    fn: () => {
      sink = codec(value);
    },
  });
  for (const name of names) {
    const peer = peers[name]!;
    Deno.bench({
      name,
      group,
      fn: () => {
        sink = peer(value);
      },
    });
  }
}

// The result is looked at, so that the engine cannot leave the work out.
globalThis.addEventListener("unload", () => {
  if (sink === undefined) {
    throw new TypeError("Cannot bench the codec: nothing was decoded");
  }
});
