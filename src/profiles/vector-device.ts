import { qualityCode } from "../domain/quality.ts";
import type { RoundColumns } from "../domain/round.ts";
import { readHighBits, readLowBits } from "../wire/modbus/codec.ts";
import type { BoundPoint, CompiledProfile, RegisterPlace } from "./binding.ts";
import { decodeBit, decodePoint, finishPoint, needsFinish, slotOf } from "./decode.ts";
import { deriveInto } from "./derive.ts";
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

/** Decodes every point whose registers are all known, and derives the rest. */
export function readAll(profile: CompiledProfile, words: RegisterWords): RoundColumns {
  const columns: RoundColumns = {
    values: new Float64Array(profile.points.length).fill(Number.NaN),
    quality: new Uint8Array(profile.points.length).fill(NEVER_READ),
    texts: new Map(),
  };
  for (const point of profile.points) readPoint(point, words, columns);
  for (const point of profile.points) {
    if (needsFinish(point) && columns.quality[point.ordinal] !== NEVER_READ) {
      finishPoint(point, columns);
    }
  }
  deriveInto(profile, columns);
  return columns;
}

function readPoint(point: BoundPoint, words: RegisterWords, columns: RoundColumns): void {
  const { read } = point;
  const own = read === undefined ? undefined : words.at(read);
  if (read === undefined || own === undefined) return;
  if (read.table === "coil" || read.table === "discrete") {
    decodeBit(point, own[0] === 1 ? 1 : 0, columns, point.ordinal);
    return;
  }
  const sfPlace = read.conversion.sf?.place;
  const sf = sfPlace === undefined ? [] : words.at(sfPlace);
  if (sf === undefined) return;
  const sfByteOffset = sfPlace === undefined ? undefined : 2 * own.length;
  const slot = slotOf(point, 0, sfByteOffset);
  decodePoint(slot, viewOfWords([...own, ...sf]), columns, point.ordinal);
}

/** Unsigned number at a place, as far as it is known. */
export function numberAt(words: RegisterWords, place: RegisterPlace): number | undefined {
  const own = words.at(place);
  if (own === undefined) return undefined;
  if (place.table === "coil" || place.table === "discrete") return own[0];
  const view = viewOfWords(own);
  const order = place.count === 1 ? "AB" : "ABCD";
  return (
    readHighBits(view, 0, place.count, order) * 2 ** 32 + readLowBits(view, 0, place.count, order)
  );
}
