// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Numbers in shared memory: what types there are, and one number that several
// threads change at the same time.
//
//   integers        the instruction of the processor: Atomics.add and the like
//   uint8clamped    Atomics does not take it: a compare-and-swap of the byte
//   floats          a compare-and-swap of the bits
//
//   add, by compare-and-swap        1 read the bits
//                                   2 compute the new number, take its bits
//                                   3 swap them; somebody was faster: go to 1
//
// The bits are compared, not the numbers: NaN equals itself in step 3, so the
// loop ends, and no change to the same number with other bits goes unseen.

/** The typed array of each type, over memory that threads share or, as `ArrayBuffer`, processes. */
export interface NumberArrays<
  B extends ArrayBufferLike = SharedArrayBuffer,
> {
  /** 8 bits with a sign. */
  int8: Int8Array<B>;
  /** 8 bits. */
  uint8: Uint8Array<B>;
  /** 8 bits; what is out of range becomes 0 or 255. */
  uint8clamped: Uint8ClampedArray<B>;
  /** 16 bits with a sign. */
  int16: Int16Array<B>;
  /** 16 bits. */
  uint16: Uint16Array<B>;
  /** 32 bits with a sign. */
  int32: Int32Array<B>;
  /** 32 bits. */
  uint32: Uint32Array<B>;
  /** Floating point, 32 bits. */
  float32: Float32Array<B>;
  /** Floating point, 64 bits: JavaScript's numbers. */
  float64: Float64Array<B>;
  /** 64 bits with a sign, as bigints. */
  bigint64: BigInt64Array<B>;
  /** 64 bits, as bigints. */
  biguint64: BigUint64Array<B>;
}

/** What numbers in shared memory are made of. */
export type NumberType = keyof NumberArrays;

/** What a number of a type is in JavaScript: `bigint` or `number`; `number` where the type is not known. */
export type NumberOf<T extends NumberType> = [T] extends
  ["bigint64" | "biguint64"] ? bigint
  : number;

type View = NumberArrays<ArrayBufferLike>[NumberType];
type ViewConstructor = {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset?: number, length?: number): View;
};

const VIEWS: Readonly<Record<NumberType, ViewConstructor>> = {
  int8: Int8Array as ViewConstructor,
  uint8: Uint8Array as ViewConstructor,
  uint8clamped: Uint8ClampedArray as ViewConstructor,
  int16: Int16Array as ViewConstructor,
  uint16: Uint16Array as ViewConstructor,
  int32: Int32Array as ViewConstructor,
  uint32: Uint32Array as ViewConstructor,
  float32: Float32Array as ViewConstructor,
  float64: Float64Array as ViewConstructor,
  bigint64: BigInt64Array as ViewConstructor,
  biguint64: BigUint64Array as ViewConstructor,
};

/** The names of the types. */
export const NUMBER_TYPES = Object.keys(VIEWS) as readonly NumberType[];

/** True for the name of a type. */
export function isNumberType(type: unknown): type is NumberType {
  return typeof type === "string" && Object.hasOwn(VIEWS, type);
}

/** True for a number of this type: a number or a bigint. */
export function isNumberOf(type: NumberType, value: unknown): boolean {
  return type === "bigint64" || type === "biguint64"
    ? typeof value === "bigint"
    : typeof value === "number";
}

/** The bytes of so many numbers of a type. */
export function numberBytes(type: NumberType, length: number): number {
  return length * VIEWS[type].BYTES_PER_ELEMENT;
}

/** Zeroed memory for so many numbers of a type. */
export function numberMemory(
  type: NumberType,
  length: number,
): SharedArrayBuffer {
  return new SharedArrayBuffer(numberBytes(type, length));
}

/** The numbers in a buffer, or some of them. */
export function numberView<T extends NumberType, B extends ArrayBufferLike>(
  type: T,
  buffer: B,
  byteOffset = 0,
  length?: number,
): NumberArrays<B>[T] {
  const view = new VIEWS[type](buffer, byteOffset, length);
  return view as unknown as NumberArrays<B>[T];
}

/** One number that several threads change. The values have been checked: all numbers, or all bigints. */
export interface AtomicNumber<N extends number | bigint> {
  load(): N;
  store(value: N): void;
  /** Adds, and returns the sum. */
  add(change: N): N;
  /** Replaces the number where it is the expected one. Returns the old one. */
  compareExchange(expected: N, replacement: N): N;
}

