import type { Block } from "./blocks.ts";
import { IdRanges } from "./id-ranges.ts";
import type { RowHead, RowTables } from "./row-tables.ts";
import { ROW_CLASSES, type RowClass, type StoreLimits } from "./rows.ts";

/** Rows settled in one stretch of time, so that their protection ends together. */
interface Bucket {
  readonly at: number;
  readonly ids: IdRanges;
}

const BUCKET_MS = 10_000;
/** More pieces than this are not worth their bytes in every commit: some rows are sent twice. */
const RANGES_MAX = 4096;
const HEALED_AT_ONCE = 8;
/** Acknowledgements come from outside: names that nobody has cannot fill the memory. */
const ACKED_STREAMS_MAX = 8192;

/**
 * What waits, what is sent, and what of it is still protected.
 *
 * An id is *settled* when its row needs no more sending: the broker took it, or it is gone. Settled
 * rows are protected until the consumer acknowledges them or `retainMs` and `retainBytes` end.
 */
export class Delivery {
  readonly #limits: StoreLimits;
  #settled = new IdRanges();
  #buckets: Bucket[] = [];
  /** Highest contiguous sequence that the consumer has, by stream. */
  readonly #acks = new Map<string, { readonly epoch: number; readonly seq: number }>();
  #isDirty = false;

  constructor(limits: StoreLimits) {
    this.#limits = limits;
  }

  get settled(): IdRanges {
    return this.#settled;
  }

  /** Takes the set as it was stored; what is in it counts as sent just now. */
  load(bytes: Uint8Array | undefined, now: number): void {
    const stored = bytes === undefined ? undefined : IdRanges.fromBytes(bytes);
    this.#settled = stored ?? new IdRanges();
    this.#isDirty = false;
    if (this.#buckets.length > 0 || this.#settled.rangeCount === 0) return;
    const ids = new IdRanges();
    for (const [first, last] of this.#settled.ranges()) ids.add(first, last);
    this.#buckets.push({ at: now, ids });
  }

  /** The set for the disk, when it changed since it was last asked for. */
  takeChanged(): Uint8Array | undefined {
    if (!this.#isDirty) return undefined;
    this.#isDirty = false;
    while (this.#settled.rangeCount > RANGES_MAX) this.#settled.dropShortest();
    return this.#settled.toBytes();
  }

  /** The broker took these rows. Tells how many of them had been waiting. */
  markSent(first: number, last: number, now: number): number {
    let bucket = this.#buckets.at(-1);
    if (bucket === undefined || now - bucket.at >= BUCKET_MS) {
      bucket = { at: now, ids: new IdRanges() };
      this.#buckets.push(bucket);
    }
    bucket.ids.add(first, last);
    return this.markGone(first, last);
  }

  /** These rows are not there (any more). Tells how many of them had been waiting. */
  markGone(first: number, last: number): number {
    this.#isDirty = true;
    return this.#settled.add(first, last);
  }

  /** The row is to be sent once more. */
  requeue(id: number): boolean {
    this.#isDirty = true;
    for (const bucket of this.#buckets) bucket.ids.remove(id);
    return this.#settled.remove(id) > 0;
  }

  acknowledge(stream: string, epoch: number, seq: number): void {
    const known = this.#acks.get(stream);
    if (known?.epoch === epoch && known.seq >= seq) return;
    if (known === undefined && this.#acks.size >= ACKED_STREAMS_MAX) return;
    this.#acks.set(stream, { epoch, seq });
  }

  /** Ends protections by age and by size; `bytesOf` estimates what a set of ids holds. */
  expire(now: number, bytesOf: (ids: IdRanges) => number): void {
    const youngest = this.#buckets.filter(({ at }) => now - at < this.#limits.retainMs);
    let bytes = 0;
    let kept = youngest.length;
    while (kept > 0) {
      const bucket = youngest[kept - 1];
      if (bucket !== undefined) bytes += bytesOf(bucket.ids);
      if (bytes > this.#limits.retainBytes) break;
      kept -= 1;
    }
    this.#buckets = youngest.slice(kept);
  }

  /** `waiting`: holds unsent rows; `retained`: sent, perhaps needed again; `history`: neither. */
  stateOf(block: Block, tables: RowTables): "waiting" | "retained" | "history" {
    const { firstId, lastId } = block;
    const heads = (): RowHead[] => tables.heads(block.class, firstId, lastId);
    if (!this.#settled.covers(firstId, lastId)) {
      if (heads().some(({ id }) => !this.#settled.has(id))) return "waiting";
    }
    if (!this.#buckets.some(({ ids }) => ids.intersects(firstId, lastId))) return "history";
    return heads().some((head) => this.#isRetained(head)) ? "retained" : "history";
  }

  /** Rows that wait among all that are stored. Reads only the edges of what is settled. */
  countWaiting(blocksOf: (rowClass: RowClass) => readonly Block[], tables: RowTables): number {
    let waiting = 0;
    for (const rowClass of ROW_CLASSES) {
      for (const { firstId, lastId, rows } of blocksOf(rowClass)) {
        if (this.#settled.covers(firstId, lastId)) continue;
        if (!this.#settled.intersects(firstId, lastId)) waiting += rows;
        else waiting += this.#countGaps(rowClass, tables, [firstId, lastId]);
      }
    }
    return waiting;
  }

  #countGaps(rowClass: RowClass, tables: RowTables, [first, last]: [number, number]): number {
    let rows = 0;
    for (const [from, to] of this.#settled.gaps(first, last)) {
      rows += tables.count(rowClass, from, to);
    }
    return rows;
  }

  /**
   * Ids that wait below `beforeId`, oldest first, without those of `exclude`. What turns out not to
   * be stored at all is settled on the way.
   */
  waiting(
    tables: RowTables,
    query: { readonly beforeId: number; readonly limit: number; readonly exclude: Set<number> },
  ): (readonly [number, RowClass])[] {
    const found: (readonly [number, RowClass])[] = [];
    const empty: (readonly [number, number])[] = [];
    for (const gap of this.#settled.gaps(0, query.beforeId - 1)) {
      const wanted = query.limit - found.length;
      if (wanted <= 0) break;
      const inGap = idsOf(tables, gap, wanted + query.exclude.size);
      if (inGap.length === 0 && empty.length < HEALED_AT_ONCE) empty.push(gap);
      found.push(...inGap.filter(([id]) => !query.exclude.has(id)).slice(0, wanted));
    }
    for (const [first, last] of empty) this.#heal(first, last, tables);
    return found;
  }

  /** Only below what is stored already: behind it, rows may yet come. */
  #heal(first: number, last: number, tables: RowTables): void {
    const max = tables.maxId();
    if (first < max) this.markGone(first, Math.min(last, max));
  }

  #isRetained(head: RowHead): boolean {
    if (!this.#buckets.some(({ ids }) => ids.has(head.id))) return false;
    const ack = this.#acks.get(head.stream);
    return ack?.epoch !== head.epoch || head.seq > ack.seq;
  }
}

function idsOf(
  tables: RowTables,
  gap: readonly [number, number],
  limit: number,
): (readonly [number, RowClass])[] {
  const found: (readonly [number, RowClass])[] = [];
  for (const rowClass of ROW_CLASSES) {
    for (const id of tables.ids(rowClass, gap, limit)) found.push([id, rowClass]);
  }
  return found.sort(([a], [b]) => a - b).slice(0, limit);
}
