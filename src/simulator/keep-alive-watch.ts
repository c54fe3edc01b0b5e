import type { CompiledProfile, KeepAlive } from "../profiles/binding.ts";
import { placesOverlap, type UnitPlace } from "./register-image.ts";

/** Watches what keeps the held setpoints of one device alive. */
export class KeepAliveWatch {
  readonly #beats: readonly { readonly rule: KeepAlive; atMs: number }[];
  readonly #ownUnit: number;

  constructor(profile: CompiledProfile, ownUnit: number) {
    this.#beats = [...profile.keepAlives.values()].map((rule) => ({ rule, atMs: 0 }));
    this.#ownUnit = ownUnit;
  }

  /** A setpoint begins to be held: its keep-alives count from here. */
  begin(names: readonly string[], nowMs: number): void {
    for (const beat of this.#beats) if (names.includes(beat.rule.name)) beat.atMs = nowMs;
  }

  /** Registers were written: the right value, a changed counter or a toggled bit is a beat. */
  noteWrite(
    place: UnitPlace,
    before: readonly number[],
    after: readonly number[],
    nowMs: number,
  ): void {
    for (const beat of this.#beats) {
      const { action } = beat.rule;
      if (action.kind === "repeat" || !placesOverlap(place, action.place, this.#ownUnit)) continue;
      const at = action.place.address - place.address;
      const isBeat =
        action.kind === "raw"
          ? after[at] === action.raw
          : after.some((word, index) => word !== before[index]);
      if (isBeat) beat.atMs = nowMs;
    }
  }

  /** A setpoint was written: where repeating it is the keep-alive, this is the beat. */
  noteSetpoint(ordinal: number, nowMs: number): void {
    for (const beat of this.#beats) {
      const { action } = beat.rule;
      if (action.kind === "repeat" && action.ordinal === ordinal) beat.atMs = nowMs;
    }
  }

  /** True when one of `names` has been missing longer than the device bears. */
  isLapsed(names: readonly string[], nowMs: number): boolean {
    return this.#beats.some(
      ({ rule, atMs }) =>
        rule.deviceTimeoutMs !== undefined &&
        names.includes(rule.name) &&
        nowMs - atMs > rule.deviceTimeoutMs,
    );
  }
}
