// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The package as its users have it: not on disk, but from a server.

import { assertEquals } from "@std/assert";
import { Folder, soon } from "../_suites/_helpers.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("Queue hands functions, tasks and locks to blocked threads where the package comes from a server", async () => {
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async (request) => {
      const path = new URL(request.url).pathname.slice(1);
      const text = await Deno.readTextFile(new URL(path, ROOT));
      return new Response(text, {
        headers: { "content-type": "application/typescript" },
      });
    },
  );
  const host = `127.0.0.1:${server.addr.port}`;
  using folder = new Folder();
  const file = folder.file("main.ts");
  await Deno.writeTextFile(
    file,
    `
import { Event, Queue, type Task, task, Thread } from "http://${host}/threading/mod.ts";
const queue = new Queue<unknown>();
await queue.put(new Event());
await queue.put(task((x: number) => x + 1, { retries: 3 }));
const thread = new Thread({
  target: (queue: Queue<unknown>) => {
    const event = queue.getSync() as Event;
    const next = queue.getSync() as Task<[x: number], number>;
    queue.putSync((x: number) => x * 2);
    event.set();
    return [event.isSet(), next(1), next.options.retries];
  },
  args: [queue],
}).start();
const seen = await thread.result();
const double = await queue.get() as (x: number) => number;
console.log(...seen, double(21));
await thread.join();
`,
  );
  const { stdout, stderr } = await soon(
    "the program",
    new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--no-check",
        "--no-config",
        "--no-lock",
        `--reload=http://${host}`,
        file,
      ],
      env: { NO_COLOR: "1" },
    }).output(),
    60_000,
  );
  const text = new TextDecoder();
  assertEquals(text.decode(stdout).trim(), "true 2 3 42", text.decode(stderr));
});
