import type { PlantOrder } from "./orders.ts";
import type { CoolingPower } from "./physics/plant-model.ts";

/** What the electrical half tells the thermal half: powers are means over its step, W. */
export interface CoolingDemand {
  trainingW: number;
  inferenceW: number;
  upsLossW: number;
  controlsW: number;
  ambientCel: number;
  heatDemandW: number;
  heatSupplyCel: number;
  /** False: the mechanical board is dead. */
  isPowered: boolean;
  /** False: the coolant pumps are, too. */
  isUpsFed: boolean;
}

export interface CduSnapshot {
  readonly id: string;
  readonly supplyCel: number;
  readonly returnCel: number;
  readonly flowLPerMin: number;
  readonly speedPercent: number;
  /** Pumps that move coolant. */
  readonly pumpsRunning: number;
  /** 0 to 100. */
  readonly reservoirPercent: number;
  readonly isLeaking: boolean;
}

export interface ChillerSnapshot {
  readonly id: string;
  /** A word for where it is between off and running. */
  readonly mode: string;
}

/** What cooling and heat delivery are at, exact. Powers in W, temperatures in Cel. */
export interface CoolingSnapshot {
  readonly cdu: readonly CduSnapshot[];
  readonly chilledWater: {
    readonly supplyCel: number;
    readonly returnCel: number;
    readonly heatW: number;
    readonly chillers: readonly ChillerSnapshot[];
  };
  readonly heat: {
    readonly deliveredW: number;
    readonly supplyCel: number;
    readonly returnCel: number;
    readonly flowLPerMin: number;
    readonly heatPumpW: number;
  };
  readonly facility: {
    readonly supplyCel: number;
    readonly returnCel: number;
    readonly dryCoolerW: number;
    /** 0 to 100. */
    readonly fanPercent: number;
  };
  /** What the last step does not account for, part of all heat. */
  readonly heatBalanceError: number;
}

/** Orders that concern coolant, chillers and pumps. */
export type CoolingOrder = Extract<
  PlantOrder,
  | { readonly failPump: string }
  | { readonly repairPump: string }
  | { readonly leak: string }
  | { readonly failChiller: string }
  | { readonly repairChiller: string }
>;

/** The thermal half of the plant, as the electrical half moves it. */
export interface CoolingHalf {
  /** What it draws now; one object that changes with every step. */
  readonly power: CoolingPower;
  /** Brings it to its steady state at once. */
  settle(demand: Readonly<CoolingDemand>): void;
  step(demand: Readonly<CoolingDemand>, dtS: number): void;
  /** Registers of its devices after the state. */
  show(): void;
  /** Where the operator has the coolant pumps, as long as nobody writes their setpoints. */
  operate(speedPercent: number): void;
  /** Undefined when done, else the problem in a sentence. */
  obey(order: CoolingOrder): string | undefined;
  /** Everything is repaired. */
  repair(): void;
  snapshot(): CoolingSnapshot;
}
