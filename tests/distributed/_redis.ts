// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Real Redis servers for tests: each on a loopback port and in a temporary
// folder of its own.
//
//   down --start(), restart()--> up --stop(), kill()--> down
//   either --dispose, or the end of this program--> gone, with its folder
//
// A shell stands in between, which has the server for a child, and for another
// one a guard that reads signals for it from a pipe. The pipe ends with this
// program, however that ends.

import { deadline } from "@std/async/deadline";
import { delay } from "@std/async/delay";
import { PREFIX } from "../_support/leaks.ts";
import { type Reply, RespConnection } from "./_resp.ts";

/** Milliseconds between two questions whether a server is there. */
const ASK_AGAIN = 3;
/** Milliseconds until a server that does not come up, or not end, is given up. */
const PATIENCE = 20_000;
const PROGRAM = "redis-server";
/**
 * Its output goes into a file: what is read from a pipe during a test would be
 * the test's. The server is not waited for, and its number is nobody else's,
 * until it has ended; then its guard ends too.
 */
const SHELL = `
exec 3<&0
${PROGRAM} "$0/redis.conf" </dev/null 3<&- 2>>"$0/log" &
server=$!
{
  while read -r signal; do kill -s "$signal" $server; done
  trap '' TERM
  kill -s KILL $server
  exit 7
} <&3 3<&- &
guard=$!
wait $server
kill -s TERM $guard
wait $guard
if [ $? -eq 7 ]; then rm -rf "$0"; fi
`;

/** How a server is started. */
export interface RedisServerOptions {
  /**
   * Whether what is stored survives a restart.
   *
   * @default {false}
   */
  appendOnly?: boolean;
  /**
   * Whether it speaks TLS, with a certificate of its own; see
   * {@linkcode hasTls}.
   *
   * @default {false}
   */
  tls?: boolean;
  /** The only user that it lets in; needs a password. */
  user?: string;
  /** What it asks for: of that user, or of everybody. */
  password?: string;
  /**
   * What that user may do.
   *
   * @default {"~* &* +@all"}
   */
  rules?: string;
  /** Bytes that it stores before it refuses to, such as `"8mb"`. */
  maxMemory?: string;
}

/** Whether there is a server to start. */
export function hasRedis(): boolean {
  return isOnPath(PROGRAM);
}

/** Whether that server speaks TLS, and certificates can be made. */
export function hasTls(): boolean {
  if (!hasRedis() || !isOnPath("openssl") || !isOnPath("redis-cli")) {
    return false;
  }
  // Both are built of the same source, with it or without.
  const { stdout } = new Deno.Command("redis-cli", { args: ["--help"] })
    .outputSync();
  return new TextDecoder().decode(stdout).includes("--tls ");
}

function isOnPath(program: string): boolean {
  const separator = Deno.build.os === "windows" ? ";" : ":";
  return (Deno.env.get("PATH") ?? "").split(separator).some((folder) => {
    try {
      return Deno.statSync(`${folder}/${program}`).isFile;
    } catch {
      // Not there, or not to be seen.
      return false;
    }
  });
}

/** A server of one's own. */
export class RedisServer implements AsyncDisposable {
  readonly port: number;
  /** Where it stores what it stores. */
  readonly directory: string;
  /** The certificate to trust, in PEM format; only with `tls`. */
  readonly caCert: string | undefined;
  readonly #options: RedisServerOptions;
  /** Its shell, while it is up. */
  #child: Deno.ChildProcess | undefined;

  private constructor(
    port: number,
    directory: string,
    caCert: string | undefined,
    options: RedisServerOptions,
  ) {
    this.port = port;
    this.directory = directory;
    this.caCert = caCert;
    this.#options = options;
  }

  /** Starts a server and waits until it takes commands. */
  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const directory = await Deno.makeTempDir({
      prefix: `${PREFIX}${Deno.pid}-redis-`,
    });
    try {
      const caCert = options.tls ? await makeCertificate(directory) : undefined;
      const port = freePort();
      const server = new RedisServer(port, directory, caCert, options);
      await Deno.writeTextFile(
        `${directory}/redis.conf`,
        configuration(port, directory, options),
      );
      await server.restart();
      return server;
    } catch (error) {
      await Deno.remove(directory, { recursive: true });
      throw error;
    }
  }

  /** Starts it again at the same place: with what it stored, where it stores. */
  async restart(): Promise<void> {
    await this.stop();
    const child = new Deno.Command("sh", {
      args: ["-c", SHELL, this.directory],
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.#child = child;
    let isOver = false;
    child.status.then(() => isOver = true);
    try {
      await deadline(this.#ready(() => isOver), PATIENCE);
    } catch (cause) {
      isOver = true;
      await this.kill();
      const path = `${this.directory}/log`;
      const log = await Deno.readTextFile(path).catch(() => "it wrote none");
      throw new Error(`Cannot start a Redis server, its log: ${log}`, {
        cause,
      });
    }
  }

  /** Where it is, with user and password. */
  get url(): string {
    const { tls, user = "", password } = this.#options;
    const login = password === undefined ? "" : `${user}:${password}@`;
    return `redis${tls ? "s" : ""}://${login}127.0.0.1:${this.port}`;
  }

  /** True while it is up. */
  get isUp(): boolean {
    return this.#child !== undefined;
  }

  /** Sends a command, over a connection of its own, and returns the answer. */
  async command(...words: (string | number)[]): Promise<Reply> {
    using connection = await RespConnection.open(this.port, this.caCert);
    const { user = "default", password } = this.#options;
    if (password !== undefined) await connection.send("AUTH", user, password);
    return await connection.send(...words);
  }

  /** Ends it as an administrator would. Does nothing where it is down. */
  async stop(): Promise<void> {
    // A signal is seen ten times in a second.
    if (this.isUp) await this.command("SHUTDOWN").catch(() => {});
    await this.#end("TERM");
  }

  /** Kills it. Does nothing where it is down. */
  async kill(): Promise<void> {
    await this.#end("KILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await Deno.remove(this.directory, { recursive: true });
  }

  async #end(signal: "TERM" | "KILL"): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    const writer = child.stdin.getWriter();
    // Nobody reads it where it has ended by itself.
    await writer.write(new TextEncoder().encode(`${signal}\n`)).catch(() => {});
    await deadline(child.status, PATIENCE);
    await writer.close().catch(() => {});
  }

  /** Asks until it takes commands, or is over. */
  async #ready(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      // It does not listen yet, or reads what it stored.
      const info = `${await this.command("INFO").catch(String)}`;
      // What else has its port would answer for it, until it ends for that.
      const isIt = info.includes(`config_file:${this.directory}/`);
      if (isIt && info.includes("\nloading:0\r")) return;
      await delay(ASK_AGAIN);
    }
    throw new Error("It ended");
  }
}

