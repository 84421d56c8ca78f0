// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { BrokenExecutorError } from "../../_internal/base/errors.ts";
import { DistributedExecutor } from "../../distributed/distributed_executor.ts";
import { serve } from "../../distributed/serve.ts";
import { Broker } from "../../distributed/_broker.ts";
import type { OutgoingJob } from "../../distributed/_job_sender.ts";
import { Keys } from "../../distributed/_protocol.ts";
import {
  closeRedis,
  createRedis,
  openRedis,
  parseRedis,
} from "../../distributed/_redis.ts";
import { soon, until } from "../_suites/_helpers.ts";
import { redisServerTest, redisTest } from "./_redis.ts";
import { RespConnection } from "./_resp.ts";

/** Milliseconds for which a server says nothing: more than anything takes. */
const PAUSE = 60_000;

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
  "Broker says why it is out of reach, where it is told",
  { user: "guest", password: "word" },
  async ({ server, url, queue }) => {
    await using executor = new DistributedExecutor({
      url,
      queue,
      // Long enough for an attempt to be answered.
      reconnectTimeout: 3_000,
    });
    const future = executor.submit(() => 1);
    using admin = await RespConnection.open(server.port);
    await admin.send("AUTH", "guest", "word");
    // Both of its connections are there.
    while (!`${await admin.send("CLIENT", "LIST")}`.includes("cmd=xread"));
    await admin.send("ACL", "SETUSER", "guest", "resetpass", ">other");
    await admin.send("CLIENT", "KILL", "TYPE", "normal");

    await assertRejects(
      () => future,
      BrokenExecutorError,
      "3000 ms (WRONGPASS",
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
    // Long enough for an attempt to be answered.
    connectTimeout: 1_000,
  });
  const error = await executor.ready().catch((error) => error);
  assertEquals(
    error.message,
    `Cannot reach the nodes: ${url} has not answered for 1000 ms (connect ECONNREFUSED 127.0.0.1:1)`,
  );
});

redisServerTest(
  "Broker has connections that count as lost when they do not answer, and sends again",
  {},
  async ({ server, url, queue }) => {
    const settings = { ...parseRedis("test", { url, queue }), silence: 100 };
    const redis = createRedis(settings);
    await openRedis(redis, settings, "test");
    const info = `${await server.command("INFO", "server")}`;
    const pid = Number(/^process_id:(\d+)/m.exec(info)![1]);
    let closes = 0;
    redis.on("close", () => closes++);
    // It reads nothing any more, and takes connections all the same.
    Deno.kill(pid, "SIGSTOP");
    try {
      const answer = redis.incr("a");
      let isAnswered = false;
      answer.then(() => isAnswered = true);
      // This one, and one that was made meanwhile.
      await until("two are lost", () => closes >= 2);
      assertEquals(isAnswered, false);
      Deno.kill(pid, "SIGCONT");
      await soon("the answer", answer);
    } finally {
      Deno.kill(pid, "SIGCONT");
    }
    await closeRedis(redis);
  },
);

redisServerTest(
  "Broker.close() ends also where nobody answers any more",
  {},
  async ({ server, url, queue }) => {
    const executor = new DistributedExecutor({ url, queue });
    const future = executor.submit(() => 1);
    while ((await server.command("EXISTS", `bull:${queue}:meta`)) !== 1);
    await server.command("CLIENT", "PAUSE", PAUSE, "ALL");
    const started = performance.now();
    await executor.terminate();

    assert(performance.now() - started < PAUSE);
    assertEquals(future.cancelled(), true);
  },
);

Deno.test({
  name: "Broker.open(), and serve(), say at once that they may not connect",
  permissions: { env: true, read: true, net: false },
  async fn() {
    const at = { url: "redis://127.0.0.1:1", connectTimeout: 60_000 };
    const why =
      `this program may not connect to ${at.url} (Requires net access to "127.0.0.1:1"`;
    await using executor = new DistributedExecutor(at);
    await assertRejects(
      () => executor.ready(),
      BrokenExecutorError,
      `Cannot reach the nodes: ${why}`,
    );
    await assertRejects(
      () => serve({ ...at, backend: "threads", maxWorkers: 1 }),
      BrokenExecutorError,
      `Cannot serve a queue: ${why}`,
    );
  },
});

redisTest(
  "Broker.missingOf() resolves when what was written before has been read",
  async ({ server, url, queue }) => {
    const keys = new Keys(queue);
    let read = 0;
    const broker = new Broker(
      {
        ...parseRedis("test", { url, queue }),
        reconnectTimeout: 1000,
      },
      keys,
      "c",
      "test",
      {
        added: () => {},
        refused: () => {},
        answers: (messages) => read += messages.length,
        reconnected: () => {},
        broken: () => {},
      },
    );
    await broker.open();
    const job = { id: "c-1" } as OutgoingJob;
    assertEquals(await broker.missingOf([job]), [job]);
    assertEquals(read, 0);
    // More than are read at a time.
    const script =
      `for i = 1, 3000 do redis.call("XADD", KEYS[1], "*", "m", "x") end`;
    await server.command("EVAL", script, 1, keys.answers("c"));
    assertEquals(await broker.missingOf([job]), [job]);
    assertEquals(read, 3000);
    await server.command("SET", `bull:${queue}:c-1`, 1);

    assertEquals(await broker.missingOf([job]), []);
    await broker.close(Promise.resolve());
  },
);
