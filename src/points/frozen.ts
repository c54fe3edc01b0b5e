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

/** A counter that the device itself moves. It may be a watched point as well. */
export interface Heartbeat {
  readonly point: PointIndex;
  readonly pointName: string;
  readonly afterMs: number;
  /** What is not believed while it stands still. */
  readonly spoils: readonly PointIndex[];
}

export interface FrozenOptions {
  readonly device: string;
  readonly watches: readonly FrozenWatch[];
  /**
   * Where there is one it decides: while it moves, a value that stands still only warns; when it
   * stands still, everything that it spoils and every watched value is frozen.
   */
  readonly heartbeat: Heartbeat | undefined;
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
  /** Place of the watch by point, behind `#first`. */
  readonly #slots: Uint8Array;
  readonly #first: number;
  /** Everything that a dead heartbeat lowers. */
  readonly #spoiled: readonly PointIndex[];
  readonly #lastValues: Float64Array;
  /** When each watched value last moved, monotonic ms; NaN before its first reading. */
  readonly #movedAt: Float64Array;
  /** 1 where a value stands still; with a heartbeat that need not make it stale. */
  readonly #isStill: Uint8Array;
  #beat = Number.NaN;
  /** When the heartbeat last moved, and when it was last read, monotonic ms. */
  #beatAt = Number.NaN;
  #heardAt = Number.NaN;
  #isDead = false;
  #isRaised = false;

  constructor(options: FrozenOptions) {
    const { watches, heartbeat } = options;
    assert(watches.length < MAXIMUM_WATCHES, "a device has at most 254 watched points");
    this.#options = options;
    const watched = watches.map(({ point }) => point);
    this.#spoiled = [...new Set([...watched, ...(heartbeat?.spoils ?? [])])];
    this.#overrides = new QualityOverrides(this.#spoiled);
    this.#first = watched.length === 0 ? 0 : Math.min(...watched);
    const last = Math.max(-1, ...watched);
    this.#slots = new Uint8Array(last < 0 ? 0 : last - this.#first + 1).fill(NOT_WATCHED);
    watched.forEach((point, slot) => (this.#slots[point - this.#first] = slot));
    this.#lastValues = new Float64Array(watches.length).fill(Number.NaN);
    this.#movedAt = new Float64Array(watches.length).fill(Number.NaN);
    this.#isStill = new Uint8Array(watches.length);
  }

  /**
   * Looks at a reading of the device and lowers the quality of frozen values in its own column.
   * Returns what to pass on, see `QualityOverrides.apply`; pushes raised and cleared events.
   */
  apply(reading: Reading, events: PlantEvent[]): Reading {
    const beating = this.#options.heartbeat?.point;
    for (let at = 0; at < reading.points.length; at += 1) {
      const point = placeAt(reading.points, at);
      const slot = this.#slots[point - this.#first] ?? NOT_WATCHED;
      if (slot === NOT_WATCHED && point !== beating) continue;
      if (!isGood(byteAt(reading.quality, at))) continue;
      const value = numberAt(reading.values, at);
      if (slot !== NOT_WATCHED) this.#note(slot, value, reading.receivedAt);
      if (point === beating) this.#noteBeat(value, reading.receivedAt);
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

  #noteBeat(value: number, now: number): void {
    this.#heardAt = now;
    if (value === this.#beat) return;
    this.#beat = value;
    this.#beatAt = now;
  }

  #judge(now: number): void {
    const { watches, heartbeat } = this.#options;
    for (const [slot, watch] of watches.entries()) {
      const isStill = now - numberAt(this.#movedAt, slot) >= watch.afterMs;
      this.#isStill[slot] = isStill ? 1 : 0;
    }
    if (heartbeat === undefined || Number.isNaN(this.#beatAt)) this.#lowerStill();
    else this.#lowerBehind(heartbeat);
  }

  #lowerStill(): void {
    for (const [slot, { point }] of this.#options.watches.entries())
      this.#overrides.set(point, this.#isStill[slot] === 1 ? STALE : GOOD);
  }

  /** One that is not read does not stand still: its own quality tells of it. */
  #lowerBehind(heartbeat: Heartbeat): void {
    this.#isDead = this.#heardAt - this.#beatAt >= heartbeat.afterMs;
    if (this.#overrides.loweredCount === (this.#isDead ? this.#spoiled.length : 0)) return;
    for (const point of this.#spoiled) this.#overrides.set(point, this.#isDead ? STALE : GOOD);
  }

  #tell(reading: Reading, events: PlantEvent[]): void {
    const isActive = this.#isDead || this.#isStill.includes(1);
    if (isActive === this.#isRaised) return;
    this.#isRaised = isActive;
    const { device, watches, heartbeat } = this.#options;
    const still = this.#isDead ? heartbeat : watches.find((_, slot) => this.#isStill[slot] === 1);
    events.push({
      id: "values-frozen",
      severity: "warning",
      phase: isActive ? "raised" : "cleared",
      device,
      point: still?.pointName,
      text: isActive
        ? `${device} answers, but its values no longer move`
        : `the values of ${device} move again`,
      at: reading.receivedUtc,
    });
  }
}
