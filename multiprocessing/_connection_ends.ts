// Copyright 2026 the @concurrent/parallel authors. MIT license.

// What a `Connection` is over, and what the constructor of one is told. No public
// signature may say so.

import {
  HOME,
  servedHere,
  welcomeHome,
} from "../_internal/objects/own_station.ts";
import { RemoteEnd } from "../_internal/objects/remote_end.ts";
import {
  type EndReference,
  HomeEnd,
  type SendableEnd,
  SharedEnd,
} from "../_internal/objects/shared_end.ts";
import type { MessageEnd } from "../_internal/wire/message_end.ts";

let next: SendableEnd | undefined;
const ends = new WeakMap<object, SendableEnd>();
/** The connections of this thread that others can name, by what they are called. */
const known = new Map<string, WeakRef<object>>();
/** A connection that nobody has any more is closed. */
const forgotten = new FinalizationRegistry<SendableEnd>((end) => end.close());

/** Makes a connection over an end. */
export function over<C extends object>(ctor: new () => C, end: SendableEnd): C {
  next = end;
  return new ctor();
}

/**
 * In the constructor of a connection: its end.
 *
 * @throws {TypeError} If a user has called it.
 */
export function takeEnd(connection: object): SendableEnd {
  const end = next;
  next = undefined;
  if (end === undefined) {
    throw new TypeError(
      "Cannot create a connection: pipe(), connectClient() and Listener make them",
    );
  }
  ends.set(connection, end);
  forgotten.register(connection, end, end);
  return end;
}

/** What a connection is over. */
export function endOf(connection: object): SendableEnd | undefined {
  return ends.get(connection);
}

/** A connection was closed: what comes here from now on is another one. */
export function forget(end: SendableEnd): void {
  forgotten.unregister(end);
}

/** An end that this thread has made, as somebody has it. */
export function home(end: MessageEnd): SendableEnd {
  return new HomeEnd(new SharedEnd(end));
}

/** The two ends of a pipe that this thread has made. */
export function homePipe(
  [first, second]: readonly [MessageEnd, MessageEnd],
): [SendableEnd, SendableEnd] {
  const [one, other] = [new SharedEnd(first), new SharedEnd(second)];
  one.join(other);
  other.join(one);
  return [new HomeEnd(one), new HomeEnd(other)];
}

/**
 * The connection that a reference names: the one that this thread has, or a new
 * one.
 *
 * @param isOpen Tells whether one that is here can still be used.
 */
export function arrived<C extends object>(
  ctor: new () => C,
  sent: EndReference,
  isOpen: (connection: C) => boolean,
): C {
  const { reference } = sent;
  const name = `${reference.home} ${reference.object}`;
  const here = known.get(name)?.deref() as C | undefined;
  const isHere = here !== undefined && isOpen(here);
  const connection = isHere ? here : over(ctor, endFor(sent));
  // Its pin is spent, too, where it is here already.
  if (isHere && reference.home !== HOME) new RemoteEnd(sent).close();
  if (reference.home === HOME) welcomeHome(reference);
  if (!isHere) remember(name, connection);
  return connection;
}

/** Names a connection for one more receiver. */
export function named(connection: object): EndReference {
  const sent = ends.get(connection)!.reference();
  const { home, object } = sent.reference;
  remember(`${home} ${object}`, connection);
  return sent;
}

function remember(name: string, connection: object): void {
  known.set(name, new WeakRef(connection));
  names.register(connection, name);
}

const names = new FinalizationRegistry<string>((name) => {
  // It may be another one by now.
  if (known.get(name)?.deref() === undefined) known.delete(name);
});

function endFor(sent: EndReference): SendableEnd {
  if (sent.reference.home !== HOME) return new RemoteEnd(sent);
  const served = servedHere(sent.reference.object);
  if (served instanceof SharedEnd) return new HomeEnd(served);
  throw new TypeError("Cannot read a connection: nothing of that name is here");
}
