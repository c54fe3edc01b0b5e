/**
 * Units by the numbers of `SIUnit`, in the spelling of the plant vocabulary; only those that a
 * point can have. @see IEC 61850-7-3, annex A (SIUnit)
 */
export const SI_UNITS: ReadonlyMap<number, string> = new Map([
  [4, "s"],
  [5, "A"],
  [6, "K"],
  [23, "Cel"],
  [29, "V"],
  [30, "Ohm"],
  [31, "J"],
  [33, "Hz"],
  [38, "W"],
  [39, "Pa"],
  [42, "m3"],
  [43, "m/s"],
  [45, "m3/s"],
  [61, "VA"],
  [62, "W"],
  [63, "var"],
  [71, "VAh"],
  [72, "Wh"],
  [73, "varh"],
  [81, "rpm"],
]);
