// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A program with children, for process_host_test.ts. Prints one line with the
// children's pids; what it does then is its first argument.

import { ProcessHost } from "../../../../_internal/worker/process_host.ts";
import { Command } from "./echo_child.ts";

const entry = new URL("./echo_child.ts", import.meta.url);
const [mode, url] = Deno.args;

function start(id: number): ProcessHost {
  return new ProcessHost({ id, name: `child-${id}`, entry, deadline: 60_000 });
}

/** The next message; the timer keeps the program alive as a pool with work would. */
async function nextMessage(host: ProcessHost): Promise<Uint8Array> {
  const timer = setInterval(() => {}, 1000);
  const message = await new Promise<Uint8Array>((resolve) => {
    host.channel.onMessage = (bytes) => resolve(bytes.slice());
  });
  clearInterval(timer);
  return message;
}

async function run(): Promise<void> {
  const hosts = [start(1), start(2)];
  for (const host of hosts) host.open();
  if (mode !== "starting" && mode !== "exit") {
    await Promise.all(hosts.map((host) => host.ready));
    for (const host of hosts) {
      // Busy at once: the child must be watched before its first call runs.
      const command = mode === "busy" ? Command.spin : Command.echo;
      host.channel.send(new Uint8Array([command, 0]));
      await nextMessage(host);
    }
  }
  if (mode === "import") {
    const text = `import(${JSON.stringify(`file://${url}`)})`;
    const code = `${text}.then((module) => module.answer)`;
    hosts[0]!.channel.send(
      new Uint8Array([Command.evaluate, ...new TextEncoder().encode(code)]),
    );
    const answer = new TextDecoder().decode(await nextMessage(hosts[0]!));
    console.log("answer", JSON.parse(answer).value);
    for (const host of hosts) host.terminate();
    return;
  }
  console.log("children", ...hosts.map((host) => host.pid));
  if (mode === "exit") Deno.exit(0);
  if (mode !== "leave") setInterval(() => {}, 1000);
}

try {
  await run();
} catch (error) {
  console.log(String(error));
}
