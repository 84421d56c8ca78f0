// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A document says around the tables what they mean, and has a place for each:
//
//   <!-- bench:peers calls -->
//
//   what is replaced
//
//   <!-- bench:peers end -->

const placesOf = (bench: string) =>
  new RegExp(
    `(<!-- bench:${bench} (\\S+) -->)[^]*?(<!-- bench:${bench} end -->)`,
    "g",
  );

/**
 * The document with everything in its places.
 *
 * @throws {RangeError} If it has a place for what there is not, which would stay
 * as it is beside what is new, or none at all.
 */
export function fillPlaces(
  text: string,
  sections: ReadonlyMap<string, string>,
  bench: string = "peers",
): string {
  let count = 0;
  const filled = text.replace(placesOf(bench), (_, begin, name, end) => {
    const section = sections.get(name);
    if (section === undefined) throw new RangeError(`there is no ${name}`);
    count++;
    return `${begin}\n\n${section}\n\n${end}`;
  });
  if (count === 0) throw new RangeError("it has no place for a table");
  return filled;
}
