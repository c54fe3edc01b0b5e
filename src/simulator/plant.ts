import { assert } from "../domain/assert.ts";
import type { CoolingDemand, CoolingHalf } from "./cooling-half.ts";
import type { SimulatedDevice } from "./device.ts";
import type { PlantOrder, TripCause } from "./orders.ts";
import { scriptFrequency } from "./physics/grid.ts";
import { settleLoad } from "./physics/load.ts";
import {
  OPERATING_POINTS,
  type OperatingPoint,
  type OperatingPointName,
  type PlantParameters,
  type TimingPreset,
} from "./physics/parameters.ts";
import {
  type LoadMode,
  type PlantInputs,
  plantState,
  type PlantState,
  pointOf,
  setGrid,
  setLoad,
  settlePlant,
  stepPlant,
  type Surroundings,
} from "./physics/plant-model.ts";
import { repairUps } from "./physics/ups.ts";
import { PlantBess } from "./plant-bess.ts";
import { type MeterRole, PlantMeter } from "./plant-meters.ts";
import { PlantCooling } from "./plant-cooling.ts";
import { obeyOrder } from "./plant-orders.ts";
import { parametersFor, type PlantRatings } from "./plant-ratings.ts";
import { type PlantSnapshot, snapshotOf } from "./plant-snapshot.ts";
import { PlantUps } from "./plant-ups.ts";

export type { MeterRole } from "./plant-meters.ts";
export type { BessSnapshot, PlantSnapshot } from "./plant-snapshot.ts";

export interface PlantSettings {
  /** Which device measures what; a device that the site does not have is left out. */
  readonly meters: ReadonlyMap<string, MeterRole>;
  /** Where the plant is at start. */
  readonly operatingPoint: OperatingPointName;
  /** What differs from the demo site, besides the number of its devices. */
  readonly ratings?: PlantRatings;
  /**
   * Makes the thermal half for the devices that it finds by their class; undefined, or one that
   * finds none: cooling and inference follow the operating points.
   */
  readonly cooling?: (
    devices: readonly SimulatedDevice[],
    parameters: PlantParameters,
  ) => CoolingHalf | undefined;
}

/** The meters of the demo site; everything else is found by its class. */
export const DEMO_PLANT: PlantSettings = {
  meters: new Map([
    ["pcc-meter", "grid"],
    ["m-train", "training"],
    ["m-ups", "ups"],
    ["m-mech", "mechanical"],
  ]),
  operatingPoint: "full",
  cooling: (devices, parameters) => new PlantCooling(devices, parameters),
};

/** Line-to-line voltage behind the transformers, where the feeder meters sit. */
const FEEDER_V = 415;
const SLOW_EVERY_S = 0.5;
/** The thermal half moves with the mean of this many seconds. */
const THERMAL_S = 0.1;
const FAST_STEP_S = 1;
const TINY_S = 1e-9;
/** Losses of the UPS heat the hall, whose cooling moves pumps behind the UPS: quick to agree. */
const SETTLE_ROUNDS = 4;

/** The plant model joined to the devices that measure and move it. */
export class Plant {
  readonly parameters: PlantParameters;
  readonly state: PlantState;
  readonly #meters: readonly PlantMeter[];
  readonly #bess: readonly PlantBess[];
  readonly #ups: readonly PlantUps[];
  readonly #cooling: CoolingHalf | undefined;
  readonly #inputs: PlantInputs;
  readonly #sums = { spanS: 0, trainingJ: 0, inferenceJ: 0, upsLossJ: 0, controlsJ: 0 };
  readonly #announced: { readonly load: LoadMode; readonly atS: number }[] = [];
  #startedMs = 0;
  #shown = 0;
  #sinceUpsS = 0;
  #sinceSlowS = 0;
  #speedPercent: number;

