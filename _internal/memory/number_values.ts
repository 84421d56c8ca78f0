// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What users give as types of numbers, and as numbers of them.

import { describe, integerOption } from "../base/validation.ts";
import {
  isNumberOf,
  isNumberType,
  NUMBER_TYPES,
  type NumberOf,
  type NumberType,
} from "./shared_number.ts";

/** @throws {TypeError} If there is no such type. */
export function checkNumberType(
  verb: string,
  type: unknown,
): asserts type is NumberType {
  if (isNumberType(type)) return;
  throw new TypeError(
    `Cannot ${verb} as 'type' must be one of ${
      NUMBER_TYPES.join(", ")
    }: current value is ${describe(type)}`,
  );
}

/** @throws {TypeError} If it is not a number of this type. */
export function checkNumber(
  verb: string,
  type: NumberType,
  name: string,
  value: unknown,
): void {
  if (isNumberOf(type, value)) return;
  throw new TypeError(
    `Cannot ${verb} of type ${type} as '${name}' must be a number of it: current value is ${
      describe(value)
    }`,
  );
}

/**
 * What a user has said that an array is to hold: how many numbers, or which.
 *
 * @throws {TypeError} If it is neither.
 * @throws {RangeError} If there cannot be so many.
 */
export function numbersFrom<T extends NumberType>(
  verb: string,
  type: T,
  from: number | Iterable<NumberOf<T>>,
): number | ArrayLike<NumberOf<T>> {
  if (typeof from === "number") {
    return integerOption(verb, "length", from, 0, 0);
  }
  return numberList(verb, type, "lengthOrValues", from, "a number or ");
}

/**
 * Numbers that a user has given.
 *
 * @param besides What it could have been instead, for errors.
 * @throws {TypeError} If they are not numbers of this type.
 */
export function numberList<T extends NumberType>(
  verb: string,
  type: T,
  name: string,
  from: Iterable<NumberOf<T>>,
  besides = "",
): ArrayLike<NumberOf<T>> {
  if (
    typeof (from as Iterable<unknown> | null)?.[Symbol.iterator] !== "function"
  ) {
    throw new TypeError(
      `Cannot ${verb} as '${name}' must be ${besides}an iterable of numbers: current value is ${
        describe(from)
      }`,
    );
  }
  const values = ArrayBuffer.isView(from)
    ? from as unknown as ArrayLike<NumberOf<T>>
    : Array.from(from);
  for (let i = 0; i < values.length; i++) {
    checkNumber(verb, type, `${name}[${i}]`, values[i]);
  }
  return values;
}
