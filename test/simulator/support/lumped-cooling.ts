import type {
  CoolingDemand,
  CoolingHalf,
  CoolingOrder,
  CoolingSnapshot,
} from "../../../src/simulator/cooling-half.ts";

const MASS_J_PER_K = 50e6;
const CONDUCTANCE_W_PER_K = 1e6;
const PUMPS_W_AT_FULL_SPEED = 212_000;
const PLANT_W_PER_W = 0.04;
const START_CEL = 30;

/** The least that cools: one mass, one conductance to the air, pumps by the cube of their speed. */
export class LumpedCooling implements CoolingHalf {
  readonly power = { cduPumpsW: 0, mechanicalW: 0 };
  readonly demands: CoolingDemand[] = [];
  readonly orders: CoolingOrder[] = [];
  speedPercent = 0;
  heatInJ = 0;
  steps = 0;
  shows = 0;
  repairs = 0;
  settles = 0;
  temperatureCel = START_CEL;
  #error = 0;

  settle(demand: Readonly<CoolingDemand>): void {
    this.settles += 1;
    this.#draw(demand);
    this.temperatureCel = demand.ambientCel + this.#heatW(demand) / CONDUCTANCE_W_PER_K;
  }

  step(demand: Readonly<CoolingDemand>, dtS: number): void {
    this.steps += 1;
    this.demands.push({ ...demand });
    const heatW = this.#heatW(demand);
    const before = this.temperatureCel;
    const outW = (before - demand.ambientCel) * CONDUCTANCE_W_PER_K;
    this.temperatureCel += ((heatW - outW) * dtS) / MASS_J_PER_K;
    this.heatInJ += heatW * dtS;
    const storedW = ((this.temperatureCel - before) * MASS_J_PER_K) / dtS;
    this.#error = Math.abs(heatW - outW - storedW) / Math.max(1, heatW);
    this.#draw(demand);
  }

  show(): void {
    this.shows += 1;
  }

  operate(speedPercent: number): void {
    this.speedPercent = speedPercent;
  }

  obey(order: CoolingOrder): string | undefined {
    this.orders.push(order);
    return undefined;
  }

  repair(): void {
    this.repairs += 1;
  }

  snapshot(): CoolingSnapshot {
    const loop = { supplyCel: this.temperatureCel, returnCel: this.temperatureCel };
    return {
      cdu: [],
      chilledWater: { ...loop, heatW: 0, chillers: [] },
      heat: { ...loop, deliveredW: 0, flowLPerMin: 0, heatPumpW: 0 },
      facility: { ...loop, dryCoolerW: 0, fanPercent: 0 },
      heatBalanceError: this.#error,
    };
  }

  #heatW({ trainingW, inferenceW, upsLossW, controlsW }: CoolingDemand): number {
    return trainingW + inferenceW + upsLossW + controlsW + this.power.cduPumpsW;
  }

  #draw(demand: Readonly<CoolingDemand>): void {
    const pumpsW = PUMPS_W_AT_FULL_SPEED * (this.speedPercent / 100) ** 3;
    this.power.cduPumpsW = demand.isUpsFed ? pumpsW : 0;
    this.power.mechanicalW = demand.isPowered ? PLANT_W_PER_W * this.#heatW(demand) : 0;
  }
}
