import { chainOf, PlaceFinder } from "../profiles/place.ts";
import type { Profile } from "../profiles/schema.ts";
import type { RegisterWords } from "./initial-image.ts";

const NOMINAL = "nominal";

/**
 * Registers of a profile's vector `nominal`: how the simulated device starts. Empty when the
 * profile has no such vector; a reference that cannot be found is left out, lint tells of it.
 */
export function nominalRegisters(profile: Profile): RegisterWords[] {
  const given = profile.vectors?.find(({ name }) => name === NOMINAL)?.given ?? {};
  const chain = chainOf(profile);
  const finder = new PlaceFinder(
    profile.models ?? {},
    "problem" in chain ? undefined : chain.chain,
  );
  return Object.entries(given).flatMap(([at, value]) => {
    const found = finder.find(at, {});
    if ("problem" in found || typeof value !== "string") return [];
    const { table, address, unit } = found.place;
    return [{ table, address, unit, words: wordsOf(value) }];
  });
}

/** `"4632 7C00"`, or `"1"` for a bit. */
function wordsOf(text: string): number[] {
  return text
    .trim()
    .split(/\s+/)
    .map((word) => Number.parseInt(word, 16));
}
