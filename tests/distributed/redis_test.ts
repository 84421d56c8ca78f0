// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { until } from "../_suites/_helpers.ts";
import { hasRedis, RedisServer, redisServerTest, redisTest } from "./_redis.ts";
import { RespConnection } from "./_resp.ts";

redisTest(
  "RedisServer.command() returns what the server answers",
  async ({ server }) => {
    assertEquals(await server.command("SET", "a", 1), "OK");
    assertEquals(await server.command("GET", "a"), "1");
    await assertRejects(() => server.command("GET"), Error, "wrong number");
  },
);

redisTest(
  "redisTest() has one server for a file, and a queue for each test",
  async ({ server, queue, url }) => {
    assertEquals(await server.command("GET", "a"), "1");
    assertEquals(queue, "test-2");
    assertEquals(url, `redis://127.0.0.1:${server.port}`);
  },
);

redisServerTest("RedisServer.restart() keeps what was stored in a file", {
  appendOnly: true,
}, async ({ server, url }) => {
  for (const end of ["stop", "kill"] as const) {
    await server.command("INCR", "a");
    await server[end]();
    assertEquals(server.isUp, false);
    await assertRejects(
      () => server.command("GET", "a"),
      Deno.errors.ConnectionRefused,
    );
    await server.restart();
  }
  assertEquals(await server.command("GET", "a"), "2");
  assertEquals(server.url, url);
});

redisServerTest(
  "RedisServer.restart() forgets what was not stored in a file",
  {},
  async ({ server }) => {
    await server.command("SET", "a", 1);
    await server.restart();
    assertEquals(await server.command("GET", "a"), null);
  },
);

redisServerTest("RedisServer lets in the one user that it knows", {
  user: "ann",
  password: "secret",
  rules: "~a* +@all -del",
}, async ({ server, url }) => {
  assertEquals(url, `redis://ann:secret@127.0.0.1:${server.port}`);
  assertEquals(await server.command("SET", "a", 1), "OK");
  await assertRejects(() => server.command("DEL", "a"), Error, "NOPERM");
  await assertRejects(() => server.command("SET", "b", 1), Error, "NOPERM");
});

redisServerTest("RedisServer refuses what is more than its memory", {
  maxMemory: "6mb",
}, async ({ server }) => {
  await server.command("SET", "a", "x".repeat(2 ** 21));
  await assertRejects(
    () => server.command("SET", "b", "x".repeat(2 ** 21)),
    Error,
    "OOM",
  );
});

redisServerTest(
  "RedisServer speaks TLS",
  { tls: true, password: "secret" },
  async ({ server, url }) => {
    assertEquals(url, `rediss://:secret@127.0.0.1:${server.port}`);
    assertEquals(await server.command("PING"), "PONG");
    // Not without.
    using connection = await RespConnection.open(server.port);
    await assertRejects(() => connection.send("PING"));
  },
);

redisServerTest(
  "RedisServer.start() tells why a server did not start, and leaves nothing",
  {},
  async () => {
    const error = await assertRejects(() =>
      RedisServer.start({ maxMemory: "much" })
    );
    assertStringIncludes(String(error), "maxmemory");
  },
);

Deno.test({
  name: "RedisServer ends with its program, however that ends",
  ignore: !hasRedis(),
  async fn() {
    const helper = JSON.stringify(import.meta.resolve("./_redis.ts"));
    const program = new Deno.Command(Deno.execPath(), {
      args: [
        ...["eval", "--quiet", "--config"],
        fromFileUrl(import.meta.resolve("../../deno.json")),
        `import { RedisServer } from ${helper};
        const { port, directory } = await RedisServer.start();
        console.log(JSON.stringify([port, directory]));
        setInterval(() => {}, 1e6);`,
      ],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    const reader = program.stdout.getReader();
    const { value } = await reader.read();
    await reader.cancel();
    const [port, directory] = JSON.parse(new TextDecoder().decode(value));
    (await RespConnection.open(port))[Symbol.dispose]();
    program.kill("SIGKILL");
    await program.status;

    await until(
      "the server has ended",
      async () =>
        await RespConnection.open(port).then(
          (it) => it[Symbol.dispose](),
          () => true,
        ) === true,
    );
    await until(
      "its folder is gone",
      async () => await Deno.stat(directory).then(() => false, () => true),
    );
  },
});

Deno.test("redisTest() is skipped where there is no redis-server, and says so once", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const helper = JSON.stringify(import.meta.resolve("./_redis.ts"));
    for (const name of ["a", "b"]) {
      await Deno.writeTextFile(
        join(folder, `${name}_test.ts`),
        `import { redisServerTest, redisTest } from ${helper};
        const fn = () => Promise.reject(new Error("It ran"));
        redisTest("${name} shared", fn);
        redisServerTest("${name} own", { tls: true }, fn);
        Deno.test("${name} other", () => {});`,
      );
    }
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["test", "-A", "--no-check", "--config"],
        ...[fromFileUrl(import.meta.resolve("../../deno.json")), folder],
      ],
      env: { PATH: folder, NO_COLOR: "1" },
      stdin: "null",
    }).output();
    const output = new TextDecoder().decode(stdout);
    assertEquals(code, 0, output + new TextDecoder().decode(stderr));
    assertStringIncludes(output, "ok | 2 passed | 0 failed | 4 ignored");
    assertEquals(
      output.match(/^skipped: no redis-server on PATH; .*$/gm)?.length,
      1,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
