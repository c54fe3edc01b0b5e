import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { assert } from "../domain/assert.ts";

/** The folder with package.json: sources and build lie at different depths below it. */
export const PACKAGE_ROOT = findPackageRoot(path.dirname(fileURLToPath(import.meta.url)));

/** Where the shipped device profiles are. */
export const PROFILE_ROOT = path.join(PACKAGE_ROOT, "device-profiles");

export const VERSION = readVersion();

function findPackageRoot(start: string): string {
  let folder = start;
  while (!existsSync(path.join(folder, "package.json"))) {
    const parent = path.dirname(folder);
    assert(parent !== folder, "the package's folder must contain package.json");
    folder = parent;
  }
  return folder;
}

function readVersion(): string {
  const text = readFileSync(path.join(PACKAGE_ROOT, "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
