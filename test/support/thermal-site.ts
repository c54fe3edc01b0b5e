/**
 * The site of the demonstration with a section `thermal`: cdu-3 and cdu-6 in control, cdu-5 asks
 * for load to go, the others are observed.
 */
export function withThermal(text: string): string {
  const zone = (device: string, mode: string): string => `
    - device: ${device}
      mode: ${mode}
      secondRope: x-row-rope-wet
      levelLow: x-level-low`;
  return text
    .replace(/(id: cdu-[36],.*), drive: request/g, "$1, drive: control")
    .replace(/(device: cdu-[36], point: pump-speed-setpoint, minimum: )30/g, "$10")
    .replace(
      "\nmeters:\n",
      `
thermal:
  ratedHeatKw: 3000
  zones:${zone("cdu-3", "control")}${zone("cdu-5", "request")}${zone("cdu-6", "control")}
meters:
`,
    );
}
