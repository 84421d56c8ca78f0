// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { toFileUrl } from "@std/path";
import { defineFunction } from "../../../../_internal/pool/definitions.ts";
import { homeToken } from "../../../../_internal/wire/functions/homes.ts";
import { loadModules } from "../../../../_internal/wire/functions/revive.ts";
import { storageToken } from "../../../../_internal/wire/functions/storages.ts";
import { current } from "../../../../_internal/worker/current.ts";
import { task } from "../../../../_internal/wire/functions/task.ts";
import { AsyncLocalStorage } from "node:async_hooks";
import { referenceOf } from "../../../../_internal/wire/data_only.ts";
import { visit } from "./fixtures/values.ts";

const ROOT = new URL("../../../../", import.meta.url);

type Receiver = typeof import("../../../../_internal/wire/received_payload.ts");

Deno.test("readModuleUrl() finds modules of the package where the receiver has it", async () => {
  const directory = await Deno.makeTempDir({ prefix: "parallel-names-" });
  try {
    await Deno.symlink(ROOT, `${directory}/package`);
    const elsewhere = toFileUrl(`${directory}/package/`).href;
    const file = "_internal/wire/received_payload.ts";
    const receiver: Receiver = await import(elsewhere + file);

    const inner = task(() => 40, { name: "inner" });
    const outer = () => [current, inner] as const;
    const { bytes } = defineFunction(outer, "machine").payload;
    assert(!new TextDecoder().decode(bytes).includes(`${ROOT}_internal`));
    const { modules, offset } = receiver.payloadModules(bytes);
    assertEquals([...modules].sort(), [
      `${elsewhere}_internal/wire/functions/task.ts`,
      `${elsewhere}_internal/worker/current.ts`,
    ]);
    const namespaces = await loadModules(modules);
    const revived = receiver.decodePayload(bytes, offset, [], namespaces);
    const [received, other] = (revived as typeof outer)();
    assertEquals(
      received,
      namespaces.get(modules.find((it) => /current/.test(it))!)!.current,
    );
    assertEquals(other.options.name, "inner");
    assertEquals(other(), 40);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("readModuleUrl() leaves the modules of a program as they are", () => {
  const { bytes } = defineFunction(visit, "machine").payload;
  const url = import.meta.resolve("./fixtures/values.ts");
  assertEquals(referenceOf(bytes), { url, name: "visit" });
  assert(new TextDecoder().decode(bytes).includes(url));
});

Deno.test("tokenMaker() gives tokens that are long enough for a cluster", () => {
  const [a, b] = [homeToken(() => 1), homeToken(() => 2)];
  // 72 bits, which this isolate has for itself, and a number.
  assertEquals(a.slice(0, 12), b.slice(0, 12));
  assertMatch(a, /^[\w+/]{12}\w+$/);
  assert(a !== b);
  const other = storageToken(new AsyncLocalStorage());
  assert(!other.startsWith(a.slice(0, 12)));
});
