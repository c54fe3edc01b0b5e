import { GatewayError } from "../domain/errors.ts";
import type { Profile } from "../profiles/schema.ts";
import { givenWords, type VectorTerms } from "../profiles/vectors.ts";
import type { RegisterWords } from "./initial-image.ts";

const NOMINAL = "nominal";

/**
 * Registers of a profile's vector `nominal`: how the simulated device starts. Empty when the
 * profile has no such vector. It is the site's parameters that say where this device has its
 * registers, whatever the vector would choose.
 *
 * @throws GatewayError PROFILE_INVALID when the vector gives a register that it cannot give
 */
export function nominalRegisters(profile: Profile, terms: VectorTerms): readonly RegisterWords[] {
  const vector = profile.vectors?.find(({ name }) => name === NOMINAL);
  if (vector === undefined) return [];
  const { given, problems } = givenWords(profile, vector, terms);
  const [problem] = problems;
  if (problem === undefined) return given;
  throw new GatewayError("PROFILE_INVALID", {
    profile: terms.compiled.name,
    vector: NOMINAL,
    problem,
  });
}
