// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals, assertRejects } from "@std/assert";
import { BrokenExecutorError } from "../../_internal/base/errors.ts";
import { DistributedExecutor } from "../../distributed/distributed_executor.ts";
import { redisServerTest } from "./_redis.ts";
import { RespConnection } from "./_resp.ts";

redisServerTest(
  "Broker is broken once one of its connections is out of reach for too long",
  {},
  async ({ server, url, queue }) => {
    await using executor = new DistributedExecutor({
      url,
      queue,
      reconnectTimeout: 100,
    });
    const future = executor.submit(() => 1);
    using admin = await RespConnection.open(server.port);
    // It reads once it is open.
    let reader: RegExpMatchArray | null = null;
    while (reader === null) {
      const clients = `${await admin.send("CLIENT", "LIST")}`;
      reader = clients.match(/id=(\d+).* cmd=xread/);
    }
    // Nobody is let in; the other connection stays.
    await admin.send("CONFIG", "SET", "maxclients", 1);
    await admin.send("CLIENT", "KILL", "ID", reader[1]!);

    await assertRejects(
      () => future,
      BrokenExecutorError,
      `Cannot go on: ${url} has been out of reach for 100 ms`,
    );
  },
);

redisServerTest(
  "Broker.open() names what its user may not do",
  {
    user: "guest",
    password: "word",
    rules: "~other:* -@all +@connection +info +time +xrevrange",
  },
  async ({ server, url, queue }) => {
    await using executor = new DistributedExecutor({ url, queue });
    await assertRejects(
      () => executor.ready(),
      BrokenExecutorError,
      `Cannot reach the nodes: redis://127.0.0.1:${server.port} refuses it (NOPERM `,
    );
  },
);

redisServerTest(
  "Broker.open() names a database that the server has not",
  {},
  async ({ url }) => {
    await using executor = new DistributedExecutor({ url: `${url}/999` });
    await assertRejects(
      () => executor.ready(),
      BrokenExecutorError,
      "refuses it (ERR DB index is out of range)",
    );
  },
);

Deno.test("Broker.open() says what the last attempt has failed with", async () => {
  const url = "redis://127.0.0.1:1";
  await using executor = new DistributedExecutor({
    url,
    connectTimeout: 50,
  });
  const error = await executor.ready().catch((error) => error);
  assertEquals(
    error.message,
    `Cannot reach the nodes: ${url} has not answered for 50 ms (connect ECONNREFUSED 127.0.0.1:1)`,
  );
});
