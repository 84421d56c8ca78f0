// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Stand-in for `jsr:@std/cli/unstable-progress-bar`: see `../README.md`.
 *
 * @module
 */

/** What a formatter is given. */
export interface ProgressBarFormatter {
  /** Time since the start as `mm:ss`. */
  styledTime: string;
  /** `value` of `max` with a unit: `0.40/97.66 KiB`. */
  styledData: string;
  /** The bar: `###-------`. */
  progressBar: string;
  /** Milliseconds since the start. */
  time: number;
  /** `time` at the last update. */
  previousTime: number;
  /** How far it has come. */
  value: number;
  /** `value` at the last update. */
  previousValue: number;
  /** How far it has to go. */
  max: number;
}

/** Options for {@linkcode ProgressBar}. */
export interface ProgressBarOptions {
  /** Where the bar is written; `Deno.stderr.writable` by default. */
  writable?: WritableStream<Uint8Array>;
  /** Where the bar starts. */
  value?: number;
  /** Where the bar ends. */
  max: number;
  /** Width of the bar in characters; 50 by default. */
  barLength?: number;
  /** Character of the done part; `#` by default. */
  fillChar?: string;
  /** Character of the rest; `-` by default. */
  emptyChar?: string;
  /** Whether `stop()` removes the bar. */
  clear?: boolean;
  /** Makes the line. */
  formatter?: (formatter: ProgressBarFormatter) => string;
  /** Whether the stream stays open after `stop()`; it does by default. */
  keepOpen?: boolean;
  /** Milliseconds between two updates; 1000 by default. */
  interval?: number;
}

const LINE_CLEAR = "\r\x1b[K";

/** Progress bar that shows `value` of `max` every `interval`. */
export class ProgressBar {
  /** How far it has come. */
  value: number;
  /** How far it has to go. */
  max: number;
  #options: Required<ProgressBarOptions>;
  #writer: WritableStreamDefaultWriter<Uint8Array>;
  #timer: ReturnType<typeof setInterval>;
  #start = Date.now();
  #previousTime = 0;
  #previousValue: number;
  #written: Promise<void> = Promise.resolve();

  /** Constructs a bar and shows it. */
  constructor(options: ProgressBarOptions) {
    this.#options = {
      writable: options.writable ?? Deno.stderr.writable,
      value: 0,
      barLength: 50,
      fillChar: "#",
      emptyChar: "-",
      clear: false,
      formatter: (x) =>
        `[${x.styledTime}] [${x.progressBar}] [${x.styledData}]`,
      keepOpen: true,
      interval: 1000,
      ...options,
    };
    this.value = this.#previousValue = this.#options.value;
    this.max = options.max;
    this.#writer = this.#options.writable.getWriter();
    this.#timer = setInterval(() => this.#print(), this.#options.interval);
    this.#print();
  }

  /** Shows the last state and ends the bar. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    if (this.#options.clear) this.#write(LINE_CLEAR);
    else {
      this.#print();
      this.#write("\n");
    }
    await this.#written;
    if (this.#options.keepOpen) this.#writer.releaseLock();
    else await this.#writer.close().catch(() => {});
  }

  #print(): void {
    const { barLength, fillChar, emptyChar, formatter } = this.#options;
    const time = Date.now() - this.#start;
    const ratio = Math.min(Math.max(this.value / this.max, 0), 1);
    const filled = Math.trunc(ratio * barLength);
    const kib = (bytes: number) => (bytes / 1024).toFixed(2);
    const part = (n: number) => String(Math.trunc(n)).padStart(2, "0");
    this.#write(
      LINE_CLEAR + formatter({
        styledTime: `${part(time / 60_000)}:${part(time / 1000 % 60)}`,
        styledData: `${kib(this.value)}/${kib(this.max)} KiB`,
        progressBar: fillChar.repeat(filled) +
          emptyChar.repeat(barLength - filled),
        time,
        previousTime: this.#previousTime,
        value: this.value,
        previousValue: this.#previousValue,
        max: this.max,
      }),
    );
    this.#previousTime = time;
    this.#previousValue = this.value;
  }

  #write(text: string): void {
    // A stream that is gone must not end the program that reports to it.
    this.#written = this.#writer.write(new TextEncoder().encode(text))
      .catch(() => {});
  }
}
