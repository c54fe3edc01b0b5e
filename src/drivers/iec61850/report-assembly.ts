import type { Report, ReportEntry } from "../../wire/mms/report.ts";
import type { TimerWheel, WheelTimer } from "../wheel.ts";

const SEGMENTS_MAX = 64;
const ASSEMBLY_MS = 5_000;

/** Joins the segments of a report: at most 64, and within five seconds. */
export class ReportAssembly {
  readonly #wheel: TimerWheel;
  readonly #whole: (report: Report) => void;
  readonly #lost: (why: string) => void;
  #first: Report | undefined;
  #entries: ReportEntry[] = [];
  #next = 0;
  #timer: WheelTimer | undefined;

  constructor(terms: {
    readonly wheel: TimerWheel;
    readonly whole: (report: Report) => void;
    readonly lost: (why: string) => void;
  }) {
    this.#wheel = terms.wheel;
    this.#whole = terms.whole;
    this.#lost = terms.lost;
  }

  /** Forgets what waits. */
  stop(): void {
    this.#timer?.cancel();
    this.#first = undefined;
    this.#entries = [];
  }

  take(report: Report): void {
    if (this.#first !== undefined && !this.#isNext(this.#first, report)) {
      this.#drop("a segment is missing");
    }
    if (this.#first === undefined) {
      if (!report.moreFollows && (report.subSequence ?? 0) === 0) this.#whole(report);
      else this.#begin(report);
      return;
    }
    this.#add(report);
  }

  #isNext(first: Report, report: Report): boolean {
    return report.sequence === first.sequence && report.subSequence === this.#next;
  }

  #begin(report: Report): void {
    if (report.subSequence !== 0) {
      this.#lost("the first segment is missing");
      return;
    }
    this.#first = report;
    this.#next = 0;
    this.#timer = this.#wheel.schedule(ASSEMBLY_MS, () => {
      this.#drop("the last segment did not come in time");
    });
    this.#add(report);
  }

  #add(report: Report): void {
    for (const entry of report.entries) this.#entries.push(entry);
    this.#next += 1;
    if (report.moreFollows) {
      if (this.#next >= SEGMENTS_MAX) this.#drop("more segments than a report may have");
      return;
    }
    const first = this.#first ?? report;
    const entries = this.#entries;
    this.stop();
    this.#whole({ ...first, moreFollows: false, entries });
  }

  #drop(why: string): void {
    this.stop();
    this.#lost(why);
  }
}