/** The first number in a buffer, or the one at an offset. */
export function atomicNumber<T extends NumberType>(
  type: T,
  buffer: ArrayBufferLike,
  byteOffset?: number,
): AtomicNumber<NumberOf<T>>;
export function atomicNumber(
  type: NumberType,
  buffer: ArrayBufferLike,
  byteOffset = 0,
  // deno-lint-ignore no-explicit-any -- numbers or bigints, by the type
): AtomicNumber<any> {
  switch (type) {
    case "float32":
      return new AtomicBits(
        new Int32Array(buffer, byteOffset, 1),
        new Float32Array(1),
      );
    case "float64":
      return new AtomicBits(
        new BigInt64Array(buffer, byteOffset, 1),
        new Float64Array(1),
      );
    case "uint8clamped":
      return new AtomicBits(
        new Uint8Array(buffer, byteOffset, 1),
        new Uint8ClampedArray(1),
      );
    case "bigint64":
    case "biguint64":
      return new AtomicBigInt(numberView(type, buffer, byteOffset, 1));
    default:
      return new AtomicInteger(numberView(type, buffer, byteOffset, 1));
  }
}

/** Integers of up to 32 bits. */
class AtomicInteger implements AtomicNumber<number> {
  readonly #words: Int32Array;
  /** Wraps numbers as the shared one does. */
  readonly #own: Int32Array;

  constructor(view: View) {
    // The others have the same methods.
    this.#words = view as Int32Array;
    this.#own = new (view.constructor as typeof Int32Array)(1);
  }

  load(): number {
    return Atomics.load(this.#words, 0);
  }

  store(value: number): void {
    Atomics.store(this.#words, 0, value);
  }

  add(change: number): number {
    const wrapped = this.#wrap(change);
    return this.#wrap(Atomics.add(this.#words, 0, wrapped) + wrapped);
  }

  compareExchange(expected: number, replacement: number): number {
    return Atomics.compareExchange(this.#words, 0, expected, replacement);
  }

  #wrap(value: number): number {
    this.#own[0] = value;
    return this.#own[0]!;
  }
}

/** Integers of 64 bits. */
class AtomicBigInt implements AtomicNumber<bigint> {
  readonly #words: BigInt64Array;
  readonly #own: BigInt64Array;

  constructor(view: View) {
    this.#words = view as BigInt64Array;
    this.#own = new (view.constructor as typeof BigInt64Array)(1);
  }

  load(): bigint {
    return Atomics.load(this.#words, 0);
  }

  store(value: bigint): void {
    Atomics.store(this.#words, 0, value);
  }

  add(change: bigint): bigint {
    this.#own[0] = Atomics.add(this.#words, 0, change) + change;
    return this.#own[0]!;
  }

  compareExchange(expected: bigint, replacement: bigint): bigint {
    return Atomics.compareExchange(this.#words, 0, expected, replacement);
  }
}

/** Numbers that are changed by their bits. */
class AtomicBits implements AtomicNumber<number> {
  /** The bits of the shared number. Whether they are bigints is the same for all three. */
  readonly #words: Int32Array;
  /** A number of this thread, to turn into bits and back. */
  readonly #own: Float64Array | Float32Array | Uint8ClampedArray;
  readonly #ownBits: Int32Array;

  constructor(
    words: Int32Array | Uint8Array | BigInt64Array,
    own: Float64Array | Float32Array | Uint8ClampedArray,
  ) {
    this.#words = words as Int32Array;
    this.#own = own;
    this.#ownBits = new (words.constructor as typeof Int32Array)(own.buffer);
  }

  load(): number {
    return this.#numberOf(Atomics.load(this.#words, 0));
  }

  store(value: number): void {
    Atomics.store(this.#words, 0, this.#bitsOf(value));
  }

  add(change: number): number {
    for (;;) {
      const bits = Atomics.load(this.#words, 0);
      const next = this.#bitsOf(this.#numberOf(bits) + change);
      if (Atomics.compareExchange(this.#words, 0, bits, next) === bits) {
        return this.#numberOf(next);
      }
    }
  }

  compareExchange(expected: number, replacement: number): number {
    const wanted = this.#numberOf(this.#bitsOf(expected));
    for (;;) {
      const bits = Atomics.load(this.#words, 0);
      const value = this.#numberOf(bits);
      const isExpected = value === wanted ||
        (Number.isNaN(value) && Number.isNaN(wanted));
      if (!isExpected) return value;
      const next = this.#bitsOf(replacement);
      if (Atomics.compareExchange(this.#words, 0, bits, next) === bits) {
        return value;
      }
    }
  }

  #bitsOf(value: number): number {
    this.#own[0] = value;
    return this.#ownBits[0]!;
  }

  #numberOf(bits: number): number {
    this.#ownBits[0] = bits;
    return this.#own[0]!;
  }
}
