// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assertEquals } from "@std/assert";
import {
  NodeBoard,
  type NodeStats,
  SILENCE,
} from "../../distributed/_node_board.ts";
import { StoppedClock } from "./_stopped_clock.ts";

const stats: NodeStats = {
  id: "a",
  name: "n",
  host: "h",
  pid: 1,
  state: "serving",
  backend: "processes",
  upTime: 0,
  slots: 2,
  workers: 2,
  idle: 2,
  running: 0,
  completed: 0,
  failed: 0,
  cancelled: 0,
  refused: 0,
  takenOver: 0,
  crashes: 0,
  restarts: 0,
  stuck: 0,
  perWorker: [],
};

const beat = (some: object): Uint8Array =>
  new TextEncoder().encode(JSON.stringify({ ...stats, ...some }));
const idsOf = (board: NodeBoard) => board.nodes.map(({ id }) => id);

Deno.test("NodeBoard.nodes are those that were heard of lately, as they last said", () => {
  using clock = new StoppedClock();
  const board = new NodeBoard();
  let heard = 0;
  const forget = board.onBeat(() => heard++);
  board.hear(beat({ id: "a" }));
  board.hear(beat({ id: "b" }), SILENCE + 1);
  board.hear(beat({ id: "c" }), SILENCE - 1);
  board.hear(beat({ id: "a", completed: 5 }));
  assertEquals(idsOf(board), ["a", "c"]);
  assertEquals(board.nodes[0]!.completed, 5);
  assertEquals(heard, 4);
  forget();
  board.hear(beat({ id: "a", state: "gone" }));
  assertEquals(idsOf(board), ["c"]);
  assertEquals(heard, 4);
  clock.pass(2);
  assertEquals(idsOf(board), []);
});

Deno.test("NodeBoard.hear() leaves alone what is no beat", () => {
  const board = new NodeBoard();
  const noBeats = [
    new Uint8Array([255]),
    new TextEncoder().encode("null"),
    beat({ id: 5 }),
    beat({ name: undefined }),
    beat({ state: "asleep" }),
    beat({ slots: "2" }),
    beat({ perWorker: null }),
    // What would do harm where it is summed up: a map reads as far ahead as there are slots.
    beat({ slots: 1e9 }),
    beat({ slots: -1 }),
    beat({ perWorker: [null] }),
    beat({ perWorker: [{ busyTime: null, utilization: 0 }] }),
    // More than a number can be.
    new TextEncoder().encode(
      JSON.stringify(stats).replace('"idle":2', '"idle":1e999'),
    ),
  ];
  for (const message of noBeats) board.hear(message);
  assertEquals(board.nodes, []);
});

Deno.test("NodeBoard.hear() knows a thousand nodes, and forgets silent ones for others", () => {
  using _clock = new StoppedClock();
  const board = new NodeBoard();
  for (let i = 0; i < 1000; i++) {
    board.hear(beat({ id: `old ${i}` }), SILENCE + 1);
  }
  for (let i = 0; i < 1001; i++) board.hear(beat({ id: `new ${i}` }));
  assertEquals(board.nodes.length, 1000);
  board.hear(beat({ id: "new 7", running: 1 }));
  assertEquals(board.nodes.find(({ id }) => id === "new 7")?.running, 1);
});
