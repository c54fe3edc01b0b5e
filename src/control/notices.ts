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
  /** Devices by id of the notice; "" where it has none. */
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
  isNews(id: ControlEventId, device: string | undefined, isActive: boolean): boolean {
    return (this.#state.raised.get(id)?.has(device ?? "") === true) !== isActive;
  }

  /** Tells that a state begins or ends, where that is news. */
  tell(subject: NoticeSubject, isActive: boolean, text: string): void {
    const { id, device = "" } = subject;
    if (!this.isNews(id, device, isActive)) return;
    const { raised } = this.#state;
    const devices = raised.get(id) ?? new Set();
    raised.set(id, devices);
    if (isActive) devices.add(device);
    else devices.delete(device);
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
