import { assert } from "../domain/assert.ts";
import type { MonotonicMs } from "../domain/time.ts";
import type { SimulatedDevice } from "./device.ts";

export const FLEET_FIRST_ADDRESS = 0;
/** Resolution of the first point: when the values of the device moved last. */
export const FLEET_TICKS_PER_S = 10_000;
/** The first point starts again after this many seconds. */
export const FLEET_WRAP_S = 2 ** 32 / FLEET_TICKS_PER_S;
/** Counters wrap here, so that every value is exact in 32-bit floating point. */
const COUNTER_WRAP = 2 ** 20;
const REGISTERS_PER_POINT = 2;

/**
 * Moves every value of a fleet at once. The first point of a device says when; point k is a
 * counter, k ahead of the number of updates: a subscriber can tell both age and loss.
 */
export class FleetValues {
  readonly #views: readonly DataView[];
  #updates = 0;

  constructor(devices: readonly SimulatedDevice[]) {
    this.#views = devices.map((device) => {
      const registers = device.profile.points.length * REGISTERS_PER_POINT;
      const [unit = 0] = device.units;
      const bytes = device.view(unit, "holding", FLEET_FIRST_ADDRESS, registers);
      assert(bytes !== undefined, `${device.id} does not have the registers of a fleet device`);
      return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    });
  }

  update(now: MonotonicMs): void {
    this.#updates += 1;
    const ticks = Math.floor((now * FLEET_TICKS_PER_S) / 1000) % 2 ** 32;
    for (const view of this.#views) {
      view.setUint32(0, ticks);
      for (let at = 4; at < view.byteLength; at += 4) {
        view.setFloat32(at, (this.#updates + at / 4) % COUNTER_WRAP);
      }
    }
  }
}
