// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The parser, named here and nowhere else. A program that imports this library
// by its path or URL brings an import map of its own, or none: nothing in the
// sources may need this repository's.

export type * from "npm:acorn@^8";
export { parse, parseExpressionAt } from "npm:acorn@^8";
