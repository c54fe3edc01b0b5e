import type { Conversion, ReadBinding } from "../profiles/binding.ts";
import { rawLimits, rawOfValue } from "../profiles/conversion.ts";
import { isBitTable } from "../wire/modbus/registers.ts";

/** Types that are written by one call, and how many bits they have. */
const PLAIN_BITS = { uint16: 16, int16: 16, uint32: 32, int32: 32, float32: 32 } as const;
type PlainType = keyof typeof PLAIN_BITS;

const STRAIGHT_ORDERS: ReadonlySet<string> = new Set(["AB", "ABCD"]);

/**
 * Writes a number straight into its registers: what `encodePoint` does, without its words. Made for
 * the plain points only, which most are: no codes, no slice, no curve, big-endian.
 */
export class PlainNumber {
  readonly #conversion: Conversion;
  readonly #type: PlainType;
  readonly #view: DataView;
  readonly #minimum: number;
  readonly #maximum: number;
  /** Words that mean "no value", as unsigned numbers. */
  readonly #absent: ReadonlySet<number>;

  /** Undefined: this point is not plain. */
  static of(binding: ReadBinding, view: DataView): PlainNumber | undefined {
    const { conversion } = binding;
    const { raw, order, slice, codes, curve, absent } = conversion;
    const isPlain = isPlainType(raw) && slice === undefined && codes === undefined;
    if (!isPlain || curve !== undefined || !STRAIGHT_ORDERS.has(order)) return undefined;
    if (isBitTable(binding.table) || (raw === "float32" && absent.size > 0)) return undefined;
    return new PlainNumber(binding, raw, view);
  }

  private constructor(binding: ReadBinding, type: PlainType, view: DataView) {
    this.#conversion = binding.conversion;
    this.#type = type;
    this.#view = view;
    [this.#minimum, this.#maximum] = rawLimits(binding.conversion, binding);
    const patterns = [...binding.conversion.absent.keys()];
    this.#absent = new Set(patterns.map((hex) => Number.parseInt(hex, 16)));
  }

  /**
   * @param reference value of the point that this one is percent of; 1 where it is of none
   * @returns false: nothing was written, the registers would mean "no value"
   */
  write(value: number, exponent: number, reference: number): boolean {
    const share = reference === 0 ? 0 : value / reference;
    const exact = rawOfValue(this.#conversion, share, exponent);
    const whole = this.#type === "float32" ? exact : Math.round(exact);
    const raw = Math.min(Math.max(whole, this.#minimum), this.#maximum);
    if (this.#absent.size > 0 && this.#absent.has(this.#unsigned(raw))) return false;
    this.#put(raw);
    return true;
  }

  #unsigned(raw: number): number {
    return raw < 0 ? raw + 2 ** PLAIN_BITS[this.#type] : raw;
  }

  #put(raw: number): void {
    switch (this.#type) {
      case "float32":
        this.#view.setFloat32(0, raw);
        return;
      case "uint16":
      case "int16":
        this.#view.setUint16(0, raw & 0xffff);
        return;
      default:
        this.#view.setUint32(0, raw >>> 0);
    }
  }
}

function isPlainType(raw: string): raw is PlainType {
  return raw in PLAIN_BITS;
}
