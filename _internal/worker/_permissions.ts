// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A program cannot read back the flags that it was started with, only ask
// whether something is granted. So a child gets what is granted as a whole, or
// what its `permissions` name, each item of which is asked for. It never gets
// more than the parent has, but for the one socket between the two and the host
// that its own entry comes from.

import type { SocketPlace } from "../base/registry.ts";
import { describe } from "../base/validation.ts";
import { nodePath, nodeUrl } from "../wire/functions/sync_modules.ts";
import type { SocketAddress } from "../wire/handshake.ts";
import { doorsOf } from "../wire/socket_place.ts";
import { thisProcess } from "./current.ts";
import { PROCESS_ENTRY } from "./entry_urls.ts";

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

/** Whose items may be URLs. */
const TAKES_URL: readonly Name[] = ["ffi", "read", "run", "write"];

/** Where the processes of a program talk that may use no Unix sockets. */
const LOOPBACK = "127.0.0.1";

/** What every program may import from where no flag says otherwise. */
const DEFAULT_IMPORT_HOSTS = [
  "deno.land:443",
  "jsr.io:443",
  "esm.sh:443",
  "raw.esm.sh:443",
  "cdn.jsdelivr.net:443",
  "raw.githubusercontent.com:443",
  "gist.githubusercontent.com:443",
] as const;

/**
 * The permission flags of a child process.
 *
 * @param permissions What the caller asks for; the parent's own by default.
 * @param address The socket that the child has to reach.
 * @param entry The module that the child runs.
 * @param place Where its own sockets may lie.
 * @throws {TypeError} If `permissions` asks for more than this program has.
 */
export function permissionFlags(
  permissions: Deno.PermissionOptions | undefined,
  address: SocketAddress,
  entry: string | URL = PROCESS_ENTRY,
  place?: SocketPlace,
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
    else if (name !== "import") lists.set(name, grant);
    else if (request === "inherit") flags.push(...inheritedImports(entry));
    else flags.push(...importFlags(grant, entry));
  }
  // The child cannot live without its socket, so this much it always gets.
  if (address.transport === "unix") {
    const names = [address.path];
    const paths = [address.path];
    if (place !== undefined) {
      const { listen, connect } = doorsOf(place);
      names.push(listen, ...connect);
      paths.push(place.directory);
    }
    lists.get("net")?.push(...names.map((name) => `unix:${name}`));
    lists.get("read")?.push(...paths);
    lists.get("write")?.push(...paths);
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

/** The permissions that a child has in part: what its own children inherit. */
export function partialGrants(
  permissions: Deno.PermissionOptions | undefined,
): Record<string, readonly string[]> {
  const grants: Record<string, readonly string[]> = {};
  for (const name of NAMES) {
    const request = requestOf(permissions, name);
    // The hosts that a program may import from without a flag: it finds them out.
    const isDefault = name === "import" && request === "inherit" &&
      thisProcess()?.grants[name] === undefined;
    const grant = grantOf(name, request);
    if (grant !== true && !isDefault) grants[name] = grant;
  }
  return grants;
}

/**
 * Checks `permissions` without a socket at hand, so that a caller hears of a
 * mistake before anything is started.
 *
 * @throws {TypeError} If `permissions` is no such thing, or asks for more than this program has.
 */
export function checkPermissions(
  permissions: Deno.PermissionOptions | undefined,
): void {
  checkShape(permissions);
  for (const name of NAMES) grantOf(name, requestOf(permissions, name));
}

function checkShape(permissions: unknown): void {
  if (
    permissions === undefined || permissions === "inherit" ||
    permissions === "none"
  ) return;
  if (
    typeof permissions !== "object" || permissions === null ||
    Array.isArray(permissions)
  ) {
    throw invalid(
      "permissions",
      '"inherit", "none" or an object',
      permissions,
    );
  }
  const fields = permissions as Record<string, unknown>;
  for (const name of Object.keys(fields)) {
    if (fields[name] === undefined || NAMES.some((it) => it === name)) continue;
    throw invalid(
      `permissions.${name}`,
      `undefined, as there are only ${NAMES.join(", ")}`,
      fields[name],
    );
  }
  for (const name of NAMES) checkRequest(name, fields[name]);
}

function checkRequest(name: Name, request: unknown): void {
  if (
    request === undefined || request === "inherit" ||
    typeof request === "boolean"
  ) return;
  const param = `permissions.${name}`;
  if (!Array.isArray(request)) {
    throw invalid(param, '"inherit", a boolean or an array', request);
  }
  const takesUrl = TAKES_URL.includes(name);
  // entries() visits the holes too.
  for (const [index, item] of request.entries()) {
    if (typeof item === "string" && item !== "") continue;
    if (takesUrl && item instanceof URL) continue;
    throw invalid(
      `${param}[${index}]`,
      takesUrl
        ? "a string that is not empty or a URL"
        : "a string that is not empty",
      item,
    );
  }
}

/** `true`: all of it; a list: only these. */
function grantOf(name: Name, request: Request): true | string[] {
  if (request === "inherit") {
    if (isFull(name)) return true;
    const items = partialGrant(name);
    // Where processes talk over TCP, a child reaches what others serve only with this.
    const talks = name === "net" && isGranted(name, LOOPBACK);
    return talks ? [...new Set([...items, LOOPBACK])] : items;
  }
  if (request === true) {
    if (!isFull(name)) throw escalation(name, "true");
    return true;
  }
  if (request === false) return [];
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
  if (permissions === "none") return false;
  return (permissions as Record<string, Request | undefined>)[name] ?? false;
}

/**
 * Without a flag the child has the runtime's default hosts, so there is none
 * only where this program has them all. Its entry's host comes by itself then.
 */
function inheritedImports(entry: string | URL): string[] {
  const known = thisProcess()?.grants.import;
  if (known !== undefined) return importFlags(known, entry);
  const hosts = DEFAULT_IMPORT_HOSTS.filter((host) =>
    isGranted("import", host)
  );
  return hosts.length === DEFAULT_IMPORT_HOSTS.length
    ? []
    : importFlags(hosts, entry);
}

/** The flags for these hosts, and the one that the child's own modules come from. */
function importFlags(
  hosts: readonly string[],
  entry: string | URL,
): string[] {
  const own = hostOf(entry);
  const list = new Set(own === undefined ? hosts : [...hosts, own]);
  // `--deny-import` alone leaves the default hosts; beside `--allow-import`,
  // which replaces them, it denies every host.
  if (list.size === 0) return ["--allow-import", "--deny-import"];
  return [`--allow-import=${[...list].map(escapeItem).join(",")}`];
}

/** Host and port of a module from the network. */
function hostOf(entry: string | URL): string | undefined {
  const url = URL.parse(String(entry));
  if (url?.protocol !== "https:" && url?.protocol !== "http:") return undefined;
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return `${url.hostname}:${port}`;
}

/**
 * What of a limited permission can be found out: of a child what its parent has
 * said, else whether the places that nearly every program works in are among what
 * is granted.
 */
function partialGrant(name: Name): string[] {
  const known = thisProcess()?.grants[name];
  if (known !== undefined) return known.filter((it) => isGranted(name, it));
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

function invalid(param: string, constraint: string, value: unknown): TypeError {
  return new TypeError(
    `Cannot start process as '${param}' must be ${constraint}: current value is ${
      describe(value)
    }`,
  );
}

function escalation(name: Name, value: string): TypeError {
  return new TypeError(
    `Cannot start process as 'permissions.${name}' must be within what this program is granted: current value is ${value}`,
  );
}
