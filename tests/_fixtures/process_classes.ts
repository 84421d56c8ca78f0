// Copyright 2026 the @concurrent/parallel authors. MIT license.

import {
  activeChildren,
  currentProcess,
  parentProcess,
  Process,
} from "../../multiprocessing/mod.ts";
import { mark, throughGate } from "../_suites/_tasks.ts";

/** Tells what it is over there. */
export class Reporter extends Process<Record<string, unknown>> {
  label: string;
  nested = { count: 1 };

  constructor(label: string) {
    super({ name: "reporter", daemon: true });
    this.label = label;
  }

  override run(): Record<string, unknown> {
    this.nested.count++;
    return {
      label: this.label,
      count: this.nested.count,
      name: this.name,
      daemon: this.daemon,
      isCurrent: currentProcess() === this,
      isReporter: this instanceof Reporter,
      isAlive: this.isAlive(),
      pid: this.pid,
      exitCode: this.exitCode,
    };
  }
}

/** Uses what it overrides. */
export class PlusOne extends Process<number> {
  override run(): number {
    return super.run() + 1;
  }
}

/** Has what cannot travel. */
export class Secretive extends Process<number> {
  #secret = 1;

  override run(): number {
    return this.#secret;
  }
}

/** What a process says about itself and its parent. */
export interface Family {
  readonly name: string;
  readonly pid: number;
  readonly daemon: boolean;
  readonly parent: string | undefined;
  readonly parentPid: number | undefined;
  readonly isParentAlive: boolean | undefined;
  readonly children: string[];
  readonly child: Family | undefined;
}

/** Processes within processes, so many deep. */
export async function family(depth: number): Promise<Family> {
  const child = depth > 0
    ? new Process({ target: family, args: [depth - 1] }).start()
    : undefined;
  const children = activeChildren().map(({ name }) => name);
  const { name, pid, daemon } = currentProcess();
  const parent = parentProcess();
  const said = await child?.result();
  await child?.join();
  return {
    name,
    pid: pid!,
    daemon,
    parent: parent?.name,
    parentPid: parent?.pid,
    isParentAlive: parent?.isAlive(),
    children,
    child: said,
  };
}

/** What a process has of its environment, so many deep. */
export async function surroundings(depth: number): Promise<unknown> {
  if (depth > 0) {
    await using process = new Process({
      target: surroundings,
      args: [depth - 1],
    }).start();
    return await process.result();
  }
  const states = (["read", "env", "run", "net", "write"] as const).filter((
    name,
  ) => Deno.permissions.querySync({ name }).state === "granted");
  return { value: Deno.env.get("PARALLEL_TEST"), cwd: Deno.cwd(), states };
}

/** Starts others and does not wait for them. */
export function leave(log: string, gate: string): void {
  for (const daemon of [true, false]) {
    new Process({ target: markBehind, args: [log, gate, daemon], daemon })
      .start();
  }
}

async function markBehind(
  log: string,
  gate: string,
  daemon: boolean,
): Promise<void> {
  mark(log, `${Deno.pid}`);
  if (daemon) await new Promise(() => setInterval(() => {}, 1000));
  await throughGate(gate, 1);
  mark(log, "done");
}
