// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The package as its users have it: not on disk, but from a server. Threads with
// limits are started by another road then.

import { assertEquals } from "@std/assert";
import { Folder, soon } from "../_suites/_helpers.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("ThreadPoolExecutor with 'resourceLimits' works where the package comes from a server", async () => {
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
import { ThreadPoolExecutor } from "http://${host}/futures/mod.ts";
await using pool = new ThreadPoolExecutor({
  maxWorkers: 1,
  resourceLimits: { maxOldGenerationSizeMb: 32 },
});
const factor = 2;
console.log(await pool.submit((x: number) => x * factor, 21));
const grow = () => {
  const kept: unknown[] = [];
  for (;;) "x".replace("x", () => String(kept.push({})));
};
const error = await pool.submit(grow).exception() as Error;
console.log(error.name, error.cause instanceof RangeError);
console.log(await pool.submit((x: number) => x + factor, 5));
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
  assertEquals(
    text.decode(stdout).trim().split("\n"),
    ["42", "WorkerCrashedError true", "7"],
    text.decode(stderr),
  );
});
