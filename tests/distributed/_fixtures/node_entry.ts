// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A node in a process of its own, with the options of its argument. Prints a
// line when it serves; drains when standard input ends.

import { serve, type ServeOptions } from "@concurrent/parallel/distributed";

await using node = await serve(JSON.parse(Deno.args[0]!) as ServeOptions);
console.log(node.id);
for await (const _ of Deno.stdin.readable);
