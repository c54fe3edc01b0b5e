import { GOOSE_DEMANDS, GOOSE_LOST } from "../config/point-table.ts";
import { CONTROL_EVENTS } from "../control/plan.ts";
import type { PlantEvent } from "../domain/event.ts";
import { GOOD, type QualityCode, qualityCode } from "../domain/quality.ts";
import type { Reading } from "../domain/round.ts";
import type { Clock, MonotonicMs } from "../domain/time.ts";
import type { WatchedPublisher } from "./goose-plan.ts";
import { ALIVE_MS, type HeardReport, parseGooseLine } from "./goose-report.ts";

/** So many `alive` lines in a row that do not come, and gateway-goose is gone. */
const ALIVE_MISSED_MAX = 3;
export const GONE_MS = ALIVE_MISSED_MAX * ALIVE_MS;
/** A publisher that comes and goes is told as back after so long without a break. */
export const BACK_MS = 2_000;

const NOT_HEARD = qualityCode("no-communication");
const NOT_YET_HEARD = qualityCode("never-read");

export interface GooseWatchTerms {
  readonly publishers: readonly WatchedPublisher[];
  /** How long after the start the first good state of a publisher may take. */
  readonly firstWordMs: number;
  readonly clock: Clock;
  readonly onEvent: (event: PlantEvent) => void;
  /** A demand that was not there in the cycle before, with the rules that it comes from. */
  readonly onDemand: (name: string, rules: readonly string[]) => void;
}

interface Followed {
  readonly publisher: WatchedPublisher;
  report: HeardReport | undefined;
  /** Why it was bad last. */
  fault: string;
  /** Rules since the last cycle, also when it is over again: no demand is to be missed. */
  demandedBy: readonly string[];
  wasLost: boolean;
  /** It was good once; from then on its loss counts at once. */
  isKnown: boolean;
  /** Since when it is good without a break; undefined while it is not. */
  goodSince: MonotonicMs | undefined;
  isToldLost: boolean;
}

/** The beginning of a cycle. */
interface Moment {
  readonly now: MonotonicMs;
  /** Whether gateway-goose is there. */
  readonly isAlive: boolean;
}

/** What is to be thought of a publisher. */
interface Judged {
  readonly isGood: boolean;
  /** The time for its first good state is over. */
  readonly isDue: boolean;
  readonly isDemanded: boolean;
  readonly isLost: boolean;
}

/** Names of the points that are told of publishers. */
type PublisherPoint = `${typeof GOOSE_DEMANDS | typeof GOOSE_LOST}${string}`;

/**
 * What control knows of GOOSE: the lines of gateway-goose, made into points of the image that trips
 * are latched by. It has no way to lift a latch; a line that cannot be read changes no state.
 */
export class GooseWatch {
  readonly #terms: GooseWatchTerms;
  readonly #followed: readonly Followed[];
  readonly #startedAt: MonotonicMs;
  readonly #columns: Pick<Reading, "points" | "values" | "quality">;
  #aliveAt: MonotonicMs | undefined;
  readonly counters = {
    lines: 0,
    malformed: 0,
    /** Reports of publishers that the site does not name. */
    strays: 0,
  };

