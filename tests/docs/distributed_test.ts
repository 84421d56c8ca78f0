// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { fromFileUrl } from "@std/path";
import { DistributedExecutor, serve } from "@concurrent/parallel/distributed";
import { CancelledError, current, task } from "@concurrent/parallel/futures";
import { redisServerTest, redisTest } from "../distributed/_redis.ts";

const PAGE = await Deno.readTextFile(
  new URL("../../docs/distributed.md", import.meta.url),
);

const CONFIG = fromFileUrl(new URL("../../deno.json", import.meta.url));

/** What the page gives the user `parallel`. */
const RULES = PAGE.match(/^user parallel on >PASSWORD (.*)$/m)![1]!;

redisServerTest(
  "The user of docs/distributed.md may do what executors and nodes need",
  { user: "parallel", password: "PASSWORD", rules: RULES },
  async ({ server, url }) => {
    const errors: unknown[] = [];
    const options = { url, authKey: "key" };
    const onError = (error: unknown) => errors.push(error);
    const node = await serve({ ...options, maxWorkers: 1, onError });
    await using executor = new DistributedExecutor({ ...options, backoff: 1 });
    await executor.ready();

    assertEquals(await executor.submit((x: number) => 2 * x, 21), 42);
    const squares = executor.map((x: number) => x * x, [1, 2, 3]);
    assertEquals(await Array.fromAsync(squares), [1, 4, 9]);
    const yields = executor.stream(function* () {
      yield* [1, 2];
    });
    assertEquals(await Array.fromAsync(yields), [1, 2]);
    // Retried later, taken back from the queue, told to stop, put back.
    const flaky = task(() => {
      throw new TypeError("again");
    }, { retries: 1, priority: 3 });
    await assertRejects(() => executor.submit(flaky), TypeError, "again");
    const running = executor.submit(async () => {
      current.progress(1, 2);
      await new Promise(() => {});
    });
    for await (const { done } of running.progress) {
      assertEquals(done, 1);
      break;
    }
    const queued = executor.submit(() => 1);
    assert(queued.cancel());
    assert(!running.cancel());
    await assertRejects(() => running, CancelledError);
    const first = node.id;
    const moved = executor.submit(async () => {
      const { worker } = current;
      current.progress(0);
      if (worker.name === first) await new Promise(() => {});
      return worker.name;
    });
    for await (const _ of moved.progress) break;
    await node.drain({ timeout: 0 });
    {
      await using other = await serve({ ...options, maxWorkers: 1, onError });
      assertEquals(await moved, other.id);
    }

    assertEquals(errors, []);
    // And nothing else.
    for (
      const command of [
        "GET other",
        "GET bull:other:id",
        "XADD parallel:other:control * m 1",
        "PUBLISH bull:parallel:events x",
        "SCAN 0",
        "KEYS *",
        "FLUSHALL",
        "CONFIG GET *",
        "ACL LIST",
        "SCRIPT FLUSH",
        "FUNCTION FLUSH",
        "CLIENT LIST",
        "MONITOR",
      ]
    ) {
      const error = await server.command(...command.split(" ")).catch(String);
      assertStringIncludes(`${error}`, "NOPERM", command);
    }
  },
);

Deno.test("The node of docs/distributed.md is started with options that there are", async () => {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "distributed/node.ts", "--help"],
    cwd: new URL("../../", import.meta.url),
    stdin: "null",
  }).output();
  const help = new TextDecoder().decode(stdout);
  const ofOthers = ["--user", "--askpass", "--nodes", "--kill"];
  const named = new Set(
    [...PAGE.matchAll(/(?<![\w-])--(?!allow-)[a-z][a-z-]+/g)].map(([it]) => it),
  );
  for (const other of ofOthers) named.delete(other);

  assert(named.size >= 5);
  for (const option of named) {
    assertMatch(help, new RegExp(`^ +${option} `, "m"));
  }
  assertStringIncludes(help, "PARALLEL_REDIS_URL");
});

/** A program of the page, by what it holds. */
function programWith(text: string): string {
  const blocks = [...PAGE.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, it]) =>
    it!
  );
  return blocks.find((it) => it.includes(text))!;
}

redisTest(
  "The node and the program of docs/distributed.md run",
  async ({ url }) => {
    const directory = await Deno.makeTempDir();
    const start = (name: string) =>
      new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--quiet", "--config", CONFIG, name],
        cwd: directory,
        env: { PARALLEL_REDIS_URL: url, NO_COLOR: "1" },
        stdin: "null",
        stdout: "piped",
      }).spawn();
    try {
      await Deno.writeTextFile(`${directory}/parallel.key`, "a key\n");
      for (
        const [name, text] of [
          ["node.ts", "await serve("],
          ["program.ts", "new DistributedExecutor({\n  url: Deno.env"],
        ] as const
      ) await Deno.writeTextFile(`${directory}/${name}`, programWith(text));

      const node = start("node.ts");
      try {
        const { code, stdout } = await start("program.ts").output();
        const printed = new TextDecoder().decode(stdout);
        assertEquals(code, 0);
        assertMatch(printed, /^1\n8\n27\n\[\n? *\{/);
        assertStringIncludes(printed, `pid: ${node.pid},`);
        assertStringIncludes(printed, `backend: "auto"`);
      } finally {
        node.kill("SIGTERM");
        const { code } = await node.output();
        assertEquals(code, 0);
      }
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
);
