import { WireError } from "./wire-error.ts";

/**
 * Joins the parts of a directory, and ends with a device that would never end.
 *
 * @see ISO 9506-2, service GetNameList (moreFollows, continueAfter)
 */

/** Names of all directories of one association. */
export const DIRECTORY_NAMES_MAX = 200_000;
/** Octets of them. */
export const DIRECTORY_OCTETS_MAX = 64 * 1024 * 1024;

/** What all directories of one association may cost together. */
export class DirectoryBudget {
  #names = 0;
  #octets = 0;

  /** @throws WireError too-many-elements beyond the names or octets of an association */
  spend(names: readonly string[]): void {
    this.#names += names.length;
    for (const name of names) this.#octets += name.length;
    if (this.#names > DIRECTORY_NAMES_MAX || this.#octets > DIRECTORY_OCTETS_MAX) {
      throw new WireError("too-many-elements", { names: this.#names, octets: this.#octets });
    }
  }
}

/** One directory, part by part. */
export class DirectoryParts {
  readonly #budget: DirectoryBudget;
  readonly #names = new Set<string>();

  constructor(budget: DirectoryBudget) {
    this.#budget = budget;
  }

  /** In the order of the device, each once. */
  get names(): readonly string[] {
    return [...this.#names];
  }

  /**
   * Takes the next part.
   *
   * @returns the name to continue after; undefined when the directory is whole
   * @throws WireError too-many-elements; directory-endless when more is announced and the part
   *   brought nothing new, so that asking again would go on for ever
   */
  add(part: {
    readonly names: readonly string[];
    readonly moreFollows: boolean;
  }): string | undefined {
    this.#budget.spend(part.names);
    const before = this.#names.size;
    for (const name of part.names) this.#names.add(name);
    if (!part.moreFollows) return undefined;
    const last = part.names.at(-1);
    if (last === undefined || this.#names.size === before) {
      throw new WireError("directory-endless", { names: this.#names.size });
    }
    return last;
  }
}
