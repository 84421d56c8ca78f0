// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Writes a function's source anew where a name means something else over there.

import type { Reference } from "./scopes.ts";

/** One replacement in a text. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * Applies replacements that do not overlap.
 *
 * @param text The text.
 * @param edits The replacements, in any order.
 * @returns The new text.
 */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  // Insertions at one position stay in the order in which they were given.
  const sorted = edits.toSorted((a, b) => a.start - b.start || a.end - b.end);
  let result = "";
  let position = 0;
  for (const edit of sorted) {
    result += text.slice(position, edit.start) + edit.text;
    position = edit.end;
  }
  return result + text.slice(position);
}

/**
 * Replaces a variable by a property of an object.
 *
 * @param reference One use of the variable.
 * @param member The property, such as `box.v`.
 * @returns The replacements.
 */
export function replaceReference(
  { role, start, end, name, statement }: Reference,
  member: string,
): Edit[] {
  switch (role) {
    case "plain":
      return [{ start, end, text: member }];
    case "shorthand":
      return [{ start, end, text: `${name}: ${member}` }];
    case "callee": {
      // A call of the property itself would make the box the `this` of the call.
      const call = { start, end, text: `(0, ${member})` };
      if (statement === undefined) return [call];
      // After a line without a semicolon the parenthesis would be read as a call
      // of what that line ends with; a block cannot be.
      return [
        { start, end: start, text: "{ " },
        call,
        { start: statement.end, end: statement.end, text: " }" },
      ];
    }
  }
}
