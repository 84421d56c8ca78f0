// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { fromFileUrl, relative } from "@std/path";
import { DistributedExecutor } from "../../distributed/mod.ts";
import { current } from "../../_internal/worker/current.ts";
import { Folder, soon } from "../_suites/_helpers.ts";
import { throughGate } from "../_suites/_tasks.ts";
import { PREFIX } from "../_support/leaks.ts";
import { HandClient } from "./_hand_made.ts";
import { CommandLine } from "./_command_line.ts";
import { area, upTo } from "./_fixtures/exports.ts";
import { redisTest } from "./_redis.ts";

const KEY = "a key";

Deno.test("node.ts explains itself, and what is wrong with its arguments", async () => {
  await using help = new CommandLine(["--help"]);
  await using unknown = new CommandLine(["--nope"]);
  await using wrong = new CommandLine(["--workers", "0"]);
  await using alone = new CommandLine([
    "--url",
    "redis://u:secret@127.0.0.1:1",
  ]);

  assertEquals((await help.status).code, 0);
  assertMatch(help.output, /--auth-key-file FILE/);
  assertEquals((await unknown.status).code, 2);
  assertMatch(unknown.output, /^error: there is no option '--nope'\n/);
  assertEquals((await wrong.status).code, 2);
  assertMatch(wrong.output, /^error: .*'maxWorkers' must be an integer of at/);
  // What it waits for is not there; and nobody has to wait for it.
  alone.kill("SIGTERM");
  await alone.status;
  assert(!alone.output.includes("secret"));
});

redisTest("node.ts serves, and drains on SIGTERM", async ({ url, queue }) => {
  const keyFile = await Deno.makeTempFile({ prefix: `${PREFIX}${Deno.pid}-` });
  using folder = new Folder();
  try {
    await Deno.writeTextFile(keyFile, `${KEY}\n`);
    await Deno.chmod(keyFile, 0o644);
    await using client = await HandClient.open(url, queue, KEY);
    await using node = new CommandLine([
      ...["--url", url, "--queue", queue, "--auth-key-file", keyFile],
      ...["--backend", "threads", "--workers", "1", "--name", "n1"],
    ]);
    await node.line(
      RegExp(`^serving queue '${queue}' as n1-[0-9a-f]{8} \\(1 threads\\)$`),
    );
    await node.line(/others may read or write the key's file/);
    const number = await client.put(throughGate, [folder.file("gate"), 1]);
    await client.until(() => client.of(number)[0]);
    node.kill("SIGTERM");
    await node.line(/SIGTERM: draining, 1 task/);
    const next = await client.put(() => 2);
    folder.open("gate");

    assertEquals(await client.result(number), 1);
    assertEquals(await node.status, { success: true, code: 0, signal: null });
    await node.line(/done: 1 task\(s\) completed, 0 failed/);
    assertEquals(client.of(next), []);
  } finally {
    await Deno.remove(keyFile);
  }
});

redisTest(
  "node.ts ends at once at the second signal, and puts back what it has",
  async ({ url, queue }) => {
    await using client = await HandClient.open(url, queue, KEY);
    await using node = new CommandLine([
      ...["--url", url, "--queue", queue, "--workers", "1"],
    ], { PARALLEL_AUTH_KEY: KEY });
    await node.line(/serving .* \(1 processes\)/);
    const number = await client.put(() => new Promise(() => {}));
    await client.until(() => client.of(number)[0]);
    node.kill("SIGINT");
    await node.line(/SIGINT: draining/);
    node.kill("SIGINT");

    assertEquals((await node.status).code, 0);
    await node.line(/stopping now/);
    assertEquals(await client.queue.getJobCountByTypes("prioritized"), 1);
  },
);

redisTest(
  "node.ts refuses without its key, says so once, and runs nothing",
  async ({ url, queue }) => {
    const trace = `/tmp/${PREFIX}${Deno.pid}-${crypto.randomUUID()}`;
    await using client = await HandClient.open(url, queue, KEY);
    await using node = new CommandLine([
      ...["--url", url, "--queue", queue, "--backend", "threads"],
    ]);
    await node.line(/serving .*, no key\)/);
    for (let i = 0; i < 3; i++) {
      const number = await client.put(
        (path: string) => Deno.writeTextFileSync(path, ""),
        [trace],
      );
      await assertRejects(
        () => client.result(number),
        RangeError,
        "without a key",
      );
      assertEquals(client.of(number).length, 1);
    }
    await client.finished();
    node.kill("SIGTERM");
    await node.status;

    assertEquals(node.output.match(/refused task/g)!.length, 1);
    assert(!await Deno.stat(trace).then(() => true, () => false));
  },
);

redisTest(
  "node.ts takes over what a killed node ran",
  async ({ url, queue }) => {
    await using client = await HandClient.open(url, queue, KEY);
    const args = (lockDuration: number) => [
      ...["--url", url, "--queue", queue, "--backend", "threads"],
      ...["--workers", "1", "--lock-duration", `${lockDuration}`],
    ];
    const env = { PARALLEL_AUTH_KEY: KEY };
    // Kills the first one, and returns at the second.
    const pid = (node: string) =>
      current.worker.name === node ? Deno.kill(Deno.pid, "SIGKILL") : Deno.pid;
    const numbers: number[] = [];
    for (let i = 0; i < 4; i++) numbers.push(await client.put(pid, ["first"]));
    await using first = new CommandLine(
      [...args(200), "--name", "first"],
      env,
    );
    assertEquals((await first.status).signal, "SIGKILL");
    await using second = new CommandLine(args(2_000), env);

    const results = new Set<unknown>();
    for (const number of numbers) results.add(await client.result(number));
    assertEquals(results.size, 1);
    await client.finished();
    second.kill("SIGTERM");
    // On a busy machine one of them may have lost its lock and run twice.
    await second.line(/done: [4-8] task\(s\) completed, 0 failed/);
  },
);

redisTest(
  "node.ts serves the Redis of its environment and the modules of its arguments, and waits as long as it is told to",
  async ({ url, queue }) => {
    const module = fromFileUrl(import.meta.resolve("./_fixtures/exports.ts"));
    const executor = new DistributedExecutor({ url, queue });
    await using ending = new AsyncDisposableStack();
    // A stream whose node was killed would be waited for.
    ending.defer(() => executor.terminate());
    await using node = new CommandLine([
      ...["--queue", queue, "--backend", "threads", "--workers", "1"],
      ...["--module", relative(Deno.cwd(), module), "--drain-timeout", "0"],
    ], { PARALLEL_REDIS_URL: url });
    await node.line(/serving/);
    assertEquals(await soon("its result", executor.submit(area, 2, 3)), 6);
    const values = executor.stream(upTo, 100);
    await values.next();
    node.kill("SIGTERM");

    assertEquals((await soon("its end", node.status)).code, 0);
    const left = values.return!().catch(() => {});
    await executor.terminate();
    await left;
  },
);
