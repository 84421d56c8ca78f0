// Copyright 2026 the @concurrent/parallel authors. MIT license.

export class Unknown {
  readonly field = 1;
}
