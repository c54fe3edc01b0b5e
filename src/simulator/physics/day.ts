/** A day of the site: three jobs, inference, weather and heat. All of it from the time of day. */

const HOUR_S = 3600;
const DAY_S = 24 * HOUR_S;

/** What the training hall does: iterations, or the high power with its checkpoints, or idle. */
export type DayJob = "iterations" | "high" | "checkpoint" | "idle";

const FIRST_JOB_ENDS_H = 7;
const SECOND_JOB_H = [7.5, 19] as const;
const THIRD_JOB_STARTS_H = 19.5;
const CHECKPOINT_S = 60;

export function dayJob(timeS: number): DayJob {
  const hour = hourOf(timeS);
  if (hour < FIRST_JOB_ENDS_H || hour >= THIRD_JOB_STARTS_H) return "iterations";
  const [from, to] = SECOND_JOB_H;
  if (hour < from || hour >= to) return "idle";
  const sinceS = timeS - from * HOUR_S;
  return sinceS % HOUR_S >= HOUR_S - CHECKPOINT_S ? "checkpoint" : "high";
}

/** Least at 4 h, most at 16 h; `least` and `most` are the day's ends. */
export function dayInference(timeS: number, least: number, most: number): number {
  return wave(timeS, 16, least, most);
}

/** 8 °C in the early morning, 20 °C in the afternoon. */
export function dayAmbientCel(timeS: number): number {
  return wave(timeS, 15, 8, 20);
}

/** The city wants all heat in the morning and in the evening, and a third of it else. */
export function dayHeatW(timeS: number, ratingW: number): number {
  const hour = hourOf(timeS);
  const isPeak = (hour >= 5 && hour < 9) || (hour >= 16 && hour < 22);
  return isPeak ? ratingW : ratingW / 3;
}

function hourOf(timeS: number): number {
  return (timeS % DAY_S) / HOUR_S;
}

function wave(timeS: number, peakHour: number, least: number, most: number): number {
  const angle = (2 * Math.PI * (hourOf(timeS) - peakHour)) / 24;
  return (least + most) / 2 + ((most - least) / 2) * Math.cos(angle);
}
