// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * How late an event loop turns: timers of one millisecond, one behind the
 * other. What the bench's own loops of `submit()` take is left out: they are
 * the caller's code. On Linux it is known how much of a delay this thread waited
 * for a core that others had.
 */

/** Times of loops that belong to the bench. */
class OwnLoops {
  #total = 0;

  add(start: number, end: number): void {
    this.#total += end - start;
  }

  /** Milliseconds so far. */
  get total(): number {
    return this.#total;
  }
}

/** The loops of this program. */
export const ownLoops = new OwnLoops();

/** What a probe has seen, in ms. */
export interface Delays {
  readonly max: number;
  readonly p99: number;
  /** How much of the maximum the thread waited for a core. */
  readonly waited: number;
}

const PERIOD = 1;
const SCHEDULE = "/proc/self/schedstat";
/** Shorter delays than this are not looked into. */
const NOTABLE = 4;

/** Measures while it is not disposed. */
export class DelayProbe implements Disposable {
  readonly #delays: { delay: number; waited: number }[] = [];
  #timer: ReturnType<typeof setTimeout>;
  #last = performance.now();
  #own = ownLoops.total;
  #waited = waitedForCore();

  constructor() {
    this.#timer = setTimeout(this.#tick, PERIOD);
  }

  readonly #tick = (): void => {
    this.#look();
    this.#timer = setTimeout(this.#tick, PERIOD);
  };

  #look(): void {
    const now = performance.now();
    const own = ownLoops.total;
    const waited = waitedForCore();
    const delay = now - this.#last - PERIOD - (own - this.#own);
    this.#delays.push({
      delay: Math.max(0, delay),
      waited: delay < NOTABLE ? 0 : waited - this.#waited,
    });
    this.#last = performance.now();
    this.#own = own;
    this.#waited = waited;
  }

  /** What was seen so far; a timer that is late just now counts. */
  read(): Delays {
    if (performance.now() - this.#last > PERIOD) this.#look();
    const sorted = this.#delays.toSorted((a, b) => a.delay - b.delay);
    const { delay: max, waited } = sorted.at(-1) ?? { delay: 0, waited: 0 };
    const p99 = sorted[Math.floor(sorted.length * 0.99)]?.delay ?? 0;
    return { max, p99, waited: Math.min(max, waited) };
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

/** Milliseconds that this thread could have run and had no core; 0 where nobody tells. */
function waitedForCore(): number {
  try {
    const [, waited] = Deno.readTextFileSync(SCHEDULE).split(" ");
    return Number(waited) / 1e6;
  } catch {
    return 0;
  }
}

/** The worst of several. */
export function worst(delays: readonly Delays[]): Delays {
  const { max, waited } = delays.toSorted((a, b) => a.max - b.max).at(-1)!;
  return { max, waited, p99: Math.max(...delays.map(({ p99 }) => p99)) };
}
