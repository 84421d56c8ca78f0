// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Finds the place of a function without V8's help, where the permission to ask
// is missing: in the text of the modules that are on the stack. The emitted
// source and the written one differ in layout, so their tokens are compared.
// What a name means can be told then, and imports can be captured; what a
// variable holds cannot.

import type { Token } from "./acorn.ts";
import { type LocatedFunction, namesOf } from "./locate.ts";
import { type ParsedScript, parseScript } from "./parse.ts";
import { callerUrls, mainModule, parseModule } from "./references.ts";

// Emitting moves these: semicolons, trailing commas, parentheses around
// parameters and casts.
const LAYOUT = new Set([";", ",", "(", ")"]);

const indexes = new WeakMap<
  ParsedScript,
  Map<string, LocatedFunction | null>
>();

/**
 * Looks for a function in the modules on the stack.
 *
 * @param source What its `toString()` gives.
 * @returns Its place without values, or `undefined` where it is not found, or in more than one place.
 */
export function guessPlace(source: string): LocatedFunction | undefined {
  const parsed = parseScript(`(${source})`);
  // Methods are no expressions, and are left out.
  if (parsed === undefined) return undefined;
  const key = keyOf(parsed.tokens, 0, Infinity);
  const main = mainModule();
  const urls = new Set(callerUrls());
  if (main !== undefined) urls.add(main);
  let found: LocatedFunction | undefined;
  for (const url of urls) {
    const module = parseModule(url);
    const place = module && indexOf(module, url).get(key);
    if (place === undefined) continue;
    if (place === null || found !== undefined) return undefined;
    found = place;
  }
  return found;
}

/** Every function of a module by its tokens; `null` where two are equal. */
function indexOf(
  parsed: ParsedScript,
  url: string,
): Map<string, LocatedFunction | null> {
  const known = indexes.get(parsed);
  if (known !== undefined) return known;
  const script = {
    id: url,
    url,
    isModule: true,
    hasSourceUrl: false,
    text: parsed.text,
    parsed,
  };
  const index = new Map<string, LocatedFunction | null>();
  for (const node of parsed.analysis.functions) {
    const key = keyOf(parsed.tokens, node.start, node.end);
    index.set(
      key,
      index.has(key)
        ? null
        : { script, scopes: [], node, names: namesOf(parsed, node) },
    );
  }
  indexes.set(parsed, index);
  return index;
}

function keyOf(tokens: readonly Token[], start: number, end: number): string {
  const parts: string[] = [];
  for (const token of tokens) {
    if (token.start < start || token.end > end) continue;
    const { label } = token.type;
    if (LAYOUT.has(label) || label === "eof") continue;
    // The parser's types leave the value out.
    const { value } = token as Token & { value?: unknown };
    parts.push(`${label} ${valueText(value)}`);
  }
  return parts.join("\n");
}

function valueText(value: unknown): string {
  // A regular expression's value is an object.
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
