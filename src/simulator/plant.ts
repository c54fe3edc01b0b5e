import { assert } from "../domain/assert.ts";
import type { SimulatedDevice } from "./device.ts";
import type { MeterState } from "./physics/meter.ts";
import {
  demoParameters,
  OPERATING_POINTS,
  type OperatingPointName,
  type PlantParameters,
  type TimingPreset,
} from "./physics/parameters.ts";
import {
  balanceError,
  type LoadMode,
  type PlantInputs,
  plantState,
  type PlantState,
  setLoad,
  stepPlant,
} from "./physics/plant-model.ts";
import type { TripCause } from "./orders.ts";
import { PlantBess } from "./plant-bess.ts";

/** What a meter of the plant measures. */
export type MeterRole = "grid" | "training" | "ups" | "mechanical";

export interface PlantSettings {
  /** Which device measures what; a device that the site does not have is left out. */
  readonly meters: ReadonlyMap<string, MeterRole>;
  /** Where the plant is at start. */
  readonly operatingPoint: OperatingPointName;
}

/** The meters of the demo site; its batteries are found by their class. */
export const DEMO_PLANT: PlantSettings = {
  meters: new Map([
    ["pcc-meter", "grid"],
    ["m-train", "training"],
    ["m-ups", "ups"],
    ["m-mech", "mechanical"],
  ]),
  operatingPoint: "full",
};

/** The plant at one moment, as its own instruments would never show it: exact. */
export interface PlantSnapshot {
  readonly timeS: number;
  readonly gridW: number;
  /** Sum over the batteries, positive discharging. */
  readonly bessW: number;
  readonly trainingW: number;
  /** Input of the UPS units: their output and loss. */
  readonly upsW: number;
  readonly mechanicalW: number;
  readonly transformerLossW: number;
  /** What the bus does not account for, part of all power that flows into it. */
  readonly balanceError: number;
  readonly frequencyHz: number;
  readonly voltageV: number;
  readonly bess: readonly BessSnapshot[];
}

export interface BessSnapshot {
  readonly id: string;
  readonly powerW: number;
  /** 0 to 1. */
  readonly soc: number;
  readonly temperatureCel: number;
  readonly dischargeLimitW: number;
  readonly chargeLimitW: number;
  readonly state: "running" | "standby" | "fault";
  readonly isReverting: boolean;
}

/** Line-to-line voltage behind the transformers, where the feeder meters sit. */
const FEEDER_V = 415;
const SLOW_EVERY_STEPS = 50;

/** The plant model joined to the devices that measure and move it. */
export class Plant {
  readonly parameters: PlantParameters;
  readonly state: PlantState;
  readonly #meters: readonly MeterBinding[];
  readonly #bess: readonly PlantBess[];
  readonly #inputs: { bess: PlantInputs["bess"] } = { bess: [] };
  #startedMs = 0;
  #shown = 0;

