// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type Connection,
  ConnectionClosedError,
  InvalidStateError,
  pipe,
  Pool,
  Process,
  SerializationError,
} from "../../multiprocessing/mod.ts";
import { Thread } from "../../threading/mod.ts";
import { scaled, soon } from "../_suites/_helpers.ts";

/** Sends back what comes, until the other side is closed. */
async function echo(connection: Connection): Promise<void> {
  for await (const value of connection) await connection.send(value);
}

for (const Activity of [Thread, Process]) {
  const what = Activity.name;

  Deno.test(`pipe() connects with a ${what}, and ends where the other has closed`, async () => {
    const [ours, theirs] = pipe();
    const worker = new Activity({ target: echo, args: [theirs] }).start();
    const value = { list: [1, "two", new Uint8Array(3)] };
    for (let i = 0; i < 3; i++) {
      await ours.send(value);
      assertEquals(await ours.recv(), value);
    }
    const bytes = new Uint8Array(16 << 20).fill(5);
    const sent = ours.sendBytes(bytes);
    const received = await ours.recv() as Uint8Array;
    assertEquals(received.length, bytes.length);
    assert(received.every((byte) => byte === 5));
    await sent;
    ours.close();
    assert(await worker.join());
    await worker.result();
  });

  Deno.test(`pipe() ends when the ${what} has, also where its end was not closed here`, async () => {
    const [ours, theirs] = pipe();
    const worker = new Activity({
      target: (connection: Connection) => connection.send("last words"),
      args: [theirs],
    }).start();
    await worker.join();
    assertEquals(await soon("the message", ours.recv()), "last words");
    await assertRejects(
      () => soon("the end", ours.recv()),
      ConnectionClosedError,
    );
    // It is as good as before for the next one.
    const next = new Activity({ target: echo, args: [theirs] }).start();
    await ours.send(1);
    assertEquals(await ours.recv(), 1);
    ours.close();
    theirs.close();
    await next.join();
  });

  Deno.test(`pipe() carries connections to a ${what} and from there`, async () => {
    const [ours, theirs] = pipe();
    const worker = new Activity({
      target: async (connection: Connection) => {
        const other = await connection.recv() as Connection;
        await other.send("from afar");
        const [a, b] = pipe();
        await connection.send(a);
        await connection.send(await b.recv());
        // The pipe is this worker's: it ends with it.
        await b.poll({ timeout: Infinity });
      },
      args: [theirs],
    }).start();
    const [near, far] = pipe();
    await ours.send(far);
    assertEquals(await near.recv(), "from afar");
    const made = await ours.recv() as Connection;
    await made.send("and back");
    assertEquals(await ours.recv(), "and back");
    made.close();
    await worker.join();
    for (const connection of [ours, near, far]) connection.close();
  });
}

Deno.test("pipe() ends within a second of the kill of who made it", async () => {
  const [ours, theirs] = pipe();
  const process = new Process({
    target: async (connection: Connection) => {
      const [a, b] = pipe();
      await b.send("last words");
      await connection.send(a);
      await b.recv();
    },
    args: [theirs],
  }).start();
  const made = await ours.recv() as Connection;
  assertEquals(await made.recv(), "last words");
  const waiting = made.recv();
  waiting.catch(() => {});
  await process.kill();
  await assertRejects(
    () => soon("the end", waiting, scaled(1_000)),
    ConnectionClosedError,
  );
  await assertRejects(() => made.send(1), ConnectionClosedError);
  await assertRejects(
    () => ours.send({ made }),
    SerializationError,
    "Cannot send message.made: the process that made it is gone",
  );
  for (const connection of [ours, theirs, made]) connection.close();
});

Deno.test("pipe() ends within a second of the kill of who had the other end", async () => {
  const [ours, theirs] = pipe();
  const process = new Process({ target: echo, args: [theirs] }).start();
  await ours.send(1);
  assertEquals(await ours.recv(), 1);
  const waiting = ours.recv();
  waiting.catch(() => {});
  await process.kill();
  await assertRejects(
    () => soon("the end", waiting, scaled(1_000)),
    ConnectionClosedError,
  );
  await assertRejects(() => ours.recv(), ConnectionClosedError);
  ours.close();
  theirs.close();
});

