// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The children of `fork.ts`. JavaScript, since Deno would check it at each start.

import process from "node:process";
import { digest } from "./digest.js";

let left = 0;
let sum = 0;

process.on("message", (message) => {
  if (left > 0) {
    sum += message;
    if (--left === 0) process.send(sum);
    return;
  }
  const [order, value] = message;
  switch (order) {
    case "put":
      for (let i = 0; i < value; i++) process.send(i);
      break;
    case "get":
      left = value;
      sum = 0;
      break;
    case "echo":
      process.send(value);
      break;
    case "digest":
      process.send(digest(value));
      break;
    case "map":
      process.send([value[0], value[1].map((n) => n + 1)]);
      break;
    case "end":
      process.exit();
  }
});
