// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals, assertThrows } from "@std/assert";
import {
  checkPermissions,
  permissionFlags,
} from "../../../_internal/worker/_permissions.ts";

const ADDRESS = { transport: "tcp", port: 99 } as const;
const PERMISSIONS = new URL(
  "../../../_internal/worker/_permissions.ts",
  import.meta.url,
).href;
const DENY_ALL = ["--allow-import", "--deny-import"];
const LOCAL = "file:///lib/_entry/process.ts";
const REMOTE = "https://example.com/lib/_entry/process.ts";

/** The flags about imports of a child whose parent runs with these flags. */
async function importFlagsUnder(
  flags: readonly string[],
  entry: string,
): Promise<string[]> {
  const program = `
    import { permissionFlags } from ${JSON.stringify(PERMISSIONS)};
    const flags = permissionFlags(
      undefined,
      { transport: "tcp", port: 99 },
      ${JSON.stringify(entry)},
    );
    console.log(JSON.stringify(flags.filter((it) => it.includes("import"))));`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--allow-read",
      ...flags,
      `data:application/typescript,${encodeURIComponent(program)}`,
    ],
    stdout: "piped",
    stderr: "inherit",
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** What of `permissions` is about imports. */
function importFlags(
  permissions: Deno.PermissionOptions,
  entry: string,
): string[] {
  return permissionFlags(permissions, ADDRESS, entry)
    .filter((flag) => flag.includes("import"));
}

for (
  const [flags, entry, expected] of [
    [[], LOCAL, []],
    [[], REMOTE, []],
    [["--allow-import"], LOCAL, ["--allow-import"]],
    [["--allow-import", "--deny-import"], LOCAL, DENY_ALL],
    [["--allow-import=example.com:443"], LOCAL, DENY_ALL],
    [["--allow-import=example.com:443"], REMOTE, [
      "--allow-import=example.com:443",
    ]],
    [["--allow-import=esm.sh,jsr.io:443"], LOCAL, [
      "--allow-import=jsr.io:443,esm.sh:443",
    ]],
    [["--allow-import=jsr.io:443,example.com:443"], REMOTE, [
      "--allow-import=jsr.io:443,example.com:443",
    ]],
    [["--allow-import", "--deny-import=esm.sh"], LOCAL, [
      "--allow-import=deno.land:443,jsr.io:443,raw.esm.sh:443,cdn.jsdelivr.net:443,raw.githubusercontent.com:443,gist.githubusercontent.com:443",
    ]],
  ] as const
) {
  const under = `${flags.join(" ") || "no flag"}, entry ${entry.split(":")[0]}`;
  Deno.test(`permissionFlags() lets a child import no more than its parent: ${under}`, async () => {
    assertEquals(await importFlagsUnder(flags, entry), [...expected]);
  });
}

Deno.test("permissionFlags() denies imports that 'permissions' does not name", () => {
  for (
    const permissions of [
      "none",
      {},
      { read: true },
      { import: false },
      { import: [] },
    ] as const
  ) {
    assertEquals(
      importFlags(permissions as Deno.PermissionOptions, LOCAL),
      DENY_ALL,
    );
    assertEquals(
      importFlags(permissions as Deno.PermissionOptions, REMOTE),
      ["--allow-import=example.com:443"],
    );
  }
  assertEquals(
    importFlags({ import: ["jsr.io:443"] }, "http://localhost:8000/entry.ts"),
    ["--allow-import=jsr.io:443,localhost:8000"],
  );
  assertEquals(importFlags({ import: ["jsr.io:443"] }, LOCAL), [
    "--allow-import=jsr.io:443",
  ]);
  for (const all of [true, "inherit"] as const) {
    assertEquals(importFlags({ import: all }, LOCAL), ["--allow-import"]);
  }
});

Deno.test("checkPermissions() refuses what is no permissions", () => {
  const shape = '"inherit", "none" or an object';
  const request = '"inherit", a boolean or an array';
  const text = "a string that is not empty";
  const path = `${text} or a URL`;
  const names = "env, ffi, import, net, read, run, sys, write";
  for (
    const [value, param, constraint, current] of [
      ["nonsense", "permissions", shape, '"nonsense"'],
      [5, "permissions", shape, "5"],
      [null, "permissions", shape, "null"],
      [true, "permissions", shape, "true"],
      [["read"], "permissions", shape, "an array"],
      [
        { raed: true },
        "permissions.raed",
        `undefined, as there are only ${names}`,
        "true",
      ],
      [{ read: 5 }, "permissions.read", request, "5"],
      [{ read: "yes" }, "permissions.read", request, '"yes"'],
      [{ read: null }, "permissions.read", request, "null"],
      [{ read: ["a", 5] }, "permissions.read[1]", path, "5"],
      [{ read: [,] }, "permissions.read[0]", path, "undefined"],
      [{ env: [""] }, "permissions.env[0]", text, '""'],
      [
        { net: [new URL("https://example.com")] },
        "permissions.net[0]",
        text,
        "an object of class URL",
      ],
    ] as const
  ) {
    const error = assertThrows(
      () => checkPermissions(value as unknown as Deno.PermissionOptions),
      TypeError,
    );
    assertEquals(
      error.message,
      `Cannot start process as '${param}' must be ${constraint}: current value is ${current}`,
    );
  }
});

Deno.test("checkPermissions() takes every shape of permissions", () => {
  checkPermissions(undefined);
  checkPermissions("inherit");
  checkPermissions("none");
  checkPermissions({});
  checkPermissions({
    env: ["A"],
    import: "inherit",
    net: false,
    read: ["a", new URL(import.meta.url)],
    run: true,
  });
});
