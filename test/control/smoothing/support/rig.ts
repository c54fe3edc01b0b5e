import {
  countMeter,
  type MeterState,
  meterState,
  showMeter,
} from "../../../../src/simulator/physics/meter.ts";
import {
  type BessParameters,
  demoParameters,
} from "../../../../src/simulator/physics/parameters.ts";
import { commandPcs, pcsState, stepPcs } from "../../../../src/simulator/physics/pcs.ts";
import { nextNormal, nextUniform, randomState } from "../../../../src/simulator/physics/random.ts";
import type { LoopTiming } from "./timing.ts";

export const MW = 1e6;
const SECONDS_PER_HOUR = 3_600;

/** What a controller under test sees of the plant in one cycle. */
export interface Readings {
  atMs: number;
  loadW: number;
  gridW: number;
  batteryW: number;
  storedJ: number;
}

/** The controller under test: power for the battery, W. */
export interface Controller {
  step(readings: Readings): number;
  /** Grid reference after the last cycle, W. */
  readonly referenceW: number;
}

export interface RigSettings {
  readonly timing: LoopTiming;
  readonly stepMs: number;
  readonly seed: number;
  /** Of a meter's reading, part of it. */
  readonly noise: number;
  /** Both meters read this much too high, part of the reading. */
  readonly bias: number;
  readonly ratingW: number;
  readonly usableJ: number;
  readonly startJ: number;
  readonly efficiency: number;
  /** Probability that a reading of the meter, or a command to the converter, is lost. */
  readonly lossRate: number;
}

export const RIG: Omit<RigSettings, "timing"> = {
  stepMs: 5,
  seed: 3,
  noise: 0.002,
  bias: 0,
  ratingW: 220 * MW,
  usableJ: 20_420e6,
  startJ: 10_000e6,
  efficiency: 0.95,
  lossRate: 0,
};

interface Reading {
  readonly dueMs: number;
  readonly loadW: number;
  readonly gridW: number;
}

/** Load, two meters, communication, converter, battery and a controller, in virtual time. */
export class Rig {
  readonly settings: RigSettings;
  readonly controller: Controller;
  readonly pcs = pcsState();
  readonly limits: { chargeW: number; dischargeW: number };
  atMs = 0;
  storedJ: number;
  loadW = Number.NaN;
  gridW = Number.NaN;
  cycles = 0;
  /** False: the meters say nothing new. */
  isMetered = true;
  readonly readings: Readings;
  readonly #bess: BessParameters;
  readonly #loadMeter: MeterState = meterState();
  readonly #gridMeter: MeterState = meterState();
  readonly #random;
  readonly #losses;
  readonly #waiting: Reading[] = [];

