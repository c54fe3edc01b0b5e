import type { Positions } from "./json.ts";
import { locate } from "./parse.ts";
import type { ProfileProblem } from "./parse.ts";
import type { Profile } from "./schema.ts";

const NO_POSITIONS: Positions = new Map();

/** Pointer to the line of a point in the file; to all points where the base has the line. */
export function pathOf(profile: Profile, id: string): string {
  const index = profile.points.findIndex((line) => line.point === id);
  return index < 0 ? "/points" : `/points/${index}`;
}

/** Collects what is wrong with one profile, with the place in its file. */
export class ProblemList {
  readonly #positions: Positions;
  readonly #problems: ProfileProblem[] = [];

  constructor(positions: Positions = NO_POSITIONS) {
    this.#positions = positions;
  }

  /** @param rule number of the lint rule, where it is one */
  add(path: string, message: string, rule?: number): void {
    const position = locate(this.#positions, path);
    const problem = { ...position, path, message };
    this.#problems.push(rule === undefined ? problem : { ...problem, rule });
  }

  get all(): readonly ProfileProblem[] {
    return this.#problems;
  }

  get isEmpty(): boolean {
    return this.#problems.length === 0;
  }
}