  constructor(terms: GooseWatchTerms) {
    this.#terms = terms;
    this.#startedAt = terms.clock.now();
    this.#followed = terms.publishers.map((publisher) => ({
      publisher,
      report: undefined,
      fault: "silent",
      demandedBy: [],
      wasLost: false,
      isKnown: false,
      goodSince: undefined,
      isToldLost: false,
    }));
    const points = terms.publishers.flatMap(({ demands, lost }) => [demands, lost]);
    this.#columns = {
      points: Uint32Array.from(points),
      values: new Float64Array(points.length),
      quality: new Uint8Array(points.length).fill(NOT_YET_HEARD),
    };
  }

  /**
   * Takes a line of gateway-goose.
   * @returns false when it cannot be read: then what is known may not be all, and whoever reads
   *   asks anew
   */
  take(text: string): boolean {
    this.counters.lines += 1;
    const line = parseGooseLine(text);
    if (line === undefined) {
      this.counters.malformed += 1;
      return false;
    }
    switch (line.kind) {
      case "alive":
        this.#aliveAt = this.#terms.clock.now();
        break;
      case "change":
        this.#takeReport(line.report);
        break;
      case "states":
        this.#aliveAt = this.#terms.clock.now();
        this.#takeAll(line.reports);
        break;
    }
    return true;
  }

  /**
   * The points for the cycle that begins. Whatever was demanded since the last one shows in it,
   * however short it was. The arrays are filled again by the next call.
   */
  reading(now: MonotonicMs): Reading {
    const isAlive = this.#isAlive(now);
    for (const [place, followed] of this.#followed.entries())
      this.#fill(place, followed, { now, isAlive });
    return {
      ...this.#columns,
      sourceTimes: undefined,
      texts: undefined,
      receivedAt: now,
      receivedUtc: this.#terms.clock.utcNow(),
    };
  }

  /** For the gateway's own points; undefined where it is not known. */
  figures(): Readonly<Record<PublisherPoint | "x-goose-malformed", number | undefined>> {
    const { values, quality } = this.#columns;
    const told = (place: number): number | undefined =>
      quality[place] === GOOD ? values[place] : undefined;
    return Object.fromEntries([
      ["x-goose-malformed", this.counters.malformed],
      ...this.#followed.flatMap(({ publisher: { name } }, place) => [
        [GOOSE_DEMANDS + name, told(2 * place)],
        [GOOSE_LOST + name, told(2 * place + 1)],
      ]),
    ]) as Record<PublisherPoint | "x-goose-malformed", number | undefined>;
  }

  #isAlive(now: MonotonicMs): boolean {
    return this.#aliveAt !== undefined && now - this.#aliveAt < GONE_MS;
  }

  /** What gateway-goose does not follow is not heard. */
  #takeAll(reports: readonly HeardReport[]): void {
    for (const followed of this.#followed) {
      const { name } = followed.publisher;
      if (!reports.some((report) => report.name === name))
        note(followed, { name, quality: "bad", fault: "not-followed", safeStateDemandedBy: [] });
    }
    for (const report of reports) this.#takeReport(report);
  }

  #takeReport(report: HeardReport): void {
    const followed = this.#followed.find(({ publisher }) => publisher.name === report.name);
    if (followed === undefined) {
      this.counters.strays += 1;
      return;
    }
    note(followed, report);
  }

  #fill(place: number, followed: Followed, moment: Moment): void {
    const judged = this.#judge(followed, moment);
    const { isDemanded, isGood, isLost } = judged;
    const { values, quality } = this.#columns;
    if (isDemanded && values[2 * place] !== 1)
      this.#terms.onDemand(followed.publisher.name, followed.demandedBy);
    const demand = demandOf(judged);
    values[2 * place] = demand.value;
    quality[2 * place] = demand.quality;
    values[2 * place + 1] = Number(isLost);
    quality[2 * place + 1] = GOOD;
    followed.demandedBy = [];
    followed.wasLost = false;
    if (isLost || !isGood) followed.goodSince = undefined;
    else followed.goodSince ??= moment.now;
    this.#tellLoss(followed, { ...moment, isLost });
  }

  #judge(followed: Followed, { now, isAlive }: Moment): Judged {
    const { report, isKnown, wasLost } = followed;
    const isGood = isAlive && report?.quality === "good";
    const isDue = isKnown || now - this.#startedAt >= this.#terms.firstWordMs;
    if (isAlive && demands(report)) followed.demandedBy = report?.safeStateDemandedBy ?? [];
    const isDemanded = followed.demandedBy.length > 0;
    return { isGood, isDue, isDemanded, isLost: wasLost || (!isGood && isDue) };
  }

  #tellLoss(followed: Followed, sight: Moment & { readonly isLost: boolean }): void {
    const { publisher, goodSince } = followed;
    const isBack = goodSince !== undefined && sight.now - goodSince >= BACK_MS;
    if (followed.isToldLost ? !isBack : !sight.isLost) return;
    followed.isToldLost = sight.isLost;
    const why = sight.isAlive ? followed.fault : "gateway-goose does not answer";
    this.#terms.onEvent({
      id: "goose-lost",
      severity: CONTROL_EVENTS["goose-lost"],
      phase: sight.isLost ? "raised" : "cleared",
      device: publisher.name,
      point: undefined,
      text: sight.isLost
        ? `${publisher.name} is not heard by GOOSE: ${why}`
        : `${publisher.name} is heard by GOOSE again`,
      at: this.#terms.clock.utcNow(),
    });
  }
}

/** A demand counts whatever else is known; that there is none is only known of a good state. */
function demandOf({ isDemanded, isGood, isDue }: Judged): {
  readonly value: number;
  readonly quality: QualityCode;
} {
  if (isDemanded) return { value: 1, quality: GOOD };
  if (isGood) return { value: 0, quality: GOOD };
  return { value: Number.NaN, quality: isDue ? NOT_HEARD : NOT_YET_HEARD };
}

function note(followed: Followed, report: HeardReport): void {
  followed.report = report;
  if (demands(report)) followed.demandedBy = report.safeStateDemandedBy;
  if (report.quality === "good") {
    followed.isKnown = true;
    return;
  }
  followed.fault = report.fault ?? "bad";
  followed.wasLost = followed.isKnown;
}

function demands(report: HeardReport | undefined): boolean {
  return report !== undefined && report.safeStateDemandedBy.length > 0;
}
