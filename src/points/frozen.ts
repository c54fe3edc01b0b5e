import { assert } from "../domain/assert.ts";
import type { PlantEvent } from "../domain/event.ts";
import type { PointIndex } from "../domain/point.ts";
import { GOOD, isGood, qualityCode } from "../domain/quality.ts";
import type { Reading } from "../domain/round.ts";
import { QualityOverrides } from "./quality-overrides.ts";
import { byteAt, numberAt, placeAt } from "./number-at.ts";

/** A point that must not stand still. */
export interface FrozenWatch {
  readonly point: PointIndex;
  readonly pointName: string;
  /** Unchanged this long the value is frozen, ms. */
  readonly afterMs: number;
  /** Smallest change that counts, unit of the point; 0: any. */
  readonly resolution: number;
}

export interface FrozenOptions {
  readonly device: string;
  readonly pointCount: number;
  readonly watches: readonly FrozenWatch[];
  /**
   * A counter that the device itself moves. Where there is one it decides: while it moves, a value
   * that stands still only warns; when it stands still, every watched value is frozen.
   */
  readonly heartbeat: { readonly point: PointIndex; readonly afterMs: number } | undefined;
  /** Id of the event: `meter-frozen`. */
  readonly eventId: string;
}

const STALE = qualityCode("stale");
const NOT_WATCHED = 255;
const MAXIMUM_WATCHES = NOT_WATCHED;

/**
 * Finds values that no longer move although the device answers: registers frozen behind a living
 * TCP stack. Such a value becomes uncertain/stale where its reading is made, before anybody acts on
 * it or publishes it, and good again with its first change. One per device.
 */
export class FrozenDetector {
  readonly #options: FrozenOptions;
  readonly #overrides: QualityOverrides;
  /** Place of the watch by point; the heartbeat stands behind the watches. */
  readonly #slots: Uint8Array;
  readonly #lastValues: Float64Array;
  /** When each watched value last moved, monotonic ms; NaN before its first reading. */
  readonly #movedAt: Float64Array;
  /** 1 where a value stands still; with a heartbeat that need not make it stale. */
  readonly #isStill: Uint8Array;
  #isRaised = false;

  constructor(options: FrozenOptions) {
    const { watches, heartbeat, pointCount } = options;
    assert(watches.length < MAXIMUM_WATCHES, "a device has at most 254 watched points");
    this.#options = options;
    this.#overrides = new QualityOverrides(pointCount);
    this.#slots = new Uint8Array(pointCount).fill(NOT_WATCHED);
    watches.forEach((watch, slot) => (this.#slots[watch.point] = slot));
    if (heartbeat !== undefined) this.#slots[heartbeat.point] = watches.length;
    this.#lastValues = new Float64Array(watches.length + 1).fill(Number.NaN);
    this.#movedAt = new Float64Array(watches.length + 1).fill(Number.NaN);
    this.#isStill = new Uint8Array(watches.length);
  }

  /**
   * Looks at a reading of the device and lowers the quality of frozen values in its own column.
   * Returns what to pass on, see `QualityOverrides.apply`; pushes raised and cleared events.
   */
  apply(reading: Reading, events: PlantEvent[]): Reading {
    for (let at = 0; at < reading.points.length; at += 1) {
      const slot = byteAt(this.#slots, placeAt(reading.points, at));
      if (slot === NOT_WATCHED || !isGood(byteAt(reading.quality, at))) continue;
      this.#note(slot, numberAt(reading.values, at), reading.receivedAt);
    }
    this.#judge(reading.receivedAt);
    this.#tell(reading, events);
    return this.#overrides.apply(reading);
  }

  #note(slot: number, value: number, now: number): void {
    const resolution = this.#options.watches[slot]?.resolution ?? 0;
    const distance = Math.abs(value - numberAt(this.#lastValues, slot));
    if (distance === 0 || distance < resolution) return;
    this.#lastValues[slot] = value;
    this.#movedAt[slot] = now;
  }

  #judge(now: number): void {
    const { watches, heartbeat } = this.#options;
    const beatAgeMs = now - numberAt(this.#movedAt, watches.length);
    const hasHeartbeat = heartbeat !== undefined && !Number.isNaN(beatAgeMs);
    const isDead = hasHeartbeat && beatAgeMs >= heartbeat.afterMs;
    for (const [slot, watch] of watches.entries()) {
      const isStill = now - numberAt(this.#movedAt, slot) >= watch.afterMs;
      this.#isStill[slot] = isStill ? 1 : 0;
      const isStale = hasHeartbeat ? isDead : isStill;
      this.#overrides.set(watch.point, isStale ? STALE : GOOD);
    }
  }

  #tell(reading: Reading, events: PlantEvent[]): void {
    const isActive = this.#overrides.loweredCount > 0 || this.#isStill.includes(1);
    if (isActive === this.#isRaised) return;
    this.#isRaised = isActive;
    const { device, eventId, watches } = this.#options;
    const first = watches.find(
      (watch, slot) => this.#isStill[slot] === 1 || !isGood(this.#overrides.get(watch.point)),
    );
    events.push({
      id: eventId,
      severity: "warning",
      phase: isActive ? "raised" : "cleared",
      device,
      point: first?.pointName,
      text: isActive
        ? `${device} answers, but its values no longer move`
        : `the values of ${device} move again`,
      at: reading.receivedUtc,
    });
  }
}
