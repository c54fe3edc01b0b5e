import { assert } from "../../domain/assert.ts";
import { WireError } from "./wire-error.ts";

/**
 * The two times of MMS: UtcTime with its quality, and BinaryTime counted from 1984.
 *
 * @see IEC 61850-8-1, section 8.1.3 (UtcTime and TimeQuality encoding); ISO 9506-2, production
 *   TimeOfDay
 */

/** What the clock of a device says about itself. */
export interface TimeQuality {
  readonly isLeapSecondKnown: boolean;
  readonly hasClockFailure: boolean;
  readonly isNotSynchronised: boolean;
  /** Bits of the fraction that are true, 0 to 24; undefined when not specified. */
  readonly accuracyBits: number | undefined;
}

export interface UtcTime {
  /** Since 1970, ms, to the microsecond. */
  readonly utcMs: number;
  readonly quality: TimeQuality;
}

export interface BinaryTime {
  /** With a date since 1970, ms; without one since midnight. */
  readonly ms: number;
  readonly hasDate: boolean;
}

export const UTC_TIME_OCTETS = 8;
const FRACTIONS_PER_SECOND = 0x100_0000;
const MICROSECONDS_PER_SECOND = 1_000_000;
const SECONDS_MAX = 0xffff_ffff;
const MS_PER_DAY = 86_400_000;
/** 1984-01-01T00:00:00Z. */
const BINARY_TIME_EPOCH_MS = 441_763_200_000;
const ACCURACY_UNSPECIFIED = 0x1f;
const LEAP_SECOND_KNOWN = 0x80;
const CLOCK_FAILURE = 0x40;
const NOT_SYNCHRONISED = 0x20;

/** @param octets four of seconds, three of fraction, one of quality */
export function decodeUtcTime(octets: Uint8Array): UtcTime {
  if (octets.length !== UTC_TIME_OCTETS) {
    throw new WireError("wrong-size", { size: octets.length });
  }
  const seconds = uint32(octets, 0);
  const fraction = uint32(octets, 3) & 0xff_ffff;
  // To the microsecond: a device that cuts its milliseconds to fractions gives them back whole.
  const nearest = Math.round((fraction * MICROSECONDS_PER_SECOND) / FRACTIONS_PER_SECOND);
  const microseconds = Math.min(nearest, MICROSECONDS_PER_SECOND - 1);
  return {
    utcMs: seconds * 1000 + microseconds / 1000,
    quality: decodeTimeQuality(octets[7] ?? 0),
  };
}

/** The inverse of `decodeUtcTime`, to the microsecond. */
export function encodeUtcTime(time: UtcTime): Uint8Array {
  const microseconds = Math.round(time.utcMs * 1000);
  const seconds = Math.floor(microseconds / MICROSECONDS_PER_SECOND);
  assert(seconds >= 0 && seconds <= SECONDS_MAX, "a UTC time lies in 1970 to 2106");
  const rest = microseconds - seconds * MICROSECONDS_PER_SECOND;
  const fraction = Math.floor((rest * FRACTIONS_PER_SECOND) / MICROSECONDS_PER_SECOND);
  const octets = new Uint8Array(UTC_TIME_OCTETS);
  // The fraction's empty top octet lies where the last one of the seconds comes.
  putUint32(octets, 3, fraction);
  putUint32(octets, 0, seconds);
  octets[7] = encodeTimeQuality(time.quality);
  return octets;
}

export function decodeTimeQuality(octet: number): TimeQuality {
  const accuracy = octet & 0x1f;
  return {
    isLeapSecondKnown: (octet & LEAP_SECOND_KNOWN) !== 0,
    hasClockFailure: (octet & CLOCK_FAILURE) !== 0,
    isNotSynchronised: (octet & NOT_SYNCHRONISED) !== 0,
    accuracyBits: accuracy === ACCURACY_UNSPECIFIED ? undefined : accuracy,
  };
}

export function encodeTimeQuality(quality: TimeQuality): number {
  const accuracy = quality.accuracyBits ?? ACCURACY_UNSPECIFIED;
  assert(accuracy >= 0 && accuracy <= ACCURACY_UNSPECIFIED, "an accuracy is five bits");
  return (
    (quality.isLeapSecondKnown ? LEAP_SECOND_KNOWN : 0) |
    (quality.hasClockFailure ? CLOCK_FAILURE : 0) |
    (quality.isNotSynchronised ? NOT_SYNCHRONISED : 0) |
    accuracy
  );
}

/** @param octets four, ms since midnight; or six, with days since 1984-01-01 behind */
export function decodeBinaryTime(octets: Uint8Array): BinaryTime {
  if (octets.length !== 4 && octets.length !== 6) {
    throw new WireError("wrong-size", { size: octets.length });
  }
  const msOfDay = uint32(octets, 0);
  if (octets.length === 4) return { ms: msOfDay, hasDate: false };
  const days = ((octets[4] ?? 0) << 8) | (octets[5] ?? 0);
  return { ms: BINARY_TIME_EPOCH_MS + days * MS_PER_DAY + msOfDay, hasDate: true };
}

/** The inverse of `decodeBinaryTime` for whole milliseconds. */
export function encodeBinaryTime(time: BinaryTime): Uint8Array {
  const sinceEpochMs = time.hasDate ? time.ms - BINARY_TIME_EPOCH_MS : time.ms;
  const days = time.hasDate ? Math.min(0xffff, Math.floor(sinceEpochMs / MS_PER_DAY)) : 0;
  const msOfDay = sinceEpochMs - days * MS_PER_DAY;
  assert(days >= 0 && msOfDay >= 0 && msOfDay <= 0xffff_ffff, "a binary time lies in 1984 to 2163");
  const octets = new Uint8Array(time.hasDate ? 6 : 4);
  putUint32(octets, 0, msOfDay);
  if (time.hasDate) {
    octets[4] = days >>> 8;
    octets[5] = days & 0xff;
  }
  return octets;
}

function uint32(octets: Uint8Array, at: number): number {
  const high = ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0);
  return high * 0x1_0000 + (((octets[at + 2] ?? 0) << 8) | (octets[at + 3] ?? 0));
}

function putUint32(octets: Uint8Array, at: number, value: number): void {
  octets[at] = value >>> 24;
  octets[at + 1] = (value >>> 16) & 0xff;
  octets[at + 2] = (value >>> 8) & 0xff;
  octets[at + 3] = value & 0xff;
}