  constructor(
    settings: PlantSettings,
    devices: readonly SimulatedDevice[],
    terms: { readonly preset: TimingPreset; readonly seed: number },
  ) {
    const batteries = devices.filter(({ profile }) => profile.deviceClass === "bess");
    this.parameters = { ...demoParameters(terms.preset), bessUnits: batteries.length };
    const point = OPERATING_POINTS[settings.operatingPoint];
    this.state = plantState(this.parameters, point, terms.seed);
    this.#meters = devices.flatMap((device) => {
      const role = settings.meters.get(device.id);
      return role === undefined ? [] : [this.#meterBinding(device, role)];
    });
    this.#bess = batteries.map((device, index) => {
      const state = this.state.bess[index];
      assert(state !== undefined, "the model has a battery for each device");
      return new PlantBess(device, state, this.parameters.bess, (nowMs) => this.#laterS(nowMs));
    });
    this.#show(0);
  }

  /** Clock time that corresponds to the model's time zero. */
  startAt(nowMs: number): void {
    this.#startedMs = nowMs - this.state.timeS * 1000;
  }

  /** Moves the model by `dtS` and the registers after it. */
  step(dtS: number): void {
    this.#inputs.bess = this.#bess.map((bess) => bess.inputs());
    stepPlant(this.state, this.#inputs, this.parameters, dtS);
    this.#show(dtS);
  }

  load(mode: LoadMode): void {
    setLoad(this.state, this.parameters, mode);
  }

  /** Script of a scenario: how far the grid's frequency is off, besides its noise, Hz. */
  offsetFrequency(offsetHz: number): void {
    this.state.grid.scriptHz = offsetHz;
  }

  trip(device: string, cause: TripCause): void {
    this.#bessOf(device).trip(cause);
  }

  clearCause(device: string): void {
    this.#bessOf(device).clearCause();
  }

  snapshot(): PlantSnapshot {
    const { state } = this;
    return {
      timeS: state.timeS,
      gridW: state.grid.importW,
      bessW: state.bess.reduce((sum, { pcs }) => sum + pcs.powerW, 0),
      trainingW: state.load.powerW,
      upsW: state.upsOutputW + state.upsLossW,
      mechanicalW: state.mechanicalW,
      transformerLossW: state.transformerLossW,
      balanceError: balanceError(state),
      frequencyHz: state.grid.frequencyHz,
      voltageV: state.grid.voltageV,
      bess: this.#bess.map((bess) => ({
        id: bess.device.id,
        powerW: bess.state.pcs.powerW,
        soc: bess.state.battery.soc,
        temperatureCel: bess.state.battery.temperatureCel,
        dischargeLimitW: bess.state.limits.dischargeW,
        chargeLimitW: bess.state.limits.chargeW,
        state: bess.operatingState,
        isReverting: bess.state.pcs.isReverting,
      })),
    };
  }

  #bessOf(device: string): PlantBess {
    const bess = this.#bess.find((each) => each.device.id === device);
    assert(bess !== undefined, `${device} is no battery of this plant`);
    return bess;
  }

  #meterBinding(device: SimulatedDevice, role: MeterRole): MeterBinding {
    const { pcc, training, ups, mechanical } = this.state.meters;
    const nominalV = this.parameters.grid.nominalVoltageV;
    const meter = { grid: pcc, training, ups, mechanical }[role];
    return { device, meter, voltageRatio: role === "grid" ? 1 : FEEDER_V / nominalV };
  }

  #laterS(nowMs: number): number {
    return Math.max(0, (nowMs - this.#startedMs) / 1000 - this.state.timeS);
  }

  #show(dtS: number): void {
    const { voltageV, frequencyHz } = this.state.grid;
    for (const bess of this.#bess) bess.showFast(voltageV, frequencyHz);
    if (this.state.steps % SLOW_EVERY_STEPS === 0) {
      for (const bess of this.#bess) bess.showSlow(dtS * SLOW_EVERY_STEPS);
    }
    if (this.state.shown === this.#shown) return;
    this.#shown = this.state.shown;
    for (const binding of this.#meters) showMeter(binding);
  }
}

interface MeterBinding {
  readonly device: SimulatedDevice;
  readonly meter: MeterState;
  readonly voltageRatio: number;
}

const PHASES = ["l1", "l2", "l3"] as const;
const VOLTAGES = PHASES.map((phase) => `voltage.${phase}`);
const CURRENTS = PHASES.map((phase) => `current.${phase}`);
const POWERS = PHASES.map((phase) => `active-power.${phase}`);

/** A meter's registers show its last reading; the three phases share the power equally. */
function showMeter({ device, meter, voltageRatio }: MeterBinding): void {
  const phaseV = (meter.voltageV * voltageRatio) / Math.sqrt(3);
  const apparentVa = Math.hypot(meter.activeW, meter.reactiveVar);
  const currentA = apparentVa / (3 * phaseV);
  device.setPoint("active-power", meter.activeW);
  device.setPoint("reactive-power", meter.reactiveVar);
  device.setPoint("apparent-power", apparentVa);
  device.setPoint("frequency", meter.frequencyHz);
  for (const id of VOLTAGES) device.setPoint(id, phaseV);
  for (const id of CURRENTS) device.setPoint(id, currentA);
  for (const id of POWERS) device.setPoint(id, meter.activeW / 3);
  device.setPoint("energy.forward", meter.forwardWh);
  device.setPoint("energy.reverse", meter.reverseWh);
}
