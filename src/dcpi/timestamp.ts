import { type UtcMs, utcMs } from "../domain/time.ts";

const MS_PER_DAY = 86_400_000;
/** Years that four digits can write. */
const FIRST_YEAR = 1970;
const LAST_MS = 253_402_300_799_999;
const SHAPE = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:Z|\+00:00)$/;
const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/** ISO 8601 in UTC, `Z` and three decimals: the only form we write. */
export function formatUtc(at: UtcMs): string {
  const ms = Math.min(Math.max(Math.floor(at), 0), LAST_MS);
  const day = Math.floor(ms / MS_PER_DAY);
  const inDay = ms - day * MS_PER_DAY;
  const { year, month, dayOfMonth } = civilFromDays(day);
  const date = `${padded(year, 4)}-${padded(month, 2)}-${padded(dayOfMonth, 2)}`;
  const hours = padded(Math.floor(inDay / 3_600_000), 2);
  const minutes = padded(Math.floor(inDay / 60_000) % 60, 2);
  const seconds = padded(Math.floor(inDay / 1_000) % 60, 2);
  return `${date}T${hours}:${minutes}:${seconds}.${padded(inDay % 1_000, 3)}Z`;
}

/**
 * Reads ISO 8601 in UTC: `Z` or `+00:00`, up to nine decimals (cut to milliseconds). Undefined for
 * anything else: local offsets, impossible dates, leap seconds, years before 1970.
 */
export function parseUtc(text: string): UtcMs | undefined {
  const match = SHAPE.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (year < FIRST_YEAR || month < 1 || month > 12) return undefined;
  if (day < 1 || day > daysInMonth(year, month)) return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const fraction = Number((match[7] ?? "").slice(0, 3).padEnd(3, "0"));
  const inDay = ((hour * 60 + minute) * 60 + second) * 1_000 + fraction;
  return utcMs(daysFromCivil(year, month, day) * MS_PER_DAY + inDay);
}

function daysInMonth(year: number, month: number): number {
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return month === 2 && isLeap ? 29 : (DAYS_IN_MONTH[month - 1] ?? 0);
}

/*
 * Days since 1970-01-01 of the proleptic Gregorian calendar. Years begin in March, so that the leap
 * day is the last of its year; 400 years are 146,097 days; day 0 is 719,468 days after 0000-03-01.
 */

function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  const leapDays = Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100);
  return era * 146_097 + yearOfEra * 365 + leapDays + dayOfYear - 719_468;
}

function civilFromDays(days: number): { year: number; month: number; dayOfMonth: number } {
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const dayOfEra = z - era * 146_097;
  const leapDays = Math.floor(dayOfEra / 1_460) - Math.floor(dayOfEra / 36_524);
  const yearOfEra = Math.floor((dayOfEra - leapDays - Math.floor(dayOfEra / 146_096)) / 365);
  const daysBefore = 365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100);
  const dayOfYear = dayOfEra - daysBefore;
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = ((monthFromMarch + 2) % 12) + 1;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    dayOfMonth: dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1,
  };
}

function padded(value: number, width: number): string {
  return String(value).padStart(width, "0");
}
