// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Where the word of a lock between processes lies that says who holds it. With
// --allow-ffi, on Linux, that is real shared memory: whoever may map it takes and
// releases a lock that nobody waits for without a word to its owner.

import {
  LOCK_WORDS,
  type LockCore,
  type LockMemory,
} from "../memory/lock_core.ts";
import { NumbersCore, type NumbersMemory } from "../memory/numbers_core.ts";
import { newWords } from "../memory/waiting.ts";
import type { SharedParts } from "../wire/shared_objects.ts";

/** What keeps the word, for as long as the core is there. */
const words = new WeakMap<object, NumbersCore>();

/** Memory for a new lock; `extra` words behind those that every lock has. */
export function newLockMemory(extra = 0): LockMemory {
  const memory = newWords(LOCK_WORDS + extra);
  const number = NumbersCore.createOne("int32");
  return number.isReal ? withState(memory, number) : memory;
}

/** The memory of a lock of this program that is sent by its parts. */
export function lockMemory({ serial, parts }: SharedParts): LockMemory {
  const [buffer, place] = parts as [SharedArrayBuffer, NumbersMemory?];
  const memory = { serial, words: new Int32Array(buffer) };
  const number = place === undefined ? undefined : receiveWord(place, serial);
  return number === undefined ? memory : withState(memory, number);
}

/** What a lock is made of, for threads and for the broker. */
export function lockParts(
  { serial, words: own, state }: LockCore,
): SharedParts {
  const place = placeOf(state);
  const parts = [own.buffer];
  return { serial, parts: place === undefined ? parts : [...parts, place] };
}

/** Where the word of a lock is, for other processes; undefined where they have to ask. */
export function placeOf(state: Int32Array): NumbersMemory | undefined {
  return words.get(state)?.share();
}

/** The word of a lock of another program; undefined where it cannot be mapped here. */
export function lockWord(place: NumbersMemory): Int32Array | undefined {
  const number = receiveWord(place, 0);
  if (number === undefined) return undefined;
  const state = number.view as Int32Array;
  words.set(state, number);
  return state;
}

function withState(memory: LockMemory, number: NumbersCore): LockMemory {
  const state = number.view as Int32Array;
  words.set(state, number);
  return { ...memory, state };
}

function receiveWord(
  place: NumbersMemory,
  serial: number,
): NumbersCore | undefined {
  try {
    return NumbersCore.receive("int32", 1, place, serial, false);
  } catch {
    // No permission here, or its owner is gone: whoever asks is told so.
    return undefined;
  }
}
