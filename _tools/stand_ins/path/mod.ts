// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Stand-in for `jsr:@std/path`: see `../README.md`.
 *
 * @module
 */

import * as path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** What the host puts between the names of a path. */
export const SEPARATOR: "/" | "\\" = path.sep;

/** Last part of the path, without `suffix`. */
export function basename(path_: string, suffix: string = ""): string {
  return path.basename(path_, suffix);
}

/** Path of the folder that `path` is in. */
export function dirname(path_: string): string {
  return path.dirname(path_);
}

/** Extension of the path with its dot, or `""`. */
export function extname(path_: string): string {
  return path.extname(path_);
}

/** Path of a `file:` URL. */
export function fromFileUrl(url: string | URL): string {
  const { protocol } = new URL(url);
  if (protocol !== "file:") {
    throw new TypeError(`URL must be a file URL: received "${protocol}"`);
  }
  return fileURLToPath(url);
}

/** Whether the path starts at a root. */
export function isAbsolute(path_: string): boolean {
  return path.isAbsolute(path_);
}

/** Joins the parts and normalizes the path. */
export function join(path_: string, ...paths: string[]): string {
  return path.join(path_, ...paths);
}

/** Resolves `.` and `..`, and drops doubled separators. */
export function normalize(path_: string): string {
  return path.normalize(path_);
}

/** Path that leads from `from` to `to`. */
export function relative(from: string, to: string): string {
  return path.relative(from, to);
}

/** Absolute path: the segments from right to left until there is a root. */
export function resolve(...pathSegments: string[]): string {
  return path.resolve(...pathSegments);
}

/** `file:` URL of an absolute path. */
export function toFileUrl(path_: string): URL {
  if (!path.isAbsolute(path_)) {
    throw new TypeError(`Path must be absolute: received "${path_}"`);
  }
  return new URL(pathToFileURL(path_).href);
}
