import { qualityCode } from "../domain/quality.ts";
import type { RoundColumns } from "../domain/round.ts";
import { readHighBits, readLowBits } from "../wire/modbus/codec.ts";
import { isBitTable } from "../wire/modbus/registers.ts";
import type { CompiledProfile, RegisterPlace } from "./binding.ts";
import { viewOfWords } from "./image.ts";
import type { RegisterWords } from "./image.ts";
import type { PlaceFinder } from "./place.ts";

/** Quality of a point whose registers nobody has read. */
export const NEVER_READ = qualityCode("never-read");

/** A device as one vector describes it. */
export interface VectorDevice {
  readonly profile: CompiledProfile;
  readonly finder: PlaceFinder;
  readonly words: RegisterWords;
  /** Of all points, by ordinal; what was not given is bad/never-read. */
  readonly columns: RoundColumns;
}

/** Unsigned number at a place, as far as it is known. */
export function numberAt(words: RegisterWords, place: RegisterPlace): number | undefined {
  const own = words.at(place);
  if (own === undefined) return undefined;
  if (isBitTable(place.table)) return own[0];
  const view = viewOfWords(own);
  const order = place.count === 1 ? "AB" : "ABCD";
  return (
    readHighBits(view, 0, place.count, order) * 2 ** 32 + readLowBits(view, 0, place.count, order)
  );
}
