// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals } from "@std/assert";

type Outcome = [kind: string, result?: unknown] | string;

async function runMain(...flags: string[]): Promise<Record<string, Outcome>> {
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      ...flags,
      new URL("./fixtures/main_program.ts", import.meta.url).href,
    ],
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

function assertRefused(outcome: Outcome | undefined): void {
  assert(
    typeof outcome === "string" && outcome.includes("--allow-sys"),
    `must be refused with a hint: ${outcome}`,
  );
}

const ALWAYS: Record<string, Outcome> = {
  pure: ["value", 6],
  recursive: ["value", 55],
  intrinsic: ["value", 3],
};
const WITH_MODULE: Record<string, Outcome> = {
  imports: ["value", "b"],
  defaultImport: ["value", "b"],
  dynamic: ["value", 42],
  meta: ["value", true],
};

Deno.test("describeFunction() in a main module takes its exports by value", async () => {
  assertEquals(await runMain("-A"), {
    ...ALWAYS,
    ...WITH_MODULE,
    exported: ["reference", null],
    exportedByMain: ["value", 6],
    shadowedIntrinsic: ["value", 2],
    closure: ["value", 3],
    assigned: ["value", 11],
  });
});

Deno.test("describeFunction() without --allow-sys finds exports and imports through the modules on the stack", async () => {
  const { exportedByMain, shadowedIntrinsic, closure, assigned, ...rest } =
    await runMain("--allow-read");

  assertEquals(rest, {
    ...ALWAYS,
    ...WITH_MODULE,
    exported: ["reference", null],
  });
  for (
    const outcome of [exportedByMain, shadowedIntrinsic, closure, assigned]
  ) assertRefused(outcome);
});

Deno.test("describeFunction() without any permission sends functions without free variables", async () => {
  const { pure, recursive, intrinsic, ...rest } = await runMain();

  assertEquals<unknown>({ pure, recursive, intrinsic }, ALWAYS);
  for (const outcome of Object.values(rest)) assertRefused(outcome);
});
