// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Finds `#private` members in a class's source without a parser: a worker sends
// instances too, and must not load one for that. All that has to be told apart
// is code from text (strings, templates, comments, regular expressions).

const STATIC_MEMBER =
  /\bstatic\s+(?:async\s+)?(?:\*\s*)?(?:(?:get|set)\s+)?(#[\p{ID_Continue}$]+)/gu;
const MEMBER = /#[\p{ID_Start}$_][\p{ID_Continue}$]*/gu;
/** Words after which a slash starts a regular expression. */
const BEFORE_EXPRESSION =
  /(?:^|[^.\p{ID_Continue}$])(?:return|typeof|case|do|else|in|of|void|delete|throw|new|instanceof|await|yield)$/u;
const WORD_END = /[\p{ID_Continue}$]/u;

/**
 * The first private member of instances in a class's source, such as `#count`.
 * Static ones do not count: evaluating the class makes them.
 */
export function privateMember(source: string): string | undefined {
  if (!source.includes("#")) return undefined;
  const code = codeOf(source);
  const statics = new Set<string>();
  for (const match of code.matchAll(STATIC_MEMBER)) statics.add(match[1]!);
  for (const match of code.matchAll(MEMBER)) {
    if (!statics.has(match[0])) return match[0];
  }
  return undefined;
}

/** The source without its text: each piece of it becomes a space. */
function codeOf(source: string): string {
  const { length } = source;
  let code = "";
  /** For each template in whose `${}` we are: the braces open in there. */
  const templates: number[] = [];
  let i = 0;
  const skipTemplateText = () => {
    while (i < length) {
      const char = source[i++];
      if (char === "\\") i++;
      else if (char === "`") return;
      else if (char === "$" && source[i] === "{") {
        i++;
        templates.push(0);
        return;
      }
    }
  };
  while (i < length) {
    const char = source[i]!;
    const next = source[i + 1];
    if (char === "/" && next === "/") {
      const end = source.indexOf("\n", i);
      i = end < 0 ? length : end;
    } else if (char === "/" && next === "*") {
      const end = source.indexOf("*/", i + 2);
      i = end < 0 ? length : end + 2;
      code += " ";
    } else if (char === '"' || char === "'") {
      i++;
      while (i < length && source[i] !== char) i += source[i] === "\\" ? 2 : 1;
      i++;
      // A string is a value: a slash after it divides.
      code += " 0 ";
    } else if (char === "`") {
      i++;
      skipTemplateText();
      code += " 0 ";
    } else if (char === "/" && startsExpression(code)) {
      i = endOfRegExp(source, i + 1);
      code += " 0 ";
    } else {
      const top = templates.length - 1;
      i++;
      if (top >= 0 && char === "{") templates[top]!++;
      if (top >= 0 && char === "}") {
        if (templates[top] === 0) {
          templates.pop();
          skipTemplateText();
          code += " 0 ";
          continue;
        }
        templates[top]!--;
      }
      code += char;
    }
  }
  return code;
}

/** True where a value is expected after `code`, so that a slash starts a regular expression. */
function startsExpression(code: string): boolean {
  const before = code.trimEnd();
  const last = before.at(-1);
  if (last === undefined) return true;
  if (WORD_END.test(last)) return BEFORE_EXPRESSION.test(before.slice(-16));
  // After `)` it is taken for a division, after `}` for an expression: the
  // rarer case each time, and only wrong where a `#` stands in the text.
  return last !== ")" && last !== "]";
}

function endOfRegExp(source: string, start: number): number {
  let inClass = false;
  for (let i = start; i < source.length; i++) {
    const char = source[i];
    if (char === "\\") i++;
    else if (char === "[") inClass = true;
    else if (char === "]") inClass = false;
    else if (char === "\n") return start;
    else if (char === "/" && !inClass) return i + 1;
  }
  return start;
}
