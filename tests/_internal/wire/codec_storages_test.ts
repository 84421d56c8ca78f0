// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { AsyncLocalStorage } from "node:async_hooks";
import {
  assert,
  assertEquals,
  assertNotStrictEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { SerializationError } from "../../../_internal/base/errors.ts";
import { ByteReader, ByteWriter } from "../../../_internal/wire/bytes.ts";
import {
  StoreSnapshot,
  writeContexts,
} from "../../../_internal/wire/contexts.ts";
import {
  readContexts,
  runInContexts,
} from "../../../_internal/wire/received_payload.ts";
import {
  rememberStorageHome,
  type Storage,
  storageAt,
  storagesOf,
  storageToken,
} from "../../../_internal/wire/functions/storages.ts";
import { decode, encode } from "./_codec_helpers.ts";

const DECODE = { attachments: [], modules: new Map() };

Deno.test("encodeValue() sends which storage it is, not what it holds", () => {
  const storage = new AsyncLocalStorage<unknown>();
  const storages = new Set<Storage>();
  const bytes = storage.run(
    new WeakMap(),
    () => encode([storage, { storage }], { storages }),
  );
  assertEquals([...storages], [storage]);
  const [first, { storage: second }] = decode(bytes) as [
    unknown,
    { storage: unknown },
  ];
  assertStrictEquals(first, storage);
  assertStrictEquals(second, storage);
});

Deno.test("storageAt() has one instance for each token", () => {
  const far = storageAt("elsewhere1");
  assertStrictEquals(storageAt("elsewhere1"), far);
  assertNotStrictEquals(storageAt("elsewhere2"), far);
  assertEquals(storageToken(far), "elsewhere1");
});

Deno.test("decodeValue() takes the receiver's own export for a storage", () => {
  const url = "file:///module_of_a_storage.ts";
  const theirs = new AsyncLocalStorage<unknown>();
  rememberStorageHome(theirs, { url, name: "requests" });
  const modules = new Set<string>();
  const describe = () => {
    throw new RangeError("no function is sent");
  };
  const bytes = encode(theirs, { modules, describe });
  assertEquals([...modules], [url]);
  const ours = new AsyncLocalStorage<unknown>();
  const namespace = { requests: ours };
  const read = () => decode(bytes, { modules: new Map([[url, namespace]]) });
  assertStrictEquals(read(), ours);
  // An answer names it to the side that sent it.
  assertEquals(storageToken(ours), storageToken(theirs));
  // An answer asks nobody to import anything.
  const answer = new Set<string>();
  encode(theirs, { modules: answer });
  assertEquals(answer.size, 0);
});

Deno.test("encodeValue() refuses a storage of a class of its own that is nowhere exported", () => {
  class Own extends AsyncLocalStorage<unknown> {}
  const error = assertThrows(
    () => encode([new Own()]),
    SerializationError,
    "extends AsyncLocalStorage",
  );
  assertEquals(error.path, "value[0]");
});

Deno.test("encodeValue() takes nothing else for a storage", () => {
  class AsyncLocalStorage {
    readonly x = 1;
  }
  assertThrows(
    () => encode(new AsyncLocalStorage()),
    SerializationError,
    "a function cannot travel",
  );
});

Deno.test("storagesOf() finds a module's exports that are storages", () => {
  const one = new AsyncLocalStorage<unknown>();
  const namespace = {
    one,
    again: one,
    other: {},
    get later(): never {
      throw new ReferenceError("Cannot access 'later' before initialization");
    },
  };
  assertEquals(new Set(storagesOf(namespace, "file:///m.ts")), new Set([one]));
});

Deno.test("writeContexts() sends what storages held, each for itself", () => {
  const a = new AsyncLocalStorage<unknown>();
  const b = new AsyncLocalStorage<unknown>();
  const w = new ByteWriter();
  const c = {
    root: "args",
    modules: new Set<string>(),
    storages: new Set<Storage>(),
  };
  const stores = a.run("then", () => new StoreSnapshot([a]));
  a.run(
    "now",
    () =>
      b.run({ list: [1] }, () => writeContexts(w, new Set([a, b]), stores, c)),
  );
  const contexts = readContexts(new ByteReader(w.bytes()), DECODE);
  const seen = runInContexts(contexts, () => [a.getStore(), b.getStore()]);
  assertEquals(seen, ["then", { list: [1] }]);
  assertEquals(a.getStore(), undefined);
  const error = assertThrows(
    () =>
      a.run(
        { deep: [new WeakSet()] },
        () => writeContexts(new ByteWriter(), new Set([a]), undefined, c),
      ),
    SerializationError,
  );
  assertEquals(error.path, "context.deep[0]");
});

Deno.test("readContexts() refuses a store of nothing", () => {
  const w = new ByteWriter();
  w.view.setUint32(w.reserve(4), 1, true);
  w.raw(encode({}));
  w.raw(encode(1));
  assertThrows(
    () => readContexts(new ByteReader(w.bytes()), DECODE),
    SerializationError,
    "without an AsyncLocalStorage",
  );
  assert(w.length > 4);
});
