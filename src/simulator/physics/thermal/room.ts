/** Air of the hall: warmer than the chilled water that cools it, with what moisture it has. */
const ABOVE_WATER_K = 6.1;
const LAG_S = 120;
const DEW_POINT_CEL = 10.1;
/** Magnus over water, −45 to 60 °C (Sonntag 1990): vapour pressure is 6.112 hPa · e^(b·t/(c+t)). */
const MAGNUS_B = 17.62;
const MAGNUS_C_CEL = 243.12;

/** What room sensors see. The air stores nothing that counts: its heat is in the chilled water. */
export class RoomAir {
  temperatureCel: number;
  readonly dewPointCel = DEW_POINT_CEL;

  constructor(waterCel: number) {
    this.temperatureCel = waterCel + ABOVE_WATER_K;
  }

  settle(waterCel: number): void {
    this.temperatureCel = waterCel + ABOVE_WATER_K;
  }

  step(waterCel: number, dtS: number): void {
    const missingK = waterCel + ABOVE_WATER_K - this.temperatureCel;
    this.temperatureCel += missingK * (1 - Math.exp(-dtS / LAG_S));
  }

  /** Relative humidity where the air is this warm, %. */
  humidityPercent(temperatureCel: number): number {
    const exponent = (cel: number): number => (MAGNUS_B * cel) / (MAGNUS_C_CEL + cel);
    return Math.min(100, 100 * Math.exp(exponent(this.dewPointCel) - exponent(temperatureCel)));
  }
}
