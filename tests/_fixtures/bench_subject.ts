// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A subject of `bench/_peers/child.ts` that misbehaves as its command says. It
// starts a process of its own first, which has to end with it.

const MARK = "@@";
const decoder = new TextDecoder();

function answer(value: unknown): void {
  console.log(MARK + JSON.stringify(value));
}

/** What it holds for the workers that it pretends to have. */
let held: Uint8Array[] = [];

let text = "";
for await (const chunk of Deno.stdin.readable) {
  text += decoder.decode(chunk, { stream: true });
  const lines = text.split("\n");
  text = lines.pop()!;
  for (const line of lines) {
    const { kind, args } = JSON.parse(line);
    switch (kind) {
      case "start":
      case "warm":
      case "wake":
        answer({ value: { value: args.workers } });
        if (kind === "wake") {
          held = Array.from(
            { length: args.workers },
            () => new Uint8Array(8e6).fill(1),
          );
          // Nobody rests who does this.
          setInterval(() => held.at(-1)!.fill(1), 1);
        }
        break;
      case "family": {
        const child = new Deno.Command("sleep", { args: ["600"] }).spawn();
        answer({ value: { value: child.pid } });
        break;
      }
      case "noise":
        console.log("it prints, as pools do");
        answer({ value: { value: 7 } });
        break;
      case "wrong":
        answer({ error: "the result is 1, not 2", isWrong: true });
        break;
      case "fails":
        answer({ error: "it cannot be cloned", isWrong: false });
        break;
      case "dies":
        Deno.exit(3);
        break;
      case "hangs":
        break;
    }
  }
}
