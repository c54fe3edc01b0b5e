import type { PointAccess } from "./point-access.ts";

/** What a pen needs of its device. */
export interface PenTerms {
  readonly access: PointAccess;
  /** Value of the point that this one is percent of; asked for each time. */
  readonly reference: (() => number | undefined) | undefined;
  /** True while a fault holds the registers of this point as they are. */
  readonly isHeld: () => boolean;
  /** Changes whenever somebody else may have changed registers of the device. */
  readonly epoch: () => number;
}

/**
 * One point of one device for somebody who sets it again and again: found once, and written only
 * when its value has changed. A pen without terms belongs to a point that the device does not have.
 */
export class PointPen {
  readonly #terms: PenTerms | undefined;
  #value = Number.NaN;
  #epoch = -1;

  constructor(terms: PenTerms | undefined) {
    this.#terms = terms;
  }

  /** As `SimulatedDevice.setPoint`. */
  set(value: number): boolean {
    const terms = this.#terms;
    if (terms === undefined || terms.isHeld()) return false;
    const epoch = terms.epoch();
    // A percentage moves with what it is percent of, whatever its value.
    if (value === this.#value && epoch === this.#epoch && terms.reference === undefined)
      return true;
    if (!terms.access.write(value, terms.reference?.())) return false;
    this.#value = value;
    this.#epoch = epoch;
    return true;
  }

  /** As `SimulatedDevice.setState`. */
  setState(text: string): boolean {
    const index = this.#terms?.access.point.texts?.indexOf(text) ?? -1;
    return index >= 0 && this.set(index);
  }
}
