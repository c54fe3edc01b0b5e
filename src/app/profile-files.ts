import path from "node:path";
import { existsSync } from "node:fs";
import type { DeviceConfig, SiteConfig } from "../config/schema.ts";
import { GatewayError } from "../domain/errors.ts";
import type { CompiledProfile } from "../profiles/binding.ts";
import { ProfileLibrary } from "../profiles/library.ts";
import type { RegisterWords } from "../simulator/initial-image.ts";
import { nominalRegisters } from "../simulator/nominal.ts";
import { PROFILE_ROOT } from "./package-root.ts";

/** The shipped profiles, and those of a site's own folder before them. */
export class ProfileFiles {
  readonly #libraries: readonly ProfileLibrary[];
  readonly #roots: readonly string[];

  /** @param roots folders with `<manufacturer>/<model>.json`; the first that has a file wins */
  constructor(roots: readonly string[] = [PROFILE_ROOT]) {
    this.#roots = roots.filter((root) => existsSync(root));
    this.#libraries = this.#roots.map((root) => new ProfileLibrary(root));
  }

  /** Names of all profiles, sorted. */
  names(): string[] {
    return [...new Set(this.#libraries.flatMap((library) => library.names()))].sort();
  }

  /** @throws GatewayError PROFILE_MISSING */
  libraryOf(name: string): ProfileLibrary {
    const at = this.#roots.findIndex((root) => existsSync(path.join(root, `${name}.json`)));
    const library = this.#libraries[at];
    if (library === undefined)
      throw new GatewayError("PROFILE_MISSING", {
        profile: name,
        lookedIn: this.#roots.join(", "),
      });
    return library;
  }

  /** Protocols that the device speaks; undefined when there is no such profile. */
  protocols(name: string): readonly string[] | undefined {
    if (!this.#roots.some((root) => existsSync(path.join(root, `${name}.json`)))) return undefined;
    return this.libraryOf(name).profile(name)?.identity.protocols;
  }

  /** @throws GatewayError PROFILE_MISSING, PROFILE_INVALID, FILE_UNREADABLE */
  compile(name: string, parameters: DeviceConfig["parameters"]): CompiledProfile {
    return this.libraryOf(name).compile(name, { parameters });
  }

  /**
   * Registers of the vector `nominal`: with them a simulated device begins.
   * @param compiled the profile with these parameters
   * @throws GatewayError PROFILE_MISSING, PROFILE_INVALID
   */
  nominal(
    name: string,
    compiled: CompiledProfile,
    parameters: DeviceConfig["parameters"],
  ): readonly RegisterWords[] {
    const files = this.libraryOf(name);
    const profile = files.profile(name);
    if (profile === undefined) return [];
    const library = (base: string) => files.profile(base);
    return nominalRegisters(profile, { compiled, parameters, library });
  }
}

/**
 * Compiled profile of every device of a site, by its id. Devices alike share one.
 *
 * @throws GatewayError PROFILE_MISSING, PROFILE_INVALID, FILE_UNREADABLE
 */
export function loadProfiles(
  site: SiteConfig,
  files: ProfileFiles,
): ReadonlyMap<string, CompiledProfile> {
  const compiled = new Map<string, CompiledProfile>();
  return new Map(
    site.devices.map(({ id, profile, parameters }) => {
      const key = `${profile} ${JSON.stringify(parameters)}`;
      const found = compiled.get(key) ?? files.compile(profile, parameters);
      compiled.set(key, found);
      return [id, found] as const;
    }),
  );
}