Deno.test("pipe() ends with who was to get the other end and was killed before", async () => {
  const [ours, theirs] = pipe();
  const process = new Process({ target: echo, args: [theirs] }).start();
  const waiting = ours.recv();
  waiting.catch(() => {});
  await process.kill();
  await assertRejects(
    () => soon("the end", waiting, scaled(1_000)),
    ConnectionClosedError,
  );
  ours.close();
  theirs.close();
});

Deno.test("pipe() stays with a process that keeps its end when its call is over", async () => {
  const [ours, theirs] = pipe<string>();
  await using pool = new Pool({ processes: 1 });
  await pool.apply((connection: Connection) => {
    (globalThis as { kept?: Connection }).kept = connection;
  }, [theirs]);
  await pool.apply(async () => {
    await (globalThis as { kept?: Connection }).kept!.send("later");
  });
  assertEquals(await ours.recv(), "later");
  ours.close();
  theirs.close();
});

Deno.test("pipe() connects two children, also when the parent has closed both ends", async () => {
  const [left, right] = pipe<number>();
  const [results, report] = pipe<number>({ duplex: false });
  const pinger = new Process({
    target: async (
      connection: Connection<number>,
      report: Connection<number>,
    ) => {
      let n = 0;
      for (let i = 0; i < 100; i++) {
        await connection.send(n);
        n = await connection.recv();
      }
      connection.close();
      await report.send(n);
    },
    args: [left, report],
  }).start();
  const ponger = new Process({
    target: async (connection: Connection<number>) => {
      for await (const n of connection) await connection.send(n + 1);
    },
    args: [right],
  }).start();
  left.close();
  right.close();
  report.close();
  assertEquals(await results.recv(), 100);
  await pinger.join();
  await ponger.join();
  assertEquals([pinger.exitCode, ponger.exitCode], [0, 0]);
  await assertRejects(() => results.recv(), ConnectionClosedError);
  results.close();
});

Deno.test("pipe() without duplex goes one way", async () => {
  const [reader, writer] = pipe<string>({ duplex: false });
  assertEquals(
    [reader.readable, reader.writable, writer.readable, writer.writable],
    [true, false, false, true],
  );
  await writer.send("one way");
  assertEquals(await reader.recv(), "one way");
  await assertRejects(() => reader.send("back"), InvalidStateError);
  await assertRejects(
    () => reader.sendBytes(new Uint8Array()),
    InvalidStateError,
  );
  await assertRejects(() => writer.recv(), InvalidStateError);
  await assertRejects(() => writer.recvBytes(), InvalidStateError);
  await assertRejects(() => writer.poll(), InvalidStateError);
  reader.close();
  writer.close();
  assertThrows(() => pipe(null as never), TypeError);
});

Deno.test("pipe() hands the same connection back that was sent away", async () => {
  const [ours, theirs] = pipe();
  const [other, back] = pipe();
  const process = new Process({ target: echo, args: [theirs] }).start();
  await ours.send(other);
  assert(await ours.recv() === other);
  ours.close();
  other.close();
  back.close();
  await process.join();
});

Deno.test("pipe() shares a receiving end among several processes: each message goes to one", async () => {
  const [source, sink] = pipe<number>();
  const [results, report] = pipe<number[]>({ duplex: false });
  const processes = [0, 1].map(() =>
    new Process({
      target: async (
        sink: Connection<number>,
        report: Connection<number[]>,
      ) => {
        const mine: number[] = [];
        for await (const n of sink) mine.push(n);
        await report.send(mine);
      },
      args: [sink, report],
    }).start()
  );
  sink.close();
  report.close();
  for (let n = 0; n < 200; n++) await source.send(n);
  source.close();
  const all = (await Array.fromAsync(results)).flat();
  assertEquals(
    all.sort((a, b) => a - b),
    Array.from({ length: 200 }, (_, n) => n),
  );
  for (const process of processes) await process.join();
  results.close();
});
