import path from "node:path";
import type { SiteConfig } from "../config/schema.ts";
import { PROFILE_ROOT } from "./package-root.ts";

/** The site's own profiles come before the shipped ones. */
export function profileRoots(site: SiteConfig, file: string): string[] {
  const own = site.profileDirectory;
  return own === undefined ? [PROFILE_ROOT] : [path.resolve(path.dirname(file), own), PROFILE_ROOT];
}
