/**
 * Effectiveness of a counter-flow heat exchanger from its number of transfer units and the ratio of
 * the smaller to the larger capacity rate (ε-NTU method).
 */
export function counterFlowEffectiveness(transferUnits: number, capacityRatio: number): number {
  // Equal capacity rates: the general form is 0/0 there.
  if (Math.abs(1 - capacityRatio) < 1e-9) return transferUnits / (1 + transferUnits);
  const decay = Math.exp(-transferUnits * (1 - capacityRatio));
  return (1 - decay) / (1 - capacityRatio * decay);
}
