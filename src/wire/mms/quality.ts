import type { BitString } from "./ber-reader.ts";
import { bitAt, bitsOf } from "./value.ts";

/**
 * Quality and position as bit strings.
 *
 * @see IEC 61850-8-1, section 8.2 (Quality); IEC 61850-7-3, section 6.2 (meaning), section 7.3.4
 *   (Dbpos)
 */

export const QUALITY_DETAILS = [
  "overflow",
  "out-of-range",
  "bad-reference",
  "oscillatory",
  "failure",
  "old-data",
  "inconsistent",
  "inaccurate",
] as const;

export type QualityDetail = (typeof QUALITY_DETAILS)[number];
export type Validity = (typeof VALIDITIES)[number];

/** What a device says of a value. */
export interface Quality61850 {
  readonly validity: Validity;
  readonly details: readonly QualityDetail[];
  readonly isSubstituted: boolean;
  readonly isTest: boolean;
  readonly isOperatorBlocked: boolean;
}

/** Position of a switch; `intermediate` and `faulty` are no position to act on. */
export type SwitchPosition = (typeof POSITIONS)[number];

const VALIDITIES = ["good", "invalid", "reserved", "questionable"] as const;
const POSITIONS = ["intermediate", "open", "closed", "faulty"] as const;
const QUALITY_BITS = 13;
const FIRST_DETAIL = 2;
const SUBSTITUTED = 10;
const TEST = 11;
const OPERATOR_BLOCKED = 12;

/** Undefined for a bit string that is no quality. More bits than 13 are of a later edition. */
export function decodeQuality(bits: BitString): Quality61850 | undefined {
  if (bits.bitCount < QUALITY_BITS) return undefined;
  return {
    validity: VALIDITIES[twoBits(bits)] ?? "reserved",
    details: QUALITY_DETAILS.filter((_, at) => bitAt(bits, FIRST_DETAIL + at)),
    isSubstituted: bitAt(bits, SUBSTITUTED),
    isTest: bitAt(bits, TEST),
    isOperatorBlocked: bitAt(bits, OPERATOR_BLOCKED),
  };
}

export function encodeQuality(quality: Quality61850): BitString {
  const places = placesOfCode(VALIDITIES.indexOf(quality.validity));
  for (const detail of quality.details) places.push(FIRST_DETAIL + QUALITY_DETAILS.indexOf(detail));
  if (quality.isSubstituted) places.push(SUBSTITUTED);
  if (quality.isTest) places.push(TEST);
  if (quality.isOperatorBlocked) places.push(OPERATOR_BLOCKED);
  return bitsOf(QUALITY_BITS, places);
}

/** Undefined for a bit string that is no position. */
export function decodePosition(bits: BitString): SwitchPosition | undefined {
  return bits.bitCount === 2 ? POSITIONS[twoBits(bits)] : undefined;
}

export function encodePosition(position: SwitchPosition): BitString {
  return bitsOf(2, placesOfCode(POSITIONS.indexOf(position)));
}

function twoBits(bits: BitString): number {
  return (bits.bytes[0] ?? 0) >> 6;
}

function placesOfCode(code: number): number[] {
  return [0, 1].filter((at) => ((code >> (1 - at)) & 1) === 1);
}