/**
 * One that nobody uses now, below those that systems give to clients: one that
 * tries to reach a server that is down would get its port in the end.
 */
function freePort(): number {
  while (true) {
    const port = 15_000 + Math.floor(Math.random() * 15_000);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

function configuration(
  port: number,
  directory: string,
  options: RedisServerOptions,
): string {
  const { appendOnly, tls, user, password, rules, maxMemory } = options;
  const lines = [
    "bind 127.0.0.1",
    `dir ${directory}`,
    `logfile ${directory}/log`,
    `save ""`,
    `appendonly ${appendOnly ? "yes" : "no"}`,
    "maxmemory-policy noeviction",
  ];
  if (tls) {
    lines.push(
      "port 0",
      `tls-port ${port}`,
      `tls-cert-file ${directory}/cert.pem`,
      `tls-key-file ${directory}/key.pem`,
      `tls-ca-cert-file ${directory}/cert.pem`,
      "tls-auth-clients no",
    );
  } else lines.push(`port ${port}`);
  if (user !== undefined) {
    lines.push(
      `user ${user} on >${password} ${rules ?? "~* &* +@all"}`,
      "user default off",
    );
  } else if (password !== undefined) lines.push(`requirepass ${password}`);
  if (maxMemory !== undefined) lines.push(`maxmemory ${maxMemory}`);
  return `${lines.join("\n")}\n`;
}

/** One that is no authority: those are refused as the certificate of a server. */
const CERTIFICATE = `
[req]
prompt = no
distinguished_name = name
x509_extensions = extensions
[name]
CN = 127.0.0.1
[extensions]
basicConstraints = critical, CA:FALSE
subjectAltName = IP:127.0.0.1
`;

/** A key and a certificate for 127.0.0.1, for a day. */
async function makeCertificate(directory: string): Promise<string> {
  await Deno.writeTextFile(`${directory}/openssl.conf`, CERTIFICATE);
  const { success, stderr } = await new Deno.Command("openssl", {
    args:
      "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -config openssl.conf -keyout key.pem -out cert.pem"
        .split(" "),
    cwd: directory,
    stdin: "null",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return await Deno.readTextFile(`${directory}/cert.pem`);
}

/** What a test gets. */
export interface RedisContext {
  readonly server: RedisServer;
  /** Where the server is. */
  readonly url: string;
  /** Of this test alone. */
  readonly queue: string;
}

type RedisTest = (context: RedisContext) => Promise<void>;

/** Set once a run has said that it skips tests. */
const TOLD = "CONCURRENT_PARALLEL_REDIS_TOLD";
let shared: RedisServer | undefined;
let hasShared = false;
let queues = 0;

/**
 * Registers a test that uses the server of its file. It may not end the server:
 * what happens then is told by {@linkcode redisServerTest}.
 */
export function redisTest(name: string, fn: RedisTest): void {
  share();
  register(name, async () => await fn(contextOf(shared!)));
}

/**
 * Registers the tests of suites that make what they test by themselves, where
 * there is a server; each gets what it needs from `create()`, in a test.
 */
export function redisSuites(register: (create: () => RedisContext) => void) {
  share();
  if (isHere()) register(() => contextOf(shared!));
}

/** Starts one server for the tests of this file. */
function share(): void {
  if (hasShared || !isHere()) return;
  hasShared = true;
  Deno.test.beforeAll(async () => {
    shared = await RedisServer.start();
  });
  Deno.test.afterAll(async () => {
    await shared?.[Symbol.asyncDispose]();
  });
}

/** Registers a test with a server of its own: 20 ms each. */
export function redisServerTest(
  name: string,
  options: RedisServerOptions,
  fn: RedisTest,
): void {
  register(name, async () => {
    await using server = await RedisServer.start(options);
    await fn(contextOf(server));
  }, options.tls && !hasTls());
}

function contextOf(server: RedisServer): RedisContext {
  return { server, url: server.url, queue: `test-${++queues}` };
}

function register(
  name: string,
  fn: () => Promise<void>,
  ignore: boolean = false,
): void {
  Deno.test({ name, ignore: !isHere() || ignore, fn });
}

/** Says it where there is no server: once for all files of a run. */
function isHere(): boolean {
  const isThere = hasRedis();
  if (!isThere && !Deno.env.has(TOLD)) {
    Deno.env.set(TOLD, "1");
    console.log(
      "skipped: no redis-server on PATH; " +
        "the tests of distributed/ need one (Debian: apt-get install redis-server)",
    );
  }
  return isThere;
}
