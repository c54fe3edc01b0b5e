/** A limit of a setpoint: a number, or a magnitude read from a point of the same device. */
export type Bound =
  | { readonly kind: "fixed"; readonly value: number }
  | { readonly kind: "point"; readonly ordinal: number; readonly sign: 1 | -1 };
