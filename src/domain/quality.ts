import { assert } from "./assert.ts";

/**
 * Why a value may be trusted less than fully. One byte in a round; the three classes are those of
 * an OPC UA status code and of IEC 61850 validity (good, questionable, invalid).
 * 0 is good, 1–63 uncertain, 64–255 bad. An uncertain value has a number, a bad one has none. Codes
 * are frozen: they are stored and sent.
 */
const REASONS = {
  uncertain: {
    1: "stale",
    2: "substituted",
    4: "mismatch",
    5: "sensor-not-accurate",
    6: "clamped",
    7: "no-quality",
  },
  bad: {
    64: "never-read",
    65: "no-communication",
    66: "device-exception",
    67: "malformed",
    68: "not-available-pattern",
    69: "sensor-fault",
    70: "out-of-range",
    71: "device-failure",
    72: "configuration",
    73: "input-bad",
    74: "over-range",
    75: "under-range",
    76: "not-implemented",
    77: "too-old",
    78: "unknown-code",
  },
} as const;

/** Codes that are no longer given and never given anew; rounds that were stored have them. */
const RETIRED: ReadonlyMap<QualityCode, string> = new Map([[3, "uncertain/unknown-code"]]);

export type UncertainReason = (typeof REASONS.uncertain)[keyof typeof REASONS.uncertain];
export type BadReason = (typeof REASONS.bad)[keyof typeof REASONS.bad];
export type QualityReason = UncertainReason | BadReason;

export type Quality =
  | { readonly class: "good" }
  | { readonly class: "uncertain"; readonly reason: UncertainReason }
  | { readonly class: "bad"; readonly reason: BadReason };

/** A quality as it travels in a round. */
export type QualityCode = number;

export const GOOD: QualityCode = 0;
const FIRST_BAD = 64;

const QUALITY_BY_CODE = new Map<QualityCode, Quality>([[GOOD, { class: "good" }]]);
const CODE_BY_REASON = new Map<string, QualityCode>();
for (const [code, reason] of Object.entries(REASONS.uncertain)) {
  QUALITY_BY_CODE.set(Number(code), { class: "uncertain", reason });
  CODE_BY_REASON.set(reason, Number(code));
}
for (const [code, reason] of Object.entries(REASONS.bad)) {
  QUALITY_BY_CODE.set(Number(code), { class: "bad", reason });
  CODE_BY_REASON.set(reason, Number(code));
}

export function qualityCode(reason: QualityReason): QualityCode {
  const code = CODE_BY_REASON.get(reason);
  assert(code !== undefined, `quality reason ${reason} has no code`);
  return code;
}

/** Undefined for a name that is not in the list: the caller tells the author of the file. */
export function qualityCodeByName(reason: string): QualityCode | undefined {
  return CODE_BY_REASON.get(reason);
}

/** Undefined for a code that no version of this gateway has assigned. */
export function qualityOf(code: QualityCode): Quality | undefined {
  return QUALITY_BY_CODE.get(code);
}

export function isGood(code: QualityCode): boolean {
  return code === GOOD;
}

/** A bad value has no number: whoever shows it shows the reason. */
export function isBad(code: QualityCode): boolean {
  return code >= FIRST_BAD;
}

/** `good`, or class and reason as they go north: `bad/no-communication`. */
export function qualityName(code: QualityCode): string {
  const quality = qualityOf(code);
  if (quality === undefined) {
    return RETIRED.get(code) ?? (isBad(code) ? "bad/unknown" : "uncertain/unknown");
  }
  return quality.class === "good" ? "good" : `${quality.class}/${quality.reason}`;
}

/** The worse of two: bad before uncertain before good; of two in one class, the first. */
export function worstQuality(a: QualityCode, b: QualityCode): QualityCode {
  return qualityRank(b) > qualityRank(a) ? b : a;
}

function qualityRank(code: QualityCode): 0 | 1 | 2 {
  if (code === GOOD) return 0;
  return isBad(code) ? 2 : 1;
}
