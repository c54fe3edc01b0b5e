import type { ReceivedReport, ReportGap, ReportSink } from "../../src/drivers/iec61850/engine.ts";

/** Keeps what a subscription tells. */
export class RecordingSink implements ReportSink {
  readonly reports: ReceivedReport[] = [];
  readonly gaps: ReportGap[] = [];
  readonly losses: string[] = [];
  readonly silences: number[] = [];

  report(report: ReceivedReport): void {
    this.reports.push(report);
  }

  gap(gap: ReportGap): void {
    this.gaps.push(gap);
  }

  lost(why: string): void {
    this.losses.push(why);
  }

  silent(silentMs: number): void {
    this.silences.push(silentMs);
  }

  /** All that is not a report. */
  get troubles(): readonly unknown[] {
    return [...this.gaps, ...this.losses, ...this.silences];
  }

  /** Powers of all reports that are changes. */
  get changes(): readonly number[] {
    return powersOf(this.reports.filter(({ kind }) => kind === "spontaneous"));
  }
}

/** Values of the first member, a measured value of floating point, as reported. */
export function powersOf(reports: readonly ReceivedReport[]): readonly number[] {
  return reports.flatMap(({ entries }) =>
    entries.flatMap(({ index, value }) => {
      if (index !== 0 || value.kind !== "structure") return [];
      const [magnitude] = value.members;
      const f = magnitude?.kind === "structure" ? magnitude.members[0] : undefined;
      return f?.kind === "float" ? [f.value] : [];
    }),
  );
}
