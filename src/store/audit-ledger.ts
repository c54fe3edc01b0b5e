import { IdRanges } from "./id-ranges.ts";

/** What of a received message matters for the audit. */
export interface ReceivedRow {
  readonly stream: string;
  readonly epoch: number;
  /** ≥ 1, without gaps in one stream and epoch. */
  readonly seq: number;
  /** It came on the backfill lane. */
  readonly isBackfill: boolean;
}

export interface AuditOptions {
  /**
   * `first-seen`: the audit began in the middle, and what came before is not its business.
   * `one`: every stream is audited from its first row on.
   */
  readonly begin: "first-seen" | "one";
}

export interface EpochVerdict {
  readonly epoch: number;
  /** Highest sequence known to be sent − first one expected + 1. */
  readonly sent: number;
  /** Highest sequence received; 0 when none was. */
  readonly last: number;
  /** Different rows among them. */
  readonly received: number;
  readonly duplicates: number;
  readonly lost: number;
  /** What is missing, at most `MISSING_TOLD_MAX` ranges; `lost` counts all. */
  readonly missing: readonly (readonly [number, number])[];
  /** Rows that came for the first time, behind a younger one of the same lane. */
  readonly liveOutOfOrder: number;
  readonly backfillOutOfOrder: number;
}

export interface StreamVerdict {
  readonly stream: string;
  readonly epochs: readonly EpochVerdict[];
}

export interface AuditVerdict {
  /** Nothing lost, nothing out of order, and nothing left out for want of memory. */
  readonly passed: boolean;
  readonly sent: number;
  readonly received: number;
  readonly duplicates: number;
  readonly lost: number;
  readonly outOfOrder: number;
  /** Rows of streams beyond the most that are followed. */
  readonly notFollowed: number;
  readonly streams: readonly StreamVerdict[];
}

/** Streams and epochs together; a site has some hundreds of devices and few restarts. */
const FOLLOWED_MAX = 16_384;
/** Pieces of one stream; a stream in more pieces than this has lost its oldest holes for good. */
const RANGES_MAX = 1024;
const MISSING_TOLD_MAX = 100;

/**
 * Certifies a delivery: fed with the identity of every message that a subscriber received, it tells
 * what was sent, received, received twice, lost, and out of order. Memory is bounded by named
 * limits; what is beyond them makes the verdict fail and never pass.
 */
export class AuditLedger {
  readonly #begin: AuditOptions["begin"];
  readonly #streams = new Map<string, Map<number, EpochLedger>>();
  #followed = 0;
  #notFollowed = 0;

  constructor(options: AuditOptions) {
    this.#begin = options.begin;
  }

  receive(row: ReceivedRow): void {
    const ledger = this.#ledgerOf(row.stream, row.epoch);
    if (ledger === undefined) this.#notFollowed += 1;
    else ledger.receive(row.seq, row.isBackfill);
  }

  /** It is known from elsewhere that rows up to `seq` were sent: a lost tail is noticed. */
  expectUpTo(stream: string, epoch: number, seq: number): void {
    this.#ledgerOf(stream, epoch)?.expectUpTo(seq);
  }

  verdict(): AuditVerdict {
    const streams = [...this.#streams].map(([stream, epochs]) => {
      return { stream, epochs: [...epochs.values()].map((ledger) => ledger.verdict()) };
    });
    const totals = { sent: 0, received: 0, duplicates: 0, lost: 0, outOfOrder: 0 };
    for (const { epochs } of streams) {
      for (const epoch of epochs) {
        totals.sent += epoch.sent;
        totals.received += epoch.received;
        totals.duplicates += epoch.duplicates;
        totals.lost += epoch.lost;
        totals.outOfOrder += epoch.liveOutOfOrder + epoch.backfillOutOfOrder;
      }
    }
    const notFollowed = this.#notFollowed;
    const passed = totals.lost + totals.outOfOrder + notFollowed === 0;
    return { passed, ...totals, notFollowed, streams };
  }

  #ledgerOf(stream: string, epoch: number): EpochLedger | undefined {
    let epochs = this.#streams.get(stream);
    let ledger = epochs?.get(epoch);
    if (ledger !== undefined) return ledger;
    if (this.#followed >= FOLLOWED_MAX) return undefined;
    this.#followed += 1;
    if (epochs === undefined) {
      epochs = new Map();
      this.#streams.set(stream, epochs);
    }
    // A new epoch during the audit begins with its first row: only the first one is cut into.
    const isCutInto = this.#begin === "first-seen" && epochs.size === 0;
    ledger = new EpochLedger(epoch, isCutInto ? undefined : 1);
    epochs.set(epoch, ledger);
    return ledger;
  }
}

/** `N sent, N received, 0 lost, k duplicates, 0 out of order`. */
export function auditLine(counts: {
  readonly sent: number;
  readonly received: number;
  readonly duplicates: number;
  readonly lost: number;
  readonly outOfOrder: number;
}): string {
  const { sent, received, lost, duplicates, outOfOrder } = counts;
  return (
    `${sent} sent, ${received} received, ${lost} lost, ` +
    `${duplicates} duplicates, ${outOfOrder} out of order`
  );
}

class EpochLedger {
  readonly #epoch: number;
  readonly #seen = new IdRanges();
  readonly #first: number | undefined;
  #expected = 0;
  #duplicates = 0;
  /** Rows missing in holes that were closed for want of memory. */
  #givenUp = 0;
  readonly #last = { live: 0, backfill: 0 };
  readonly #outOfOrder = { live: 0, backfill: 0 };

  constructor(epoch: number, first: number | undefined) {
    this.#epoch = epoch;
    this.#first = first;
  }

  receive(seq: number, isBackfill: boolean): void {
    const lane = isBackfill ? "backfill" : "live";
    if (this.#seen.add(seq) === 0) {
      this.#duplicates += 1;
      return;
    }
    if (seq < this.#last[lane]) this.#outOfOrder[lane] += 1;
    this.#last[lane] = Math.max(this.#last[lane], seq);
    this.#closeOldestHole();
  }

  expectUpTo(seq: number): void {
    this.#expected = Math.max(this.#expected, seq);
  }

  verdict(): EpochVerdict {
    const [lowest] = this.#seen.ranges();
    const last = Math.max(this.#expected, this.#seen.max);
    const first = this.#first ?? lowest?.[0] ?? last + 1;
    const missing: (readonly [number, number])[] = [];
    let lost = this.#givenUp;
    for (const [from, to] of this.#seen.gaps(first, last)) {
      lost += to - from + 1;
      if (missing.length < MISSING_TOLD_MAX) missing.push([from, to]);
    }
    return {
      epoch: this.#epoch,
      sent: Math.max(0, last - first + 1),
      last: this.#seen.max,
      received: this.#seen.count - this.#givenUp,
      duplicates: this.#duplicates,
      lost,
      missing,
      liveOutOfOrder: this.#outOfOrder.live,
      backfillOutOfOrder: this.#outOfOrder.backfill,
    };
  }

  #closeOldestHole(): void {
    if (this.#seen.rangeCount <= RANGES_MAX) return;
    const [lowest] = this.#seen.ranges();
    if (lowest === undefined) return;
    const [hole] = this.#seen.gaps(lowest[0], this.#seen.max);
    if (hole === undefined) return;
    this.#givenUp += this.#seen.add(hole[0], hole[1]);
  }
}
