import type { PlantEvent } from "../domain/event.ts";
import type { UtcMs } from "../domain/time.ts";
import { CONTROL_EVENTS, type ControlEventId } from "./plan.ts";

/** What a notice is about. */
export interface NoticeSubject {
  readonly id: ControlEventId;
  readonly device: string | undefined;
  readonly point?: string;
  /** Tells apart states of one id on one device; the device where there is but one. */
  readonly about?: string;
}

/**
 * Which states control has told about, so that each is raised once and cleared once. Bounded: ids
 * are a closed list, and devices, trips and actuators are those of the plan.
 */
export interface NoticeState {
  /** What they are about by id of the notice: a device mostly; "" where it has none. */
  readonly raised: Map<ControlEventId, Set<string>>;
}

export function noNotices(): NoticeState {
  return { raised: new Map() };
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

  /** True when a state begins or ends: asked first, many times a second, it makes nothing. */
  isNews(id: ControlEventId, about: string | undefined, isActive: boolean): boolean {
    return (this.#state.raised.get(id)?.has(about ?? "") === true) !== isActive;
  }

  /** Tells that a state begins or ends, where that is news. */
  tell(subject: NoticeSubject, isActive: boolean, text: string): void {
    const { id, device = "", about = device } = subject;
    if (!this.isNews(id, about, isActive)) return;
    const { raised } = this.#state;
    const told = raised.get(id) ?? new Set();
    raised.set(id, told);
    if (isActive) told.add(about);
    else told.delete(about);
    this.#push(subject, isActive ? "raised" : "cleared", text);
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
