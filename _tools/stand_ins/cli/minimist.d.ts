// Copyright 2026 the @concurrent/parallel authors. MIT license.

/** What `parse_args.ts` uses of minimist, which has no types of its own. */
export default function minimist(
  args: readonly string[],
  options?: {
    "--"?: boolean;
    alias?: Record<string, string[]>;
    boolean?: boolean | string[];
    default?: Record<string, unknown>;
    stopEarly?: boolean;
    string?: string[];
    unknown?: (arg: string) => boolean;
  },
): Record<string, unknown>;
