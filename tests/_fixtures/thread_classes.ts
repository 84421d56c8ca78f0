// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { currentThread, Thread } from "../../threading/mod.ts";

/** Tells what it is over there. */
export class Reporter extends Thread<Record<string, unknown>> {
  label: string;
  nested = { count: 1 };

  constructor(label: string) {
    super({ name: "reporter" });
    this.label = label;
  }

  override run(): Record<string, unknown> {
    this.nested.count++;
    return {
      label: this.label,
      count: this.nested.count,
      name: this.name,
      isCurrent: currentThread() === this,
      isReporter: this instanceof Reporter,
      isAlive: this.isAlive(),
      ident: this.ident,
    };
  }
}

/** Uses what it overrides. */
export class PlusOne extends Thread<number> {
  override run(): number {
    return super.run() + 1;
  }
}

/** Has what cannot travel. */
export class Secretive extends Thread<number> {
  #secret = 1;

  override run(): number {
    return this.#secret;
  }
}
