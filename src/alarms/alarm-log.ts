import type { PlantEvent } from "../domain/event.ts";
import { keyOf } from "./alarm-record.ts";

/** A part of what a log knows, in the order in which it was told. */
export interface LogPage {
  readonly events: readonly PlantEvent[];
  /** Ask behind it for the next part. */
  readonly last: number;
  readonly hasMore: boolean;
  /** It begins from nothing: what is not told in it and its next parts is over. */
  readonly isWhole: boolean;
}

/** What somebody asks for. */
export interface LogQuestion {
  readonly after: number;
  /** The part before it was one of a whole. */
  readonly isWhole: boolean;
}

interface Entry {
  readonly seq: number;
  readonly event: PlantEvent;
}

/**
 * The last word on each alarm of a process, so that who comes late or falls behind knows what
 * stands. Of each alarm only the last event is kept; at most so many alarms, and what is over is
 * forgotten before what stands.
 */
export class AlarmLog {
  readonly #capacity: number;
  /** In the order of their numbers. */
  readonly #entries = new Map<string, Entry>();
  #seq = 0;
  /** Who has not read up to here has missed something that is forgotten. */
  #forgottenSeq = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  take(event: PlantEvent): void {
    const key = keyOf(event.id, event.device, event.point);
    this.#entries.delete(key);
    if (this.#entries.size >= this.#capacity) this.#forgetOne();
    this.#seq += 1;
    this.#entries.set(key, { seq: this.#seq, event });
  }

  /** True when there is something behind that place, or when the place is not one of this log. */
  hasNews({ after, isWhole }: LogQuestion): boolean {
    return after !== this.#seq || (isWhole && after === 0);
  }

  page({ after, isWhole }: LogQuestion, eventsMax: number): LogPage {
    const isKnown = after <= this.#seq && (isWhole || after >= this.#forgottenSeq);
    const from = isKnown ? after : 0;
    const isFromNothing = isWhole || !isKnown;
    const events: PlantEvent[] = [];
    let last = from;
    for (const { seq, event } of this.#entries.values()) {
      if (seq <= from) continue;
      if (events.length >= eventsMax)
        return { events, last, hasMore: true, isWhole: isFromNothing };
      last = seq;
      // What happened once was told to who was there.
      if (!isFromNothing || event.phase !== "once") events.push(event);
    }
    return { events, last: this.#seq, hasMore: false, isWhole: isFromNothing };
  }

  #forgetOne(): void {
    let oldest: [string, Entry] | undefined;
    for (const entry of this.#entries) {
      oldest ??= entry;
      if (entry[1].event.phase === "raised") continue;
      oldest = entry;
      break;
    }
    if (oldest === undefined) return;
    this.#entries.delete(oldest[0]);
    this.#forgottenSeq = Math.max(this.#forgottenSeq, oldest[1].seq);
  }
}
