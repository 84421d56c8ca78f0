// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Schedulers that are shut down together, whose tasks may submit to one another:
// those of an automatic executor. A task may submit as long as it runs, also when
// the executor takes nothing else any more, and where its tasks go is not known
// before. So a scheduler with nothing to run is not done while another one runs
// something.
//
//   1. Each member is told to drain, one after the other, before anything else
//      happens: so what is asked below is asked of all of them.
//   2. A draining member with nothing to run closes where no other one has
//      anything to run (`isBusyBeside`), else it stays as it is.
//   3. Who closes says so (`settled`): all others look again, and close too, since
//      what the last one ran was the last of all. One that breaks or is
//      terminated says so as well: nothing comes from it any more.
//
// What a task submits arrives before its answer does, so there is no moment at
// which neither of them is known.

/** A scheduler of a group. */
export interface DrainMember {
  /** True where it has something to run. */
  readonly hasJobs: boolean;
  /** Closes, where it may. */
  settle(): void;
}

/** Schedulers that close together. */
export class DrainGroup {
  readonly #members = new Set<DrainMember>();

  /** One more. */
  join(member: DrainMember): void {
    this.#members.add(member);
  }

  /** True while another one has something to run, which may submit to this one. */
  isBusyBeside(member: DrainMember): boolean {
    for (const other of this.#members) {
      if (other !== member && other.hasJobs) return true;
    }
    return false;
  }

  /** One of them runs nothing any more. */
  settled(): void {
    for (const member of this.#members) member.settle();
  }
}
