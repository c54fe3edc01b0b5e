/** What a value must show for a condition to hold: a bit of a `bits` point, or a value. */
export interface Condition {
  /** The value is an enum's index, or 0 and 1 of a flag. */
  readonly when: { readonly bit: number } | { readonly equals: number };
  /** True when it holds while the bit is 0, or the value differs. */
  readonly isActiveLow: boolean;
}

/** True while the condition holds for a value; bits beyond 2^31 included. */
export function conditionHolds({ when, isActiveLow }: Condition, value: number): boolean {
  const isThere =
    "bit" in when ? Math.floor(value / 2 ** when.bit) % 2 === 1 : value === when.equals;
  return isThere !== isActiveLow;
}
