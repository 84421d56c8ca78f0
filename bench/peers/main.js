// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A subject in a process of its own, in Deno or Node.js: takes commands from
// standard input and answers on standard output, one JSON text a line. Answers
// are marked, since pools print too.

import { createProgram } from "./kinds.js";

const isDeno = globalThis.Deno !== undefined;
const [adapterPath, optionsText] = isDeno
  ? Deno.args
  : (await import("node:process")).default.argv.slice(2);
const MARK = "@@";

const { default: adapter } = await import(`./adapters/${adapterPath}`);
const run = createProgram(adapter, JSON.parse(optionsText));

async function answer(line) {
  try {
    return { value: await run(JSON.parse(line)) };
  } catch (error) {
    const [text] = String(error?.message || error).split("\n");
    return { error: text, isWrong: error?.isWrong === true };
  }
}

// What a pool does on the side is told, and not the end of the program.
globalThis.addEventListener?.("unhandledrejection", (event) => {
  event.preventDefault();
  console.error(event.reason);
});

const input = isDeno
  ? Deno.stdin.readable
  : (await import("node:process")).default.stdin;
const decoder = new TextDecoder();
let text = "";
for await (const chunk of input) {
  text += decoder.decode(chunk, { stream: true });
  const lines = text.split("\n");
  text = lines.pop();
  for (const line of lines) {
    console.log(MARK + JSON.stringify(await answer(line)));
  }
}
// Workers may keep the program alive.
if (isDeno) Deno.exit(0);
else (await import("node:process")).default.exit(0);
