import { compileEnvelope, type Envelope } from "../control/envelope.ts";
import { assert } from "../domain/assert.ts";
import { type ByteReader, malformed } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";

type Column = Float64Array | Uint8Array;

/**
 * What an envelope remembers: each of its columns by place of the entry, in the order in which they
 * were made. Whoever adds one has it recorded.
 */
export function memoryOf(envelope: Envelope): readonly Column[] {
  const { length } = envelope.entries;
  return Object.values(envelope).filter(
    (column: unknown): column is Column =>
      (column instanceof Float64Array || column instanceof Uint8Array) && column.length === length,
  );
}

/**
 * What others than the cycle have written over the envelope since the cycle before: commands of the
 * direct lane, and the thermal controllers. All that they change of control's state is its memory
 * of what was written, so that is what is recorded: whoever it was.
 */
export class EnvelopeWriter {
  readonly #columns: readonly Column[];
  readonly #known: readonly Column[];
  readonly #length: number;

  /** @param envelope the one of the process: there is no other */
  constructor(envelope: Envelope) {
    this.#columns = memoryOf(envelope);
    this.#known = memoryOf(compileEnvelope(envelope.entries));
    this.#length = envelope.entries.length;
    assert(this.#columns.length === this.#known.length, "an envelope keeps its columns");
    this.note();
  }

  /** After a cycle: from here on it is others who write. */
  note(): void {
    for (const [at, column] of this.#columns.entries()) this.#known[at]?.set(column);
  }

  changes(out: ByteWriter): void {
    const columns = this.#columns;
    const length = this.#length;
    let count = 0;
    for (let place = 0; place < length; place += 1) if (this.#differs(place)) count += 1;
    out.whole(count);
    if (count === 0) return;
    for (let place = 0; place < length; place += 1) {
      if (!this.#differs(place)) continue;
      out.whole(place);
      for (const column of columns) out.number(column[place] ?? Number.NaN);
    }
  }

  #differs(place: number): boolean {
    for (const [at, column] of this.#columns.entries())
      if (!Object.is(column[place], this.#known[at]?.[place])) return true;
    return false;
  }
}

/** A write of somebody else, as a recording tells it. */
export interface EnvelopeChange {
  /** Place in `Envelope.entries`. */
  readonly place: number;
  /** By column of the memory. */
  readonly values: readonly number[];
}

/**
 * @param envelope of which the changes are: it says how many columns there are
 * @throws GatewayError FILE_UNREADABLE
 */
export function readEnvelopeChanges(
  bytes: ByteReader,
  envelope: Envelope,
): readonly EnvelopeChange[] {
  const columns = memoryOf(envelope);
  const changes: EnvelopeChange[] = [];
  for (let left = bytes.count(); left > 0; left -= 1) {
    const place = bytes.whole();
    if (place >= envelope.entries.length) throw malformed("an entry is named that is not there");
    changes.push({ place, values: columns.map(() => bytes.number()) });
  }
  return changes;
}

export function applyEnvelopeChanges(envelope: Envelope, changes: readonly EnvelopeChange[]): void {
  const columns = memoryOf(envelope);
  for (const { place, values } of changes)
    for (const [at, column] of columns.entries()) column[place] = values[at] ?? Number.NaN;
}
