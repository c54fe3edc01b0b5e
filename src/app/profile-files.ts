import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import type { SiteConfig } from "../config/schema.ts";
import { GatewayError } from "../domain/errors.ts";
import type { CompiledProfile } from "../profiles/binding.ts";
import { compileProfile } from "../profiles/compile.ts";
import { parseProfile, type ProfileProblem } from "../profiles/parse.ts";
import type { Profile } from "../profiles/schema.ts";
import { PROFILE_ROOT } from "./package-root.ts";

type Parsed = Extract<ReturnType<typeof parseProfile>, { profile: Profile }>;

/** Longer than the format allows: refused without being read. */
const FILE_MAX_BYTES = 1024 * 1024;
const NAME = /^[a-z0-9-]+\/[a-z0-9.-]+$/;

/** Device profiles as files: the shipped ones, and those of a site's own folder before them. */
export class ProfileFiles {
  readonly #roots: readonly string[];
  readonly #parsed = new Map<string, Parsed>();

  /** @param roots folders with `<manufacturer>/<model>.json`, first match wins */
  constructor(roots: readonly string[] = [PROFILE_ROOT]) {
    this.#roots = roots;
  }

  /** Names of all profiles, sorted. */
  names(): string[] {
    const names = this.#roots.flatMap((root) =>
      existsSync(root)
        ? readdirSync(root, { recursive: true, encoding: "utf8" })
            .map((file) => file.replaceAll("\\", "/"))
            .filter((file) => /^[^/]+\/[^/]+\.json$/.test(file))
            .map((file) => file.slice(0, -".json".length))
        : [],
    );
    return [...new Set(names)].sort();
  }

  /** Undefined when there is no such profile. */
  fileOf(name: string): string | undefined {
    if (!NAME.test(name)) return undefined;
    return this.#roots
      .map((root) => path.join(root, `${name}.json`))
      .find((file) => existsSync(file));
  }

  /** @throws GatewayError PROFILE_MISSING, PROFILE_INVALID with the place of the first problem */
  parsed(name: string): Parsed {
    const known = this.#parsed.get(name);
    if (known !== undefined) return known;
    const file = this.fileOf(name);
    if (file === undefined)
      throw new GatewayError("PROFILE_MISSING", {
        profile: name,
        lookedIn: this.#roots.join(", "),
      });
    const result = parseProfile(readProfileText(file));
    if ("problems" in result) throw invalid(file, result.problems);
    this.#parsed.set(name, result);
    return result;
  }

  /** @throws GatewayError PROFILE_MISSING, PROFILE_INVALID */
  compiled(name: string, parameters: SiteConfig["devices"][number]["parameters"]): CompiledProfile {
    const { profile, positions } = this.parsed(name);
    const result = compileProfile(profile, {
      name,
      parameters,
      positions,
      library: (base) => (this.fileOf(base) === undefined ? undefined : this.parsed(base).profile),
    });
    if ("problems" in result) throw invalid(this.fileOf(name) ?? name, result.problems);
    return result.profile;
  }
}

/** @throws GatewayError FILE_UNREADABLE, PROFILE_INVALID when it is far too long */
export function readProfileText(file: string): string {
  try {
    if (statSync(file).size > FILE_MAX_BYTES)
      throw new GatewayError("PROFILE_INVALID", { file, problem: "the file is too long" });
    return readFileSync(file, "utf8");
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    throw new GatewayError("FILE_UNREADABLE", { file }, { cause });
  }
}

/**
 * Compiled profile of every device of a site, by its id. Devices alike share one.
 *
 * @throws GatewayError PROFILE_MISSING, PROFILE_INVALID
 */
export function loadProfiles(
  site: SiteConfig,
  files = new ProfileFiles(),
): ReadonlyMap<string, CompiledProfile> {
  const compiled = new Map<string, CompiledProfile>();
  return new Map(
    site.devices.map(({ id, profile, parameters }) => {
      const key = `${profile} ${JSON.stringify(parameters)}`;
      const found = compiled.get(key) ?? files.compiled(profile, parameters);
      compiled.set(key, found);
      return [id, found] as const;
    }),
  );
}

function invalid(file: string, problems: readonly ProfileProblem[]): GatewayError {
  const [first] = problems;
  const place = first === undefined ? file : `${file}:${first.line}:${first.column}`;
  return new GatewayError("PROFILE_INVALID", {
    problems: problems.length,
    first: `${place}: ${first?.message ?? "unknown"}`,
  });
}
