/** SqNum is one octet in an unbuffered block and two in a buffered one. @see IEC 61850-7-2, 17.2 */
const MODULUS = { unbuffered: 0x100, buffered: 0x1_0000 } as const;

/** Follows the numbers of a block's reports. */
export class ReportSequence {
  readonly #modulus: number;
  #last: number | undefined;

  constructor(kind: keyof typeof MODULUS) {
    this.#modulus = MODULUS[kind];
  }

  /** @returns the number that should have come; undefined when it is the right one */
  follow(sequence: number): number | undefined {
    const last = this.#last;
    this.#last = sequence;
    if (last === undefined) return undefined;
    const expected = (last + 1) % this.#modulus;
    return sequence === expected ? undefined : expected;
  }
}
