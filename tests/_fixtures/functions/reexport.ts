// Copyright 2026 the @concurrent/parallel authors. MIT license.

export { default as thrice, half as halve } from "./module.ts";
export * as everything from "./module.ts";
