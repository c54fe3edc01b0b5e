import { COLUMN, COLUMNS } from "./packing.ts";
import type { FrameView } from "./row-tables.ts";
import { ROW_OVERHEAD_BYTES } from "./row-tables.ts";

/** One row of a frame that could not be stored. */
export interface HeldRow {
  readonly frame: FrameView;
  /** Place in PRODUCERS. */
  readonly producer: number;
  readonly id: number;
  readonly bytes: number;
  readonly key: string;
}

/** Keys of rows that were stored out of turn, kept until their frame comes again. */
const KEYS_MAX = 65_536;

/**
 * Safety events and alarms in memory while the disk is full. Bounded: the oldest is dropped, and
 * counted. Telemetry is not held: it waits in the ring of its producer.
 */
export class HeldRows {
  readonly #bytesMax: number;
  #rows: HeldRow[] = [];
  #bytes = 0;
  #dropped = 0;
  readonly #keys = new Set<string>();

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get rows(): readonly HeldRow[] {
    return this.#rows;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Since the process started. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Keeps a copy of row `index`, once. */
  hold(
    frame: FrameView,
    index: number,
    { producer, key }: { producer: number; key: string },
  ): void {
    if (this.#keys.has(key)) return;
    const only = oneRow(frame, index);
    const bytes = only.buffer.byteLength + ROW_OVERHEAD_BYTES;
    const id = only.columns[COLUMN.id] ?? 0;
    this.#rows.push({ frame: only, producer, id, bytes, key });
    this.#bytes += bytes;
    this.#remember(key);
    while (this.#bytes > this.#bytesMax) {
      const oldest = this.#rows.shift();
      if (oldest === undefined) break;
      this.#bytes -= oldest.bytes;
      this.#keys.delete(oldest.key);
      this.#dropped += 1;
    }
  }

  /** The rows are on disk now; their keys stay until their frames come again. */
  clear(): void {
    this.#rows = [];
    this.#bytes = 0;
  }

  /** True when the row was held and stored before its frame came again. */
  has(key: string): boolean {
    return this.#keys.size > 0 && this.#keys.has(key);
  }

  get isEmpty(): boolean {
    return this.#keys.size === 0;
  }

  #remember(key: string): void {
    if (this.#keys.size >= KEYS_MAX) {
      const [oldest] = this.#keys;
      if (oldest !== undefined) this.#keys.delete(oldest);
    }
    this.#keys.add(key);
  }
}

export function rowKey(
  producer: number,
  identity: { readonly epoch: number; readonly stream: string; readonly seq: number },
): string {
  return `${producer} ${identity.epoch} ${identity.seq} ${identity.stream}`;
}

/** A frame of its own, so that one small alarm does not keep a large frame in memory. */
function oneRow(frame: FrameView, index: number): FrameView {
  const from = index * COLUMNS;
  const start = frame.columns[from + COLUMN.start] ?? 0;
  const end = frame.columns[from + COLUMN.end] ?? 0;
  const columnBytes = COLUMNS * 8;
  const buffer = new ArrayBuffer(columnBytes + end - start);
  const columns = new Float64Array(buffer, 0, COLUMNS);
  columns.set(frame.columns.subarray(from, from + COLUMNS));
  columns[COLUMN.start] = columnBytes;
  columns[COLUMN.end] = buffer.byteLength;
  new Uint8Array(buffer).set(new Uint8Array(frame.buffer, start, end - start), columnBytes);
  return { columns, buffer, texts: frame.texts, epoch: frame.epoch };
}
