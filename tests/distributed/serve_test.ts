// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals } from "@std/assert";
import { serve } from "../../distributed/serve.ts";
import { HandClient } from "./_hand_made.ts";
import { redisTest } from "./_redis.ts";

const KEY = "a key";

redisTest(
  "serve() runs a signed job and answers before it is finished",
  async ({ url, queue }) => {
    await using client = await HandClient.open(url, queue, KEY);
    await using node = await serve({ url, queue, authKey: KEY, maxWorkers: 1 });
    const by = 3;
    const number = await client.put((x: number) => x * by, [5]);

    assertEquals(await client.result(number), 15);
    assertEquals(client.of(number).at(-1)!.node, node.id);
    await client.finished();
    assertEquals(node.stats().completed, 1);
  },
);
