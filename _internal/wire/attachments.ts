// Copyright 2026 the @concurrent/parallel authors. MIT license.

/** True for what the platform can move but not clone: ports and streams. Only one thread can have it. */
export function isMovable(value: unknown): value is Transferable & object {
  return value instanceof MessagePort || value instanceof ReadableStream ||
    value instanceof WritableStream || value instanceof TransformStream;
}

/** The transfer list of a message with these attachments: everything else is cloned. */
export function movable(attachments: readonly unknown[]): Transferable[] {
  return attachments.filter(isMovable);
}
