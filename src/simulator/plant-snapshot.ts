import type { CoolingSnapshot } from "./cooling-half.ts";
import type { LoadMode, PlantState } from "./physics/plant-model.ts";
import { balanceError } from "./physics/plant-model.ts";
import type { PlantBess } from "./plant-bess.ts";
import type { PlantUps, UpsSnapshot } from "./plant-ups.ts";

/** The plant at one moment, as its own instruments would never show it: exact. */
export interface PlantSnapshot {
  readonly timeS: number;
  readonly gridW: number;
  /** Sum over the batteries, positive discharging. */
  readonly bessW: number;
  readonly trainingW: number;
  readonly inferenceW: number;
  /** Input of the UPS units: their output and loss, and what recharges their batteries. */
  readonly upsW: number;
  readonly upsOutputW: number;
  readonly upsLossW: number;
  /** Coolant pumps behind the UPS. */
  readonly cduPumpsW: number;
  readonly mechanicalW: number;
  readonly transformerLossW: number;
  /** What the bus does not account for, part of all power that flows into it. */
  readonly balanceError: number;
  readonly frequencyHz: number;
  /** 0: the bus is dead. */
  readonly voltageV: number;
  readonly ambientCel: number;
  readonly heatDemandW: number;
  readonly bess: readonly BessSnapshot[];
  readonly ups: readonly UpsSnapshot[];
  /** Undefined: the site has nothing that cools; cooling follows operating points then. */
  readonly cooling: CoolingSnapshot | undefined;
  /** A change of load that has been announced and is still to come. */
  readonly announced: Announcement | undefined;
}

export interface Announcement {
  readonly load: LoadMode;
  /** How long until it comes, s. */
  readonly inS: number;
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

/** What a snapshot is made of. */
export interface SnapshotParts {
  readonly state: PlantState;
  readonly bess: readonly PlantBess[];
  readonly ups: readonly PlantUps[];
  readonly cooling: CoolingSnapshot | undefined;
  readonly announced: Announcement | undefined;
}

export function snapshotOf(parts: SnapshotParts): PlantSnapshot {
  const { state } = parts;
  const { grid, surroundings, upsTotals } = state;
  return {
    timeS: state.timeS,
    gridW: grid.importW,
    bessW: state.bess.reduce((sum, { pcs }) => sum + pcs.powerW, 0),
    trainingW: state.load.powerW,
    inferenceW: surroundings.inferenceW,
    upsW: upsTotals.inputW,
    upsOutputW: upsTotals.outputW,
    upsLossW: upsTotals.lossW,
    cduPumpsW: state.cduPumpsW,
    mechanicalW: state.mechanicalW,
    transformerLossW: state.transformerLossW,
    balanceError: balanceError(state),
    frequencyHz: grid.frequencyHz,
    voltageV: grid.voltageV,
    ambientCel: surroundings.ambientCel,
    heatDemandW: surroundings.heatDemandW,
    bess: parts.bess.map(bessSnapshot),
    ups: parts.ups.map((ups) => ups.snapshot()),
    cooling: parts.cooling,
    announced: parts.announced,
  };
}

function bessSnapshot({ device, state, operatingState }: PlantBess): BessSnapshot {
  const { pcs, battery, limits } = state;
  return {
    id: device.id,
    powerW: pcs.powerW,
    soc: battery.soc,
    temperatureCel: battery.temperatureCel,
    dischargeLimitW: limits.dischargeW,
    chargeLimitW: limits.chargeW,
    state: operatingState,
    isReverting: pcs.isReverting,
  };
}
