import type { InformationReport } from "../../wire/mms/pdu.ts";
import { reportIdOf } from "../../wire/mms/report.ts";

/** Who takes the reports of one block. */
export interface ReportTaker {
  /** @returns false when the report cannot be read */
  take(information: InformationReport): boolean;
  end(): void;
}

/** Brings reports to their subscriptions, by the ids that were given to the blocks. */
export class ReportHub {
  readonly #takers = new Map<string, ReportTaker>();
  readonly counters = {
    reports: 0,
    strayReports: 0,
    undecodableReports: 0,
    duplicateReports: 0,
  };

  has(reportId: string): boolean {
    return this.#takers.has(reportId);
  }

  add(reportId: string, taker: ReportTaker): void {
    this.#takers.set(reportId, taker);
  }

  remove(reportId: string): void {
    this.#takers.delete(reportId);
  }

  take(information: InformationReport): void {
    const reportId = reportIdOf(information);
    const taker = reportId === undefined ? undefined : this.#takers.get(reportId);
    if (taker === undefined) {
      this.counters.strayReports += 1;
      return;
    }
    if (taker.take(information)) this.counters.reports += 1;
    else this.counters.undecodableReports += 1;
  }

  /** The association is over. */
  end(): void {
    for (const taker of this.#takers.values()) taker.end();
    this.#takers.clear();
  }
}
