// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A program cannot read back the flags that it was started with, only ask
// whether something is granted. So a child gets what is granted as a whole, or
// what its `permissions` name, each item of which is asked for. It never gets
// more than the parent has, but for the one socket between the two.

import { nodePath, nodeUrl } from "../wire/functions/node_builtins.ts";
import type { RendezvousAddress } from "../wire/handshake.ts";

type Name = Deno.PermissionDescriptor["name"];
type Request = "inherit" | boolean | readonly (string | URL)[];

const NAMES = [
  "env",
  "ffi",
  "import",
  "net",
  "read",
  "run",
  "sys",
  "write",
] as const satisfies readonly Name[];

/** The field of a descriptor that limits it. */
const FIELDS = {
  env: "variable",
  ffi: "path",
  import: "host",
  net: "host",
  read: "path",
  run: "command",
  sys: "kind",
  write: "path",
} as const;

/**
 * The permission flags of a child process.
 *
 * @param permissions What the caller asks for; the parent's own by default.
 * @param address The socket that the child has to reach.
 * @throws {TypeError} If `permissions` asks for more than this program has.
 */
export function permissionFlags(
  permissions: Deno.PermissionOptions | undefined,
  address: RendezvousAddress,
): string[] {
  const requests = NAMES.map((name) =>
    [name, requestOf(permissions, name)] as const
  );
  if (
    requests.every(([name, request]) => request === "inherit" && isFull(name))
  ) {
    return ["--allow-all"];
  }
  const lists = new Map<Name, string[]>();
  const flags: string[] = [];
  for (const [name, request] of requests) {
    const grant = grantOf(name, request);
    if (grant === true) flags.push(`--allow-${name}`);
    else if (grant === false) flags.push("--deny-import");
    else lists.set(name, grant);
  }
  // The child cannot live without its socket, so this much it always gets.
  if (address.transport === "unix") {
    lists.get("net")?.push(`unix:${address.path}`);
    lists.get("read")?.push(address.path);
    lists.get("write")?.push(address.path);
  } else {
    lists.get("net")?.push(`127.0.0.1:${address.port}`);
  }
  for (const [name, items] of lists) {
    if (items.length === 0) continue;
    const list = [...new Set(items)].map(escapeItem).join(",");
    flags.push(`--allow-${name}=${list}`);
  }
  return flags;
}

/**
 * Checks `permissions` without a socket at hand, so that a caller hears of a
 * mistake before anything is started.
 *
 * @throws {TypeError} If `permissions` asks for more than this program has.
 */
export function checkPermissions(
  permissions: Deno.PermissionOptions | undefined,
): void {
  for (const name of NAMES) grantOf(name, requestOf(permissions, name));
}

/** `true`: all of it; a list: only these; `false`: not even what the runtime grants by itself (imports). */
function grantOf(name: Name, request: Request): boolean | string[] {
  if (request === "inherit") {
    return isFull(name) ? true : partialGrant(name);
  }
  if (request === true) {
    if (!isFull(name)) throw escalation(name, "true");
    return true;
  }
  if (request === false) return name === "import" ? false : [];
  return request.map((item) => {
    const value = name === "read" || name === "write" || name === "ffi"
      ? toPath(item)
      : String(item);
    if (!isGranted(name, value)) throw escalation(name, value);
    return value;
  });
}

function requestOf(
  permissions: Deno.PermissionOptions | undefined,
  name: Name,
): Request {
  if (permissions === undefined || permissions === "inherit") return "inherit";
  // The runtime's own defaults: imports stay as they are, the rest is named or not given.
  const fallback = name === "import" ? "inherit" : false;
  if (permissions === "none") return fallback;
  return (permissions as Record<string, Request | undefined>)[name] ??
    fallback;
}

/**
 * What of a limited permission can be found out: whether the places that
 * nearly every program works in are among what is granted.
 */
function partialGrant(name: Name): string[] {
  if (name !== "read" && name !== "write") return [];
  const candidates = [Deno.cwd()];
  const mainModule: string | undefined = Deno.mainModule;
  if (mainModule?.startsWith("file:")) {
    candidates.push(nodePath().dirname(nodeUrl().fileURLToPath(mainModule)));
  }
  return candidates.filter((path) => isGranted(name, path));
}

function isFull(name: Name): boolean {
  return isGranted(name, undefined);
}

function isGranted(name: Name, value: string | undefined): boolean {
  const descriptor = value === undefined
    ? { name }
    : { name, [FIELDS[name]]: value };
  const status = Deno.permissions.querySync(
    descriptor as Deno.PermissionDescriptor,
  );
  // `partial`: something below it is denied, and a flag would give it back.
  return status.state === "granted" && !status.partial;
}

function toPath(item: string | URL): string {
  return item instanceof URL || item.startsWith("file:")
    ? nodeUrl().fileURLToPath(item)
    : nodePath().resolve(item);
}

/** The flags' lists are split at commas; two stand for one. */
function escapeItem(item: string): string {
  return item.replaceAll(",", ",,");
}

function escalation(name: Name, value: string): TypeError {
  return new TypeError(
    `Cannot start process as 'permissions.${name}' must be within what this program is granted: current value is ${value}`,
  );
}
