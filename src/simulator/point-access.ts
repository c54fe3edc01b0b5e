import { assert } from "../domain/assert.ts";
import { isBad } from "../domain/quality.ts";
import type { RoundColumns } from "../domain/round.ts";
import type { BoundPoint, ReadBinding, RegisterPlace } from "../profiles/binding.ts";
import { isExponent } from "../profiles/conversion.ts";
import {
  decodeBit,
  decodePoint,
  knownExponent,
  type PointSlot,
  slotOf,
} from "../profiles/decode.ts";
import { encodePoint } from "../profiles/encode.ts";
import { isBitTable } from "../wire/modbus/registers.ts";
import { PlainNumber } from "./plain-number.ts";
import type { RegisterImage } from "./register-image.ts";

/** Finds the image behind a unit id; undefined: the device's own. */
export type ImageOf = (unit: number | undefined) => RegisterImage;

/**
 * One point of a device, joined to the registers of its image: canonical values in and out. Made
 * once; reads and writes touch the image only.
 */
export class PointAccess {
  readonly point: BoundPoint;
  readonly binding: ReadBinding;
  readonly #image: RegisterImage;
  readonly #slot: PointSlot;
  readonly #view: DataView;
  readonly #sfView: DataView | undefined;
  /** True where the registers hold something else besides the point, which has to stay. */
  readonly #hasNeighbours: boolean;
  readonly #plain: PlainNumber | undefined;
  readonly #column: RoundColumns = {
    values: new Float64Array(1),
    quality: new Uint8Array(1),
    texts: new Map(),
  };

  /** @param binding where the point is read, or where it is written */
  constructor(point: BoundPoint, binding: ReadBinding, imageOf: ImageOf) {
    // Decoding and encoding look at the place in `read`; a setpoint's other place stands in for it.
    this.point = { ...point, read: binding };
    this.binding = binding;
    this.#image = imageOf(binding.unit);
    this.#slot = slotOf(this.point, 0, undefined);
    this.#view = viewOf(this.#image, binding);
    const { slice, raw } = binding.conversion;
    this.#hasNeighbours = slice !== undefined || raw.startsWith("uint8-");
    this.#plain = PlainNumber.of(binding, this.#view);
    const sf = binding.conversion.sf?.place;
    this.#sfView = sf === undefined ? undefined : viewOf(imageOf(sf.unit), sf);
  }

  /**
   * What the registers mean: a number, a text, or undefined when they mean no value. A percentage
   * of another point is multiplied by `reference`.
   */
  read(reference: number | undefined): number | string | undefined {
    this.#decode();
    const [value = Number.NaN] = this.#column.values;
    const [quality = 0] = this.#column.quality;
    if (isBad(quality)) return undefined;
    if (this.point.type === "text") return this.#column.texts.get(0);
    if (Number.isNaN(value)) return undefined;
    return this.binding.conversion.percentOf === undefined ? value : value * (reference ?? 1);
  }

  /**
   * Makes the registers mean `value` (undefined: "no value"), rounded to what they can hold and
   * clamped to their ends, as a device does.
   *
   * @returns false when they cannot say it, and stay as they are: the profile gives no code for
   *   this state, no pattern for "no value", or the register of the scale factor holds none; write
   *   a power of ten there first
   */
  write(value: number | string | undefined, reference: number | undefined): boolean {
    const exponent = this.#exponent();
    if (Number.isNaN(exponent)) return false;
    if (this.#plain !== undefined && typeof value === "number" && Number.isFinite(value)) {
      const isPercent = this.binding.conversion.percentOf !== undefined;
      if (this.#plain.write(value, exponent, isPercent ? (reference ?? 0) : 1)) return true;
    }
    const words = encodePoint(this.point, value, {
      exponent,
      ...(this.#hasNeighbours ? { current: this.#image.words(this.binding) } : {}),
      ...(reference === undefined ? {} : { reference }),
    });
    if (words === undefined) return false;
    this.#image.setWords(this.binding, words);
    return true;
  }

  #decode(): void {
    const { table, conversion } = this.binding;
    if (isBitTable(table)) {
      decodeBit(this.#slot.point, this.#view.getUint8(0) === 0 ? 0 : 1, this.#column, 0);
      return;
    }
    if (conversion.sf !== undefined) this.#slot.exponent = this.#exponent();
    decodePoint(this.#slot, this.#view, this.#column, 0);
  }

  /** NaN when the register of the scale factor holds no power of ten. */
  #exponent(): number {
    if (this.#sfView === undefined) return knownExponent(this.binding.conversion);
    const exponent = this.#sfView.getInt16(0);
    return isExponent(exponent) ? exponent : Number.NaN;
  }
}

function viewOf(image: RegisterImage, place: RegisterPlace): DataView {
  const bytes = image.view(place.table, place.address, place.count);
  assert(bytes !== undefined, `the image has no ${place.table} ${place.address}`);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
