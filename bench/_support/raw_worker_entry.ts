// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The worker of `raw_worker.ts`: answers each message with what `measure`
// makes of it.

import { measure } from "./tasks.ts";

declare const self: {
  onmessage: (event: MessageEvent<[id: number, value: unknown]>) => void;
  postMessage(message: [id: number, result: unknown]): void;
};

self.onmessage = ({ data: [id, value] }) => {
  self.postMessage([id, measure(value)]);
};
