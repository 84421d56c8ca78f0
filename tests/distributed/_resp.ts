// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What Redis speaks, as much as a test needs: a command at a time, each an
// array of strings, and its answer. A client for programs goes on after a lost
// connection and has timers for it; this one has none that outlive a test.

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** An answer; an error in an array stays one. */
export type Reply = string | number | null | Error | Reply[];

/** A connection that takes one command at a time. */
export class RespConnection implements Disposable {
  readonly #connection: Deno.Conn;
  /** What has come and was not read yet. */
  #rest = new Uint8Array();

  private constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  /** Connects, with TLS where there is a certificate to trust. */
  static async open(port: number, caCert?: string): Promise<RespConnection> {
    const at = { hostname: "127.0.0.1", port };
    return new RespConnection(
      caCert === undefined
        ? await Deno.connect(at)
        : await Deno.connectTls({ ...at, caCerts: [caCert] }),
    );
  }

  /**
   * Sends a command and returns the answer.
   *
   * @throws {Error} If that is an error, or the connection ends.
   */
  async send(...words: (string | number)[]): Promise<Reply> {
    let text = `*${words.length}\r\n`;
    for (const word of words) {
      text += `$${encoder.encode(`${word}`).length}\r\n${word}\r\n`;
    }
    const bytes = encoder.encode(text);
    for (let sent = 0; sent < bytes.length;) {
      sent += await this.#connection.write(bytes.subarray(sent));
    }
    const reply = await this.#read();
    if (reply instanceof Error) throw reply;
    return reply;
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }

  async #read(): Promise<Reply> {
    const line = decoder.decode(await this.#take(undefined));
    const [type, rest] = [line[0], line.slice(1)];
    switch (type) {
      case "+":
        return rest;
      case "-":
        return new Error(rest);
      case ":":
        return Number(rest);
      case "$": {
        if (rest === "-1") return null;
        return decoder.decode(await this.#take(Number(rest)));
      }
      case "*": {
        const replies: Reply[] = [];
        while (replies.length < Number(rest)) replies.push(await this.#read());
        return rest === "-1" ? null : replies;
      }
      default:
        throw new Error(`Cannot read a reply: it begins with ${line}`);
    }
  }

  /** Takes as many bytes, or up to the end of a line, and the end of line. */
  async #take(length: number | undefined): Promise<Uint8Array> {
    while (true) {
      const end = length ?? this.#rest.indexOf(13);
      if (end >= 0 && this.#rest.length >= end + 2) {
        const taken = this.#rest.subarray(0, end);
        this.#rest = this.#rest.subarray(end + 2);
        return taken;
      }
      const chunk = new Uint8Array(65_536);
      const count = await this.#connection.read(chunk);
      if (count === null) throw new Error("Cannot read a reply: it was closed");
      const rest = new Uint8Array(this.#rest.length + count);
      rest.set(this.#rest);
      rest.set(chunk.subarray(0, count), this.#rest.length);
      this.#rest = rest;
    }
  }
}