  constructor(
    settings: PlantSettings,
    devices: readonly SimulatedDevice[],
    terms: { readonly preset: TimingPreset; readonly seed: number },
  ) {
    const ofClass = (name: string): readonly SimulatedDevice[] =>
      devices.filter(({ profile }) => profile.deviceClass === name);
    const batteries = ofClass("bess");
    const upsDevices = ofClass("ups");
    const units = { bess: batteries.length, ups: upsDevices.length };
    this.parameters = parametersFor(terms.preset, units, settings.ratings);
    const point = pointOfSite(this.parameters, settings.operatingPoint);
    this.state = plantState(this.parameters, point, terms.seed);
    this.#speedPercent = point.pumpSpeedPercent;
    this.#meters = devices.flatMap((device) => {
      const role = settings.meters.get(device.id);
      return role === undefined ? [] : [this.#meterOf(device, role)];
    });
    this.#bess = batteries.map((device, index) => {
      const state = this.state.bess[index];
      assert(state !== undefined, "the model has a battery for each device");
      return new PlantBess(device, state, this.parameters.bess, (nowMs) => this.#laterS(nowMs));
    });
    this.#ups = upsDevices.map((device, index) => {
      const state = this.state.ups[index];
      assert(state !== undefined, "the model has a UPS for each device");
      const { ups, grid } = this.parameters;
      return new PlantUps(device, state, ups, grid.nominalVoltageV);
    });
    this.#cooling = settings.cooling?.(devices, this.parameters);
    this.#inputs = {
      bess: this.#bess.map(({ inputs }) => inputs),
      cooling: this.#cooling?.power,
    };
    this.#cooling?.operate(this.#speedPercent);
    this.settle();
  }

  /** Clock time that corresponds to the model's time zero. */
  startAt(nowMs: number): void {
    this.#startedMs = nowMs - this.state.timeS * 1000;
  }

  /** Moves the model by `dtS` and the registers after it. */
  step(dtS: number): void {
    this.#advance(dtS);
    this.#show(dtS);
  }

  /**
   * Lets `seconds` of the plant's own time pass at once, in steps of a second: iterations of the
   * load are drawn with their mean. Registers follow at the end.
   */
  fastForward(seconds: number): void {
    for (let leftS = seconds; leftS > TINY_S; leftS -= FAST_STEP_S) {
      this.#advance(Math.min(FAST_STEP_S, leftS));
    }
    this.#show(seconds);
  }

  /** Brings cooling to the steady state that belongs to the load of the moment. */
  settle(): void {
    const { state, parameters } = this;
    for (let round = 0; round < SETTLE_ROUNDS; round += 1) {
      this.#cooling?.settle(this.#demandNow());
      settlePlant(state, parameters, this.#cooling?.power);
    }
    this.#showAll();
  }

  /** The plant has settled in this mode, and everything in it is whole. */
  begin(mode: LoadMode, start: Partial<Surroundings> = {}): void {
    this.repair();
    const point = OPERATING_POINTS[pointOf(mode) ?? "full"];
    const { inferenceW, ambientCel, heatDemandW } = point;
    Object.assign(this.state.surroundings, { inferenceW, ambientCel, heatDemandW, ...start });
    setLoad(this.state, this.parameters, mode);
    settleLoad(this.state.load, this.parameters.load);
    this.state.target = { ...point, inferenceW: this.state.surroundings.inferenceW };
    this.#operate(point.pumpSpeedPercent);
    this.settle();
  }

  /** The grid is there, every unit works, nothing leaks. Emergency stops stay latched. */
  repair(): void {
    setGrid(this.state, this.parameters, true);
    scriptFrequency(this.state.grid, 0);
    for (const unit of this.state.ups) repairUps(unit);
    for (const bess of this.#bess) bess.clearCause();
    this.#announced.length = 0;
    this.#cooling?.repair();
  }

  /**
   * The training hall does something else. An operator opens the coolant pumps for more load and
   * leaves them where they are when it goes.
   */
  load(mode: LoadMode): void {
    setLoad(this.state, this.parameters, mode);
    const name = pointOf(mode);
    if (name === undefined) return;
    const { pumpSpeedPercent, ambientCel } = OPERATING_POINTS[name];
    if (pumpSpeedPercent > this.#speedPercent) this.#operate(pumpSpeedPercent);
    if (mode === "hot") this.state.surroundings.ambientCel = ambientCel;
  }

  /** Script of a scenario: how far the grid's frequency is off, besides its noise, Hz. */
  offsetFrequency(offsetHz: number): void {
    scriptFrequency(this.state.grid, offsetHz);
  }

  trip(device: string, cause: TripCause): void {
    this.#bessOf(device).trip(cause);
  }

  clearCause(device: string): void {
    this.#bessOf(device).clearCause();
  }

  /** What is behind the UPS units and more than they are made for, in a sentence. */
  upsWarning(): string | undefined {
    const { units, ratingW, controlsW } = this.parameters.ups;
    const loadW = this.state.surroundings.inferenceW + controlsW + this.state.cduPumpsW;
    if (loadW <= units * ratingW) return undefined;
    const megawatts = (powerW: number): string => `${(powerW / 1e6).toFixed(2)} MW`;
    return (
      `the load behind the UPS is ${megawatts(loadW)}, its units are made for ` +
      `${megawatts(units * ratingW)}: the order inferenceW or start.inferenceKw makes it smaller`
    );
  }

  /** See `obeyOrder`. */
  order(order: PlantOrder): string | undefined {
    return obeyOrder(
      {
        state: this.state,
        parameters: this.parameters,
        bess: this.#bess,
        ups: this.#ups,
        cooling: this.#cooling,
        load: (mode, inS) => {
          if (inS <= 0) this.load(mode);
          else this.#announced.push({ load: mode, atS: this.state.timeS + inS });
        },
      },
      order,
    );
  }

  snapshot(): PlantSnapshot {
    const { state } = this;
    const [next] = this.#announced;
    return snapshotOf({
      state,
      bess: this.#bess,
      ups: this.#ups,
      cooling: this.#cooling?.snapshot(),
      announced: next === undefined ? undefined : { load: next.load, inS: next.atS - state.timeS },
    });
  }

  #advance(dtS: number): void {
    this.#loadAsAnnounced();
    stepPlant(this.state, this.#inputs, this.parameters, dtS);
    if (this.#cooling !== undefined) this.#cool(this.#cooling, dtS);
  }

  /** The thermal half moves with the mean of the electrical steps, so that no heat is lost. */
  #cool(cooling: CoolingHalf, dtS: number): void {
    const { load, surroundings, upsTotals } = this.state;
    const sums = this.#sums;
    sums.spanS += dtS;
    sums.trainingJ += load.powerW * dtS;
    sums.upsLossJ += upsTotals.lossW * dtS;
    if (upsTotals.isFed) {
      sums.inferenceJ += surroundings.inferenceW * dtS;
      sums.controlsJ += this.parameters.ups.controlsW * dtS;
    }
    if (sums.spanS < THERMAL_S - TINY_S) return;
    const demand = this.#demandNow();
    demand.trainingW = sums.trainingJ / sums.spanS;
    demand.inferenceW = sums.inferenceJ / sums.spanS;
    demand.upsLossW = sums.upsLossJ / sums.spanS;
    demand.controlsW = sums.controlsJ / sums.spanS;
    cooling.step(demand, sums.spanS);
    Object.assign(sums, { spanS: 0, trainingJ: 0, inferenceJ: 0, upsLossJ: 0, controlsJ: 0 });
  }

  #demandNow(): CoolingDemand {
    const { load, surroundings, upsTotals, grid } = this.state;
    const { isFed } = upsTotals;
    return {
      trainingW: load.powerW,
      inferenceW: isFed ? surroundings.inferenceW : 0,
      upsLossW: upsTotals.lossW,
      controlsW: isFed ? this.parameters.ups.controlsW : 0,
      ambientCel: surroundings.ambientCel,
      heatDemandW: surroundings.heatDemandW,
      heatSupplyCel: surroundings.heatSupplyCel,
      isPowered: grid.isLive,
      isUpsFed: isFed,
    };
  }

  #loadAsAnnounced(): void {
    const [next] = this.#announced;
    if (next === undefined || this.state.timeS < next.atS - TINY_S) return;
    this.#announced.shift();
    this.load(next.load);
  }

  #operate(speedPercent: number): void {
    this.#speedPercent = speedPercent;
    this.#cooling?.operate(speedPercent);
  }

  #bessOf(device: string): PlantBess {
    const bess = this.#bess.find((each) => each.device.id === device);
    assert(bess !== undefined, `${device} is no battery of this plant`);
    return bess;
  }

  #meterOf(device: SimulatedDevice, role: MeterRole): PlantMeter {
    const { pcc, training, ups, mechanical } = this.state.meters;
    const meter = { grid: pcc, training, ups, mechanical }[role];
    const ratio = role === "grid" ? 1 : FEEDER_V / this.parameters.grid.nominalVoltageV;
    return new PlantMeter(device, meter, ratio);
  }

  #laterS(nowMs: number): number {
    return Math.max(0, (nowMs - this.#startedMs) / 1000 - this.state.timeS);
  }

  #show(dtS: number): void {
    const { voltageV, frequencyHz } = this.state.grid;
    for (const bess of this.#bess) bess.showFast(voltageV, frequencyHz);
    this.#sinceUpsS += dtS;
    this.#sinceSlowS += dtS;
    if (this.#sinceUpsS >= THERMAL_S - TINY_S) {
      this.#sinceUpsS = 0;
      for (const ups of this.#ups) ups.show(this.state.grid);
      this.#cooling?.show();
    }
    if (this.#sinceSlowS >= SLOW_EVERY_S - TINY_S) {
      for (const bess of this.#bess) bess.showSlow(this.#sinceSlowS);
      this.#sinceSlowS = 0;
    }
    if (this.state.shown === this.#shown) return;
    this.#shown = this.state.shown;
    for (const meter of this.#meters) meter.show();
  }

  #showAll(): void {
    this.#shown = -1;
    this.#sinceUpsS = THERMAL_S;
    this.#sinceSlowS = 0;
    for (const bess of this.#bess) bess.showSlow(0);
    this.#show(0);
  }
}

/** The operating point of this site: its training hall may have other powers than the demo's. */
function pointOfSite({ load }: PlantParameters, name: OperatingPointName): OperatingPoint {
  const { idleW, lowW, meanW, highW } = load;
  const trainingW = { idle: idleW, low: lowW, mean: meanW, full: highW, hot: highW }[name];
  return { ...OPERATING_POINTS[name], trainingW };
}
