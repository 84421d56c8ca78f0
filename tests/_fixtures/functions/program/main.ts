// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A program of its own. Prints each time that its top level runs, and as last
// line what came of its functions, by backend.

import { basename } from "node:path";
import { current, fromModule, futures } from "../../../../mod.ts";
import double, { Box, count, pack } from "./tasks.ts";

console.log("top level");

const factor = 7;
let level = 1;
export const raise = () => level++;

export function exported(x: number): number {
  return x + 1;
}
export const viaImports = (x: number) => [double(x), basename("/a/b")];

const tasks = fromModule<typeof import("./tasks.ts")>(
  import.meta.resolve("./tasks.ts"),
);

async function outcomes(
  pool: futures.Executor,
): Promise<Record<string, unknown>> {
  const result: Record<string, unknown> = {};
  const run = async (
    name: string,
    // deno-lint-ignore no-explicit-any -- functions of every signature
    fn: (...args: any[]) => unknown,
    ...args: unknown[]
  ) => {
    try {
      result[name] = await pool.submit(fn, ...args);
    } catch (error) {
      result[name] = String(error);
    }
  };
  await run("pure", (x: number) => x * 2, 2);
  await run("exported by main", exported, 2);
  await run("exported", double, 2);
  await run("with state", count);
  await run("with state again", tasks.count);
  await run("imports", viaImports, 2);
  await run("current", () => current.worker.kind);
  await run("import.meta", () => import.meta.url.split("/").at(-1));
  await run(
    "dynamic import",
    async () => (await import("./tasks.ts")).default(4),
  );
  await run(
    "callback",
    (f: (x: number) => number) => f(2),
    (x: number) => x + 1,
  );
  await run("constant", () => factor);
  await run("variable", () => level);
  await run("callback with a constant", (f: () => number) => f(), () => factor);
  await run("made by an export", pack, 3);
  result["made by an export"] = result["made by an export"] instanceof Box;
  const back = (x: number) => x;
  await run("callback that comes back", (f: unknown) => [f], back);
  result["callback that comes back"] =
    (result["callback that comes back"] as unknown[])[0] === back;
  return result;
}

await using threads = new futures.ThreadPoolExecutor({ maxWorkers: 1 });
await using processes = new futures.ProcessPoolExecutor({ maxWorkers: 1 });
console.log(JSON.stringify({
  thread: await outcomes(threads),
  process: await outcomes(processes),
}));
