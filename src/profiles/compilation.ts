import { assert } from "../domain/assert.ts";
import type { PointMeaning } from "./define.ts";
import type { FoundPlace, PlaceFinder } from "./place.ts";
import type { ProblemList } from "./problems.ts";
import type { Profile } from "./schema.ts";
import type { PointLine } from "./schema-point.ts";

/** A point line on its way to a binding. */
export interface Draft {
  readonly line: PointLine;
  readonly path: string;
  readonly shift: number;
  readonly meaning: PointMeaning;
  /** Raw type, from the line or from the SunSpec model. */
  readonly wireType: string;
  /** Where it is read, or written if it is never read. */
  readonly found: FoundPlace;
  /** Other unit id behind the same link. */
  readonly unitId: number | undefined;
}

/** What every step of one compilation needs. */
export class Compilation {
  readonly profile: Profile;
  readonly finder: PlaceFinder;
  readonly problems: ProblemList;
  readonly #meanings: readonly PointMeaning[];
  readonly #ordinals: ReadonlyMap<string, number>;

  constructor(
    profile: Profile,
    finder: PlaceFinder,
    meanings: readonly PointMeaning[],
    problems: ProblemList,
  ) {
    this.profile = profile;
    this.finder = finder;
    this.problems = problems;
    this.#meanings = meanings;
    this.#ordinals = new Map(meanings.map((meaning, ordinal) => [meaning.id, ordinal]));
  }

  /** Place of a point in the device; a problem at `path` when the profile has no such point. */
  ordinalOf(id: string, path: string): number | undefined {
    const ordinal = this.#ordinals.get(id);
    if (ordinal === undefined) this.problems.add(path, `this profile has no point "${id}"`);
    return ordinal;
  }

  meaningAt(ordinal: number): PointMeaning {
    const meaning = this.#meanings[ordinal];
    assert(meaning !== undefined, "an ordinal comes from this profile");
    return meaning;
  }
}
