// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Lint rule `concurrent-parallel/platform`: confines parts of the platform to
 * the folders that `PLATFORM_RULES` in `layers.ts` names. A lint plugin and
 * not a search, since it sees code, not comments and strings.
 *
 * @module
 */

import { isAllowed, layerOf, PLATFORM_RULES } from "./layers.ts";

const ROOT = new URL("../", import.meta.url);

/** Path in the repository of a file name as the linter gives it. */
function pathInRepository(filename: string): string {
  const root = decodeURIComponent(ROOT.pathname);
  const path = filename.replaceAll("\\", "/").replace(/^file:\/\//, "");
  const at = path.indexOf(root.replace(/^\/(?=[A-Za-z]:)/, ""));
  return at < 0 ? path : path.slice(at + root.length);
}

function nameOf(node: Deno.lint.Node): string | undefined {
  if (node.type === "Identifier") return node.name;
  if (node.type === "Literal" && typeof node.value === "string") {
    return node.value;
  }
  return undefined;
}

/** The plugin, as deno.json names it. */
const plugin: Deno.lint.Plugin = {
  name: "concurrent-parallel",
  rules: {
    platform: {
      create(context) {
        const path = pathInRepository(context.filename);
        if (layerOf(path) === undefined) return {};

        function confine(
          key: keyof typeof PLATFORM_RULES,
          node: Deno.lint.Node,
        ): void {
          const rule = PLATFORM_RULES[key];
          if (isAllowed(rule, path)) return;
          context.report({
            node,
            message: `${rule.use} belongs to ${
              rule.where.join(", ")
            }: ${rule.reason}`,
          });
        }

        return {
          MemberExpression(node) {
            const object = nameOf(node.object);
            const property = nameOf(node.property) ?? "";
            if (object === "Atomics") confine("atomics", node);
            if (object === "console") confine("console", node);
            if (object === "Deno" && /^(Command$|spawn)/.test(property)) {
              confine("process", node);
            }
          },
          NewExpression(node) {
            const { callee } = node;
            const name = callee.type === "MemberExpression"
              ? nameOf(callee.property)
              : nameOf(callee);
            if (name === "Worker") confine("worker", node);
          },
          CallExpression(node) {
            const { callee } = node;
            const name = callee.type === "MemberExpression"
              ? nameOf(callee.property)
              : nameOf(callee);
            if (name === "postMessage") confine("message", node);
          },
          VariableDeclarator(node) {
            // `const { add } = Atomics` would hide the uses.
            if (node.init && nameOf(node.init) === "Atomics") {
              confine("atomics", node);
            }
          },
          Literal(node) {
            if (typeof node.value !== "string") return;
            if (/^node:(child_process|worker_threads)$/.test(node.value)) {
              if (
                node.parent?.type === "ImportDeclaration" &&
                node.parent.importKind === "type"
              ) return;
              confine("process", node);
            }
            if (/(^|\/)_entry\//.test(node.value)) confine("entry", node);
          },
        };
      },
    },
  },
};

export default plugin;
