// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The station of this thread, for objects that it serves itself: pipes, and the
// objects of a manager. It is there while somebody has one of them.

import { carries, carry } from "../wire/carried.ts";
import { newId, newPin, type Reference } from "./reference.ts";
import { type Served, Station } from "./station.ts";

/** The name of this thread, as a home of objects. */
export const HOME: string = newId();

let station: Station | undefined;
let lastObject = 0;

/** A number for an object that this thread serves. */
export function newObjectNumber(): number {
  return ++lastObject;
}

/**
 * Serves an object of this thread, where it is not served yet, and names it for
 * one receiver. Once nobody has it any more it is dropped (`unheld()`), until it
 * is sent again.
 *
 * @param object Its number.
 * @param make Makes what serves it.
 * @throws {NotSupportedError} If this thread may not listen.
 */
export function sendOut(object: number, make: () => Served): Reference {
  const own = station ??= new Station({ onIdle: closeIfIdle });
  const pin = newPin();
  own.serve(object, pin, make);
  // Where nobody has read the call at its end nobody will.
  if (carries()) carry(() => own.letGo(object, pin));
  return { home: HOME, station: own.address, object, pin };
}

/** What this thread serves under a number. */
export function servedHere(object: number): Served | undefined {
  return station?.served(object);
}

/** True while somebody has an object of this thread, or may. */
export function isServing(): boolean {
  return station !== undefined;
}

/** A reference has come home: its pin is spent. */
export function welcomeHome({ object, pin }: Reference): void {
  station?.unpin(object, pin);
}

/** Tells all who hold an object. */
export function pushFromHere(object: number, body: Uint8Array): void {
  station?.push(object, body);
}

function closeIfIdle(): void {
  // Later: what is sent out right now has its pin by then.
  queueMicrotask(() => {
    if (station?.isIdle !== true) return;
    station.close();
    station = undefined;
  });
}
