import type { Quantiles } from "./figures.ts";

/** What a subscriber saw of the fleet in one window. */
export interface WindowReport {
  readonly seconds: number;
  readonly streams: number;
  readonly values: number;
  /** Values that were null: their quality was bad. */
  readonly bad: number;
  readonly bytes: number;
  readonly messages: number;
  /** Rounds whose numbers never came. */
  readonly gaps: number;
  readonly duplicates: number;
  readonly backfilled: number;
  /** By stream: rounds, and the time between the first and the last of them. */
  readonly rounds: readonly { readonly count: number; readonly spanMs: number }[];
  /** Device to subscriber, ms. */
  readonly latencyMs: Quantiles;
  /** Last values of the gateway's own points, by device. */
  readonly own: Readonly<
    Record<string, Readonly<Record<string, number | string | boolean | null>>>
  >;
}

/** Polls that were due and made no round. */
export function missedPolls(report: WindowReport, periodMs: number): number {
  return report.rounds.reduce(
    (sum, { count, spanMs }) => sum + Math.max(0, Math.round(spanMs / periodMs) + 1 - count),
    0,
  );
}
