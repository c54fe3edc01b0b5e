import { megawatts, Notices, type NoticeState, noNotices } from "../control/notices.ts";
import { standingSheds } from "../control/thermal/standing-sheds.ts";
import type { ZoneRun } from "../control/thermal/zone-run.ts";
import type { PlantEvent } from "../domain/event.ts";
import type { ShedLevel, ShedWord, StandingShed } from "../domain/shed.ts";
import type { Clock, MonotonicMs } from "../domain/time.ts";

/** A zone asks for load to go and nobody carries that to the workloads: told after this, ms. */
export const NOBODY_ASKS_MS = 15_000;
/** How often it is looked whether what was asked is confirmed, ms. */
export const LOOK_MS = 500;

export interface ShedWatchParts {
  readonly zones: readonly ZoneRun[];
  readonly clock: Clock;
  readonly onEvent: (event: PlantEvent) => void;
}

/**
 * What control tells services of the sheds that stand, and what it is told back of them. The alarm
 * is control's, because only control lives on when services does not.
 */
export class ShedWatch {
  readonly #parts: ShedWatchParts;
  readonly #startedAt: MonotonicMs;
  readonly #told: NoticeState = noNotices();
  readonly #standsSince = new Map<string, MonotonicMs>();
  #unconfirmed = new Map<string, string>();
  #askedAt: MonotonicMs;
  #nextLookAt = -Infinity;

  constructor(parts: ShedWatchParts) {
    this.#parts = parts;
    this.#startedAt = parts.clock.now();
    this.#askedAt = this.#startedAt;
  }

  /** Services asks what stands, and says what of it is not confirmed. */
  level(word: ShedWord): ShedLevel {
    const { clock, zones } = this.#parts;
    const now = clock.now();
    this.#askedAt = now;
    this.#unconfirmed = new Map(word.unconfirmed.map(({ zone, text }) => [zone, text]));
    const sheds = standingSheds(zones, { now, utc: clock.utcNow() });
    return { upMs: now - this.#startedAt, sheds };
  }

  /** Behind a cycle. */
  look(now: MonotonicMs): void {
    if (now < this.#nextLookAt) return;
    this.#nextLookAt = now + LOOK_MS;
    const { clock, zones, onEvent } = this.#parts;
    const utc = clock.utcNow();
    const notices = new Notices(this.#told, utc);
    const standing = new Map(standingSheds(zones, { now, utc }).map((shed) => [shed.zone, shed]));
    for (const { plan } of zones) {
      const { asset } = plan;
      const text = this.#textOf(asset, standing.get(asset), now);
      notices.tell(
        { id: "shed-unconfirmed", device: asset },
        text !== undefined,
        text ?? `what has to leave the racks of ${asset} is confirmed, or need not go any more`,
      );
    }
    for (const event of notices.events) onEvent(event);
  }

  #textOf(zone: string, shed: StandingShed | undefined, now: MonotonicMs): string | undefined {
    if (shed === undefined) {
      this.#standsSince.delete(zone);
      return undefined;
    }
    const since = this.#standsSince.get(zone) ?? now;
    this.#standsSince.set(zone, since);
    if (now - Math.max(since, this.#askedAt) >= NOBODY_ASKS_MS)
      return (
        `${megawatts(shed.powerW)} have to leave the racks of ${zone}, and nobody tells the ` +
        "workloads: gateway-services does not ask; the gateway keeps the coolant as well as its " +
        "mode allows"
      );
    return this.#unconfirmed.get(zone);
  }
}
