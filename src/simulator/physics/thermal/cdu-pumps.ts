/** Pumps of one coolant distribution unit and the circuit that they push. */
export interface CduPumpParameters {
  readonly pumps: number;
  /** Head of one pump without flow at full speed, kPa. */
  readonly shutOffHeadKpa: number;
  /** Head that one pump loses at `pumpFlowLPerMin`, kPa. */
  readonly pumpDropKpa: number;
  readonly pumpFlowLPerMin: number;
  /** Head that the circuit takes at `systemFlowLPerMin`, kPa. */
  readonly systemDropKpa: number;
  readonly systemFlowLPerMin: number;
  readonly efficiency: number;
}

/** Flow with `running` pumps at one speed (0 to 1), L/min: where curve and circuit meet. */
export function cduFlowLPerMin(
  parameters: CduPumpParameters,
  speed: number,
  running: number,
): number {
  if (running <= 0 || speed <= 0) return 0;
  const circuit = parameters.systemDropKpa / parameters.systemFlowLPerMin ** 2;
  const pump = parameters.pumpDropKpa / parameters.pumpFlowLPerMin ** 2;
  return speed * Math.sqrt(parameters.shutOffHeadKpa / (circuit + pump / (running * running)));
}

/** Electric power of the unit's pumps, W; all of it ends as heat in the loop. */
export function cduPumpPowerW(parameters: CduPumpParameters, flowLPerMin: number): number {
  const headKpa = parameters.systemDropKpa * (flowLPerMin / parameters.systemFlowLPerMin) ** 2;
  // L/min × kPa = W / 60.
  return (flowLPerMin * headKpa) / 60 / parameters.efficiency;
}
