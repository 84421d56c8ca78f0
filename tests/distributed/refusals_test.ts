// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What a node refuses, and that nothing of it is run: each task would leave a
// file behind.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import {
  DistributedExecutor,
  RefusedError,
  serve,
  type ServeOptions,
} from "../../distributed/mod.ts";
import { fromModule } from "../../futures/mod.ts";
import { Folder, soon, until } from "../_suites/_helpers.ts";
import { type RedisContext, redisTest } from "./_redis.ts";
import { leave } from "./_fixtures/exports.ts";

const authKey = "the key";
const module = import.meta.resolve("./_fixtures/exports.ts");

/** What a task is refused for by such a node. */
async function refusal(
  { url, queue }: RedisContext,
  client: { readonly authKey?: string; readonly byValue: boolean },
  node: ServeOptions,
  before: () => Promise<void> = () => Promise.resolve(),
): Promise<string> {
  using folder = new Folder();
  const file = folder.file("ran");
  const { byValue, ...key } = client;
  const executor = new DistributedExecutor({ url, queue, ...key });
  try {
    // Uses the path that it has captured.
    const here = () => Deno.writeTextFileSync(file, "ran\n");
    const future = byValue ? executor.submit(here) : executor.submit(
      fromModule<typeof import("./_fixtures/exports.ts")>(module).leave,
      file,
    );
    future.catch(() => {});
    await before();
    await using serving = await serve({ url, queue, maxWorkers: 1, ...node });
    const error = await assertRejects(
      () => soon("the refusal", future),
      RefusedError,
    );
    assertEquals(error.node, serving.id);
    assertEquals(serving.stats().refused, 1);
    assertEquals(serving.stats().completed, 0);
    assertEquals(folder.lines("ran"), []);
    return error.reason;
  } finally {
    await executor.terminate();
  }
}

redisTest(
  "serve() refuses what is signed where it has no key, and runs nothing of it",
  async (context) => {
    for (const byValue of [true, false]) {
      const reason = await refusal(
        context,
        { authKey, byValue },
        { modules: [module] },
      );
      assert(reason.includes("without a key"), reason);
    }
  },
);

redisTest(
  "serve() refuses what is signed with another key, and runs nothing of it",
  async (context) => {
    for (const byValue of [true, false]) {
      const reason = await refusal(
        context,
        { authKey: "another key", byValue },
        { authKey, modules: [module] },
      );
      assert(reason.includes("another key"), reason);
    }
  },
);

redisTest(
  "serve() refuses what was changed on its way, and runs nothing of it",
  async (context) => {
    const { url, queue } = context;
    for (const byValue of [true, false]) {
      const reason = await refusal(
        context,
        { authKey, byValue },
        { authKey, modules: [module] },
        async () => {
          await using redis = closing(url);
          const jobs = new Queue(queue, { connection: redis.client });
          try {
            await until(
              "it is in the queue",
              async () => (await jobs.getPrioritized()).length === 1,
            );
            const [job] = await jobs.getPrioritized();
            const bytes = Uint8Array.fromBase64(job!.data);
            bytes[bytes.length - 1]! ^= 1;
            await job!.updateData(bytes.toBase64());
          } finally {
            await jobs.close();
          }
        },
      );
      assert(reason.includes("was changed"), reason);
    }
  },
);

redisTest(
  "serve() refuses what is not signed and not on its list, and runs nothing of it",
  async (context) => {
    const lists: ServeOptions[] = [{}, { modules: ["file:///srv/others.ts"] }, {
      authKey,
    }];
    for (const node of lists) {
      const reason = await refusal(context, { byValue: false }, node);
      assert(reason.includes(module), reason);
    }
    const reason = await refusal(context, { byValue: true }, {
      modules: [module],
    });
    assert(reason.includes("not signed"), reason);
  },
);

redisTest(
  "serve() runs what is not signed and on its list",
  async ({ url, queue }) => {
    using folder = new Folder();
    await using executor = new DistributedExecutor({ url, queue });
    await using _node = await serve({
      url,
      queue,
      maxWorkers: 1,
      // Whichever way it is written.
      modules: [
        module.replace("/distributed/", "/distributed/../distributed/"),
      ],
    });
    await soon("its end", executor.submit(leave, folder.file("ran")));
    assertEquals(folder.lines("ran"), ["ran"]);
  },
);

/** A connection that ends with its block. */
function closing(url: string): { client: Redis } & AsyncDisposable {
  const client = new Redis(url, { maxRetriesPerRequest: null });
  return {
    client,
    async [Symbol.asyncDispose]() {
      await client.quit();
    },
  };
}
