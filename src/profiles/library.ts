import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { GatewayError } from "../domain/errors.ts";
import type { CompiledProfile } from "./binding.ts";
import { compileProfile } from "./compile.ts";
import type { CompileOptions } from "./compile.ts";
import type { Positions } from "./json.ts";
import { parseProfile } from "./parse.ts";
import type { ProfileProblem } from "./parse.ts";
import type { Profile } from "./schema.ts";

const NAME = /^[a-z0-9][a-z0-9-]*\/[a-z0-9][a-z0-9.-]*$/;

export type LibraryEntry =
  | { readonly profile: Profile; readonly positions: Positions }
  | { readonly problems: readonly ProfileProblem[] };

/** The profiles in one folder, `<manufacturer>/<model>.json`; each file is read once. */
export class ProfileLibrary {
  readonly #root: string;
  readonly #entries = new Map<string, LibraryEntry>();

  constructor(root: string) {
    this.#root = root;
  }

  /** Names of all profiles, sorted. */
  names(): readonly string[] {
    return readdirSync(this.#root, { withFileTypes: true })
      .filter((folder) => folder.isDirectory())
      .flatMap((folder) =>
        readdirSync(join(this.#root, folder.name))
          .filter((file) => file.endsWith(".json"))
          .map((file) => `${folder.name}/${file.slice(0, -".json".length)}`),
      )
      .filter((name) => NAME.test(name))
      .sort();
  }

  /**
   * @throws GatewayError PROFILE_MISSING when there is no such file, FILE_UNREADABLE when it cannot
   *   be read
   */
  entry(name: string): LibraryEntry {
    const known = this.#entries.get(name);
    if (known !== undefined) return known;
    const entry = parseProfile(this.#read(name));
    this.#entries.set(name, entry);
    return entry;
  }

  /** A profile that another may extend; undefined when it is missing or not valid. */
  profile(name: string): Profile | undefined {
    try {
      const entry = this.entry(name);
      return "profile" in entry ? entry.profile : undefined;
    } catch (error) {
      if (error instanceof GatewayError) return undefined;
      throw error;
    }
  }

  /**
   * @throws GatewayError PROFILE_MISSING, FILE_UNREADABLE, or PROFILE_INVALID with the first
   * problem
   */
  compile(name: string, options: Omit<CompileOptions, "name" | "library"> = {}): CompiledProfile {
    const entry = this.entry(name);
    const result =
      "problems" in entry
        ? entry
        : compileProfile(entry.profile, {
            positions: entry.positions,
            ...options,
            name,
            library: (base) => this.profile(base),
          });
    if ("profile" in result) return result.profile;
    const [first] = result.problems;
    throw new GatewayError("PROFILE_INVALID", {
      profile: name,
      problems: result.problems.length,
      line: first?.line ?? 1,
      problem: first?.message ?? "",
    });
  }

  #read(name: string): string {
    if (!NAME.test(name)) throw new GatewayError("PROFILE_MISSING", { profile: name });
    try {
      return readFileSync(join(this.#root, `${name}.json`), "utf8");
    } catch (error) {
      const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
      const code = isMissing ? "PROFILE_MISSING" : "FILE_UNREADABLE";
      throw new GatewayError(code, { profile: name }, { cause: error });
    }
  }
}
