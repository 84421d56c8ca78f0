// Copyright 2026 the @concurrent/parallel authors. MIT license.

/** Longer than five workers take to come up on a busy machine, in milliseconds. */
const PATIENCE = 60_000;
const WORKERS = 5;

/**
 * `delay()` for a program whose five workers run at the same time: none of them goes
 * on before all of them have come here, however long each takes to start. Where they
 * do not run at the same time it fails. `MEETING` names an empty folder.
 */
export async function delay(ms: number): Promise<void> {
  const folder = Deno.env.get("MEETING")!;
  await Deno.writeTextFile(`${folder}/${crypto.randomUUID()}`, "");
  const end = performance.now() + PATIENCE;
  while ((await Array.fromAsync(Deno.readDir(folder))).length < WORKERS) {
    if (performance.now() > end) throw new RangeError("the others do not come");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/** A program that delays so; its text is run as if it lay in the root. */
export function withMeeting(code: string): string {
  return code.replace(
    `"@std/async/delay"`,
    `"./tests/_fixtures/meeting_delay.ts"`,
  );
}
