import type { PlantEvent } from "../domain/event.ts";
import type { UtcMs } from "../domain/time.ts";
import { CONTROL_EVENTS, type ControlEventId } from "./plan.ts";

/** What a notice is about. */
export interface NoticeSubject {
  readonly id: ControlEventId;
  readonly device: string | undefined;
  readonly point?: string;
}

/**
 * Which states control has told about, so that each is raised once and cleared once. Bounded: ids
 * are a closed list and devices are those of the plan.
 */
export interface NoticeState {
  readonly raised: Set<string>;
}

export function noNotices(): NoticeState {
  return { raised: new Set() };
}

/** The notices of one cycle. */
export class Notices {
  readonly events: PlantEvent[] = [];
  readonly #state: NoticeState;
  readonly #utc: UtcMs;

  constructor(state: NoticeState, utc: UtcMs) {
    this.#state = state;
    this.#utc = utc;
  }

  /** Tells when a state begins or ends; `text` is asked for only then. */
  tell(subject: NoticeSubject, isActive: boolean, text: () => string): void {
    const key = `${subject.id} ${subject.device ?? ""}`;
    if (this.#state.raised.has(key) === isActive) return;
    if (isActive) this.#state.raised.add(key);
    else this.#state.raised.delete(key);
    this.#push(subject, isActive ? "raised" : "cleared", text());
  }

  once(subject: NoticeSubject, text: string): void {
    this.#push(subject, "once", text);
  }

  #push(subject: NoticeSubject, phase: PlantEvent["phase"], text: string): void {
    this.events.push({
      id: subject.id,
      severity: CONTROL_EVENTS[subject.id],
      phase,
      device: subject.device,
      point: subject.point,
      text,
      at: this.#utc,
    });
  }
}

/** A power for people: `12.00 MW`. */
export function megawatts(powerW: number): string {
  return `${(powerW / 1e6).toFixed(2)} MW`;
}
