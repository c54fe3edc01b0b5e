import { ByteReader } from "../recorder/byte-reader.ts";
import type { SegmentHeader } from "../recorder/header.ts";
import {
  type RecordedGap,
  type ReplayDifference,
  type ReplayedCycle,
  Replayer,
} from "../recorder/replayer.ts";
import type { RecordingItem, Tear } from "./replay-files.ts";

/** What came of playing a recording back. */
export interface ReplayOutcome {
  /** Cycles that came to the same as then. */
  readonly cycles: number;
  /** Cycles whose beginning is not in the recording: they cannot be played. */
  readonly skipped: number;
  /** Snapshots that the state was found to agree with, field by field. */
  readonly statesCompared: number;
  readonly fromUtc: number | undefined;
  readonly toUtc: number | undefined;
  readonly gaps: readonly RecordedGap[];
  readonly torn: readonly (Tear & { readonly file: string })[];
  /** Of the first one; nothing is played behind it. */
  readonly difference: (ReplayDifference & { readonly name: string | undefined }) | undefined;
}

export interface ReplayWatch {
  /** UTC ms; nothing behind it is played. */
  readonly toUtc?: number;
  /** UTC ms; what is before it is played and not told. */
  readonly fromUtc?: number;
  /** Told of each cycle, and may look at what the replayer has. False: that is enough. */
  readonly onCycle?: (cycle: ReplayedCycle, replayer: Replayer, names: PointNames) => boolean;
}

/** Ids of points by their place in the table. */
export type PointNames = ReadonlyMap<number, string>;

/**
 * Plays a recording back, up to its end or to the first cycle that comes to something else.
 *
 * @throws GatewayError FILE_UNREADABLE
 */
export function replay(items: Iterable<RecordingItem>, watch: ReplayWatch = {}): ReplayOutcome {
  const run = new ReplayRun(watch);
  for (const item of items) if (!run.take(item)) break;
  return run.outcome;
}

class ReplayRun {
  readonly #watch: ReplayWatch;
  readonly #replayer = new Replayer();
  #epoch: number | undefined;
  #planHash: string | undefined;
  #names: PointNames = new Map();
  #outcome: ReplayOutcome = {
    cycles: 0,
    skipped: 0,
    statesCompared: 0,
    fromUtc: undefined,
    toUtc: undefined,
    gaps: [],
    torn: [],
    difference: undefined,
  };

  constructor(watch: ReplayWatch) {
    this.#watch = watch;
  }

  get outcome(): ReplayOutcome {
    return this.#outcome;
  }

  /** False: that is the end. */
  take(item: RecordingItem): boolean {
    switch (item.kind) {
      case "segment":
        this.#begin(item.header);
        return true;
      case "torn": {
        // What follows begins with a segment of its own; until then nothing is known.
        this.#replayer.begin();
        const { file, at, lostBytes } = item;
        this.#note({ torn: [...this.#outcome.torn, { file, at, lostBytes }] });
        return true;
      }
      case "record":
        return this.#record(item);
    }
  }

  /** Another run of control has another state. */
  #begin(header: SegmentHeader): void {
    // Another run, or other settings in it: a shadow's came into force, or went out of it.
    const isSame = header.epoch === this.#epoch && header.planHash === this.#planHash;
    if (!isSame) this.#replayer.begin();
    this.#planHash = header.planHash;
    this.#epoch = header.epoch;
    this.#names = new Map(header.points.map(([index, id]) => [index, id]));
  }

  #record({ record }: RecordingItem & { readonly kind: "record" }): boolean {
    const { toUtc = Infinity } = this.#watch;
    if (record.kind === "cycle" && utcOf(record.content) > toUtc) return false;
    const step = this.#replayer.take(record);
    const { cycles, skipped, statesCompared, gaps } = this.#outcome;
    switch (step.kind) {
      case "cycle":
        this.#note({ cycles: cycles + 1 });
        return this.#told(step.cycle);
      case "skipped":
        this.#note({ skipped: skipped + 1 });
        return true;
      case "gap":
        this.#note({ gaps: [...gaps, step.gap] });
        return true;
      case "snapshot":
        this.#note({ statesCompared: statesCompared + (step.isCompared ? 1 : 0) });
        return true;
      case "difference": {
        const { difference } = step;
        const name = difference.point === undefined ? undefined : this.#nameOf(difference.point);
        this.#note({ difference: { ...difference, name } });
        return false;
      }
    }
  }

  #told(cycle: ReplayedCycle): boolean {
    const { fromUtc = -Infinity, onCycle } = this.#watch;
    const { utc } = cycle.record;
    this.#note({ fromUtc: this.#outcome.fromUtc ?? utc, toUtc: utc });
    return utc < fromUtc || (onCycle?.(cycle, this.#replayer, this.#names) ?? true);
  }

  #nameOf(point: number): string {
    return this.#names.get(point) ?? `point ${point}`;
  }

  #note(news: Partial<ReplayOutcome>): void {
    this.#outcome = { ...this.#outcome, ...news };
  }
}

/** When the cycle of a record was, without reading the rest of it. */
function utcOf(content: Uint8Array): number {
  const bytes = new ByteReader(content);
  bytes.number();
  return bytes.number();
}