  constructor(settings: RigSettings, controller: Controller) {
    const { timing, ratingW, startJ, seed } = settings;
    this.settings = settings;
    this.controller = controller;
    this.limits = { chargeW: ratingW, dischargeW: ratingW };
    this.storedJ = startJ;
    this.#random = randomState(seed);
    this.#losses = randomState(seed + 1);
    this.#bess = {
      ...demoParameters("d95").bess,
      powerRatingW: ratingW,
      apparentRatingVa: 2 * ratingW,
      deadTimeS: timing.writeMs / 1_000,
      timeConstantS: timing.pcsTauMs / 1_000,
      rampWPerS: 1e15,
      reversionAfterS: Infinity,
    };
    this.readings = {
      atMs: 0,
      loadW: Number.NaN,
      gridW: Number.NaN,
      batteryW: 0,
      storedJ: startJ,
    };
  }

  /** One step of the plant with a load that is constant in it; control runs when it is time. */
  step(loadW: number): void {
    const { timing, stepMs, efficiency } = this.settings;
    const stepS = stepMs / 1_000;
    this.#meter(loadW);
    if (this.atMs % timing.cycleMs === 0) this.#control();
    const { pcs } = this;
    const injectedWh = pcs.injectedWh;
    const absorbedWh = pcs.absorbedWh;
    stepPcs(pcs, this.#bess, { limits: this.limits, reactiveVar: 0, reversionAfterS: 0 }, stepS);
    const givenJ = (pcs.injectedWh - injectedWh) * SECONDS_PER_HOUR;
    const takenJ = (pcs.absorbedWh - absorbedWh) * SECONDS_PER_HOUR;
    this.storedJ += takenJ * efficiency - givenJ / efficiency;
    this.loadW = loadW;
    this.gridW = loadW - pcs.powerW;
    // The PCS answers within the step: its mean is what the meters count.
    count(this.#loadMeter, loadW, stepS);
    count(this.#gridMeter, loadW - pcs.meanW, stepS);
    this.atMs += stepMs;
  }

  #meter(loadW: number): void {
    const { timing, noise, bias } = this.settings;
    if (this.atMs % timing.meterMs === 0 && this.isMetered) {
      const batteryW = this.pcs.powerW;
      // One meter, one error: the load is the grid power and the battery's.
      const gain = 1 + bias + noise * nextNormal(this.#random);
      show(this.#loadMeter, loadW, timing);
      show(this.#gridMeter, loadW - batteryW, timing);
      const reading = {
        dueMs: this.atMs + timing.readMs,
        loadW: this.#loadMeter.activeW * gain,
        gridW: this.#gridMeter.activeW * gain,
      };
      if (this.atMs > 0 && !this.#isLost()) this.#waiting.push(reading);
    }
    let first = this.#waiting[0];
    while (first !== undefined && first.dueMs <= this.atMs) {
      this.readings.loadW = first.loadW;
      this.readings.gridW = first.gridW;
      this.#waiting.shift();
      first = this.#waiting[0];
    }
    if (this.atMs === 0) {
      this.readings.loadW = loadW;
      this.readings.gridW = loadW;
    }
  }

  #control(): void {
    const { readings } = this;
    readings.atMs = this.atMs;
    readings.batteryW = this.pcs.powerW;
    readings.storedJ = this.storedJ;
    this.cycles += 1;
    const powerW = this.controller.step(readings);
    if (!this.#isLost()) commandPcs(this.pcs, this.#bess, powerW);
  }

  #isLost(): boolean {
    return nextUniform(this.#losses) < this.settings.lossRate;
  }
}

function count(meter: MeterState, activeW: number, stepS: number): void {
  countMeter(meter, { activeW, reactiveVar: 0, voltageV: 0, frequencyHz: 50 }, stepS);
}

function show(meter: MeterState, activeW: number, timing: LoopTiming): void {
  const inputs = { activeW, reactiveVar: 0, voltageV: 0, frequencyHz: 50 };
  showMeter(meter, inputs, { periodS: 0, isMean: timing.isMean }, timing.meterMs / 1_000);
}

/** Load power and grid power of a run, W, one value per step. */
export interface Trace {
  readonly loadW: Float64Array;
  readonly gridW: Float64Array;
  readonly referenceW: Float64Array;
  readonly batteryW: Float64Array;
  readonly storedJ: Float64Array;
  readonly stepS: number;
}

/** Runs a load from its beginning to its end. */
export function record(rig: Rig, loadW: Float64Array): Trace {
  const column = (): Float64Array => new Float64Array(loadW.length);
  const trace = {
    loadW,
    gridW: column(),
    referenceW: column(),
    batteryW: column(),
    storedJ: column(),
    stepS: rig.settings.stepMs / 1_000,
  };
  for (const [place, powerW] of loadW.entries()) {
    rig.step(powerW);
    trace.gridW[place] = rig.gridW;
    trace.referenceW[place] = rig.controller.referenceW;
    trace.batteryW[place] = rig.pcs.powerW;
    trace.storedJ[place] = rig.storedJ;
  }
  return trace;
}
