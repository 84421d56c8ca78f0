// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Stand-in for `jsr:@std/cli/parse-args`: see `../README.md`.
 *
 * Not here: dotted keys in types, typed aliases (an alias is `unknown`), and
 * the value of a `--key value` pair in the third parameter of `unknown`.
 *
 * @module
 */

// @deno-types="./minimist.d.ts"
import minimist from "npm:minimist@^1.2.8";

/** Options for {@linkcode parseArgs}. */
export interface ParseOptions<
  B extends string = string,
  S extends string = string,
  C extends string = string,
  N extends string = string,
  D extends Record<string, unknown> = Record<string, unknown>,
  DD extends boolean = boolean,
> {
  /** Whether what follows `--` goes to `["--"]` instead of `_`. */
  "--"?: DD;
  /** Other names of an option. */
  alias?: Record<string, string | readonly string[]>;
  /** Options that are booleans, or `true`: all `--x` without a `=`. */
  boolean?: boolean | B | readonly B[];
  /** Options that are lists: every use adds one. */
  collect?: C | readonly C[];
  /** Values of options that were not given. */
  default?: D;
  /** Options that `--no-x` sets to `false`. */
  negatable?: N | readonly N[];
  /** Whether all that follows the first word goes to `_`. */
  stopEarly?: boolean;
  /** Options that are strings, never numbers; `"_"`: what belongs to none. */
  string?: S | readonly S[];
  /** Called for what no option describes; `false` drops it. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

type Given<K extends string, D> = K extends keyof D ? D[K] : never;

/** What {@linkcode parseArgs} returns. */
export type Args<
  B extends string,
  S extends string,
  C extends string,
  N extends string,
  D extends Record<string, unknown>,
  DD extends boolean,
> =
  & Record<string, unknown>
  & { [K in Exclude<B, C>]: boolean | Given<K, D> }
  & { [K in Exclude<C, B | S>]: unknown[] }
  & { [K in Extract<C, S>]: string[] | Given<K, D> }
  & { [K in Extract<C, B>]: boolean[] | Given<K, D> }
  & {
    [K in Exclude<S, C | "_"> & keyof D]:
      | string
      | D[K]
      | (K extends N ? false : never);
  }
  & {
    [K in Exclude<S, C | "_" | keyof D>]?:
      | string
      | (K extends N ? false : never)
      | undefined;
  }
  & { [K in Exclude<keyof D & string, B | S | C>]: unknown }
  & { _: (string | number)[] }
  & (DD extends true ? { "--": string[] } : unknown);

function list<T extends string>(value: T | readonly T[] | undefined): string[] {
  return value === undefined ? [] : [value].flat() as string[];
}

/** Parses the words of a command line. */
export function parseArgs<
  const B extends string = never,
  const S extends string = never,
  const C extends string = never,
  const N extends string = never,
  D extends Record<string, unknown> = Record<never, never>,
  const DD extends boolean = false,
>(
  args: readonly string[],
  options: ParseOptions<B, S, C, N, D, DD> = {},
): Args<B, S, C, N, D, DD> {
  const alias = new Map<string, string[]>();
  for (const [key, others] of Object.entries(options.alias ?? {})) {
    const names = [key, ...list(others)];
    for (const name of names) {
      alias.set(name, names.filter((other) => other !== name));
    }
  }
  const withAliases = (names: string[]) =>
    new Set(names.flatMap((name) => [name, ...alias.get(name) ?? []]));
  const negatable = withAliases(list(options.negatable));
  const collected = withAliases(list(options.collect));
  const strings = list(options.string);
  const booleans = typeof options.boolean === "boolean"
    ? options.boolean
    : list(options.boolean);

  // minimist negates every `--no-x`; only what is negatable may be. A word
  // with `=` it leaves alone, so the others get one, and lose it afterwards.
  const disguised = new Map<string, string>();
  const end = args.indexOf("--");
  const words = args.map((word, index) => {
    const name = /^--no-([^=]+)$/.exec(word)?.[1];
    if (
      name === undefined || negatable.has(name) || end >= 0 && index > end
    ) return word;
    const disguise = `--no-${name}=true`;
    disguised.set(disguise, word);
    return disguise;
  });

  const unknown = options.unknown;
  const parsed: Record<string, unknown> = minimist(words, {
    "--": options["--"] ?? false,
    alias: Object.fromEntries(alias),
    boolean: booleans,
    default: options.default ?? {},
    stopEarly: options.stopEarly ?? false,
    string: strings,
    ...(unknown && {
      unknown: (word: string) => {
        const arg = disguised.get(word) ?? word;
        const match = /^--?([^=]+)(?:=(.*))?$/s.exec(arg);
        const isKept = match
          ? unknown(arg, match[1], match[2] ?? true)
          : unknown(arg);
        return isKept !== false;
      },
    }),
  });

  const rest = (parsed._ as (string | number)[]).map((word) =>
    disguised.get(word as string) ?? word
  );
  const defaults: Record<string, unknown> = options.default ?? {};
  const isDefault = (key: string) =>
    [key, ...alias.get(key) ?? []].some((name) =>
      Object.hasOwn(defaults, name) && defaults[name] === parsed[key]
    );
  for (const [key, value] of Object.entries(parsed)) {
    if (key === "_" || key === "--" || isDefault(key)) continue;
    const isDisguised = disguised.has(`--${key}=true`) && value === "true";
    // minimist makes a list of every option that is given twice.
    if (Array.isArray(value)) {
      if (!collected.has(key)) parsed[key] = value.at(-1);
    } else if (collected.has(key) && value !== false) {
      parsed[key] = [value];
    } else if (isDisguised) {
      parsed[key] = true;
    }
  }
  for (const key of collected) {
    const isNamed = strings.some((name) =>
      name === key || alias.get(name)?.includes(key)
    );
    const isBoolean = Array.isArray(booleans) && booleans.includes(key);
    if (isNamed && parsed[key] === undefined) parsed[key] = [];
    if (isBoolean && parsed[key] === false) parsed[key] = [];
  }
  return { ...parsed, _: rest } as unknown as Args<B, S, C, N, D, DD>;
}
