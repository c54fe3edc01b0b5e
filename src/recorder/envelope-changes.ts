import { compileEnvelope, type Envelope } from "../control/envelope.ts";
import { byteAt, numberAt } from "../points/number-at.ts";
import { type ByteReader, malformed } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";

/** What the envelope remembers of writes. */
type Memory = Pick<Envelope, "lastValues" | "lastAt" | "openAt" | "locks">;

/**
 * What others than the cycle have written over the envelope since the cycle before: commands of the
 * direct lane, and the thermal controllers. All that they change of control's state is its memory
 * of what was written, so that is what is recorded: whoever it was.
 */
export class EnvelopeWriter {
  readonly #known: Memory;

  constructor(envelope: Envelope) {
    this.#known = compileEnvelope(envelope.entries);
    this.note(envelope);
  }

  /** After a cycle: from here on it is others who write. */
  note(envelope: Envelope): void {
    const known = this.#known;
    known.lastValues.set(envelope.lastValues);
    known.lastAt.set(envelope.lastAt);
    known.openAt.set(envelope.openAt);
    known.locks.set(envelope.locks);
  }

  changes(out: ByteWriter, envelope: Envelope): void {
    const { length } = envelope.entries;
    let count = 0;
    for (let place = 0; place < length; place += 1) if (this.#differs(envelope, place)) count += 1;
    out.whole(count);
    if (count === 0) return;
    for (let place = 0; place < length; place += 1) {
      if (!this.#differs(envelope, place)) continue;
      out.whole(place);
      out.number(numberAt(envelope.lastValues, place));
      out.number(numberAt(envelope.lastAt, place));
      out.number(numberAt(envelope.openAt, place));
      out.byte(byteAt(envelope.locks, place));
    }
  }

  #differs(envelope: Envelope, place: number): boolean {
    const known = this.#known;
    return !(
      Object.is(envelope.lastValues[place], known.lastValues[place]) &&
      Object.is(envelope.lastAt[place], known.lastAt[place]) &&
      Object.is(envelope.openAt[place], known.openAt[place]) &&
      envelope.locks[place] === known.locks[place]
    );
  }
}

/** A write of somebody else, as a recording tells it. */
export interface EnvelopeChange {
  /** Place in `Envelope.entries`. */
  readonly place: number;
  readonly value: number;
  readonly at: number;
  readonly openAt: number;
  readonly lock: number;
}

/** @throws GatewayError FILE_UNREADABLE */
export function readEnvelopeChanges(bytes: ByteReader): readonly EnvelopeChange[] {
  const changes: EnvelopeChange[] = [];
  for (let left = bytes.count(); left > 0; left -= 1)
    changes.push({
      place: bytes.whole(),
      value: bytes.number(),
      at: bytes.number(),
      openAt: bytes.number(),
      lock: bytes.byte(),
    });
  return changes;
}

/** @throws GatewayError FILE_UNREADABLE */
export function applyEnvelopeChanges(envelope: Envelope, changes: readonly EnvelopeChange[]): void {
  for (const { place, value, at, openAt, lock } of changes) {
    if (place >= envelope.entries.length) throw malformed("an entry is named that is not there");
    envelope.lastValues[place] = value;
    envelope.lastAt[place] = at;
    envelope.openAt[place] = openAt;
    envelope.locks[place] = lock;
  }
}
