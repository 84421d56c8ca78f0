// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  excepthook,
  type ExceptHookArgs,
  Thread,
} from "../../threading/mod.ts";

/** What the hook is told while `body` runs. */
async function heard(
  body: () => Promise<void>,
  handler?: (args: ExceptHookArgs) => void,
): Promise<{ args: ExceptHookArgs[]; printed: string[] }> {
  const args: ExceptHookArgs[] = [];
  const printed: string[] = [];
  const { error } = console;
  console.error = (...parts: unknown[]) => printed.push(parts.join(" "));
  excepthook.handler = (told) => {
    args.push(told);
    (handler ?? (() => {}))(told);
  };
  try {
    await body();
  } finally {
    console.error = error;
    excepthook.handler = excepthook.original;
  }
  return { args, printed };
}

function failing(): Thread {
  return new Thread({
    name: "failing",
    target: () => {
      throw new RangeError("No such table");
    },
  });
}

Deno.test("excepthook() hears of an error that nobody asks for", async () => {
  const thread = failing();
  const { args, printed } = await heard(async () => {
    await thread.start().join();
  });
  assertEquals(args.length, 1);
  assertStrictEquals(args[0]!.thread, thread);
  assertInstanceOf(args[0]!.error, RangeError);
  assertEquals(printed, []);
});

Deno.test("excepthook() does not hear of an error that result() tells, of a terminated thread, of Deno.exit()", async () => {
  const { args } = await heard(async () => {
    const thread = failing().start();
    await thread.result().catch(() => {});
    await thread.join();
    const endless = new Thread({ target: () => new Promise(() => {}) }).start();
    await endless.terminate();
    await new Thread({ target: () => Deno.exit(3) }).start().join();
  });
  assertEquals(args, []);
});

Deno.test("excepthook() prints both errors where the handler throws", async () => {
  const { printed } = await heard(async () => {
    await failing().start().join();
  }, () => {
    throw new TypeError("Bad handler");
  });
  assertEquals(printed.length, 2);
  assertEquals(
    printed.map((line) => line.split("\n")[0]),
    [
      "Exception in threading.excepthook: TypeError: Bad handler",
      "Exception in thread failing: RangeError: No such table",
    ],
  );
});

Deno.test("excepthook.original prints on standard error", async () => {
  const { printed } = await heard(async () => {
    excepthook.handler = excepthook.original;
    await failing().start().join();
  });
  assertEquals(
    printed[0]!.split("\n")[0],
    "Exception in thread failing: RangeError: No such table",
  );
});

Deno.test("excepthook.handler must be a function", () => {
  assertThrows(
    () => excepthook.handler = 1 as unknown as () => void,
    TypeError,
  );
  assertStrictEquals(excepthook.handler, excepthook.original);
});
