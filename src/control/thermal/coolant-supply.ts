import { assert } from "../../domain/assert.ts";
import { clamp, towards } from "../arbitration.ts";
import { stepSeconds } from "./held.ts";
import { isKnown, knownOf, type Measured } from "./measured.ts";
import { createPi, leadPi, type PiSettings, type PiState, stepPi, trackPi } from "./pi.ts";
import type { ThermalMode } from "./thermal-mode.ts";

/**
 * Supply temperature of a coolant loop: the setpoint that is asked for, and the position of the
 * valve on the facility side where the gateway closes that loop. The setpoint is the site's, or the
 * floor of the dew-point guard where that is higher.
 *
 * Safe direction: a supply temperature that is lost opens the valve, unless the facility's water is
 * known to be below that floor: then it stays as it is. Of two sensors that differ the hotter one
 * opens it, unless the colder one is below that floor: then it opens no further.
 */
export interface CoolantSupplySettings {
  /** What the site asks for, Cel; demo site §1: 32. */
  readonly setpointCel: number;
  /** Window of a coolant unit, Cel; §6: W17 to W45. */
  readonly lowestCel: number;
  readonly highestCel: number;
  /** The setpoint rises fast, because condensation does not wait, and falls slowly, K/s. */
  readonly riseKPerS: number;
  readonly fallKPerS: number;
  /** Valve, % per K that the supply is too warm, its integral and its travel. */
  readonly valveGainPercentPerK: number;
  readonly valveIntegralPercentPerKS: number;
  readonly valveRatePercentPerS: number;
  /** Position without a supply temperature, %. */
  readonly blindValvePercent: number;
}

export const COOLANT_SUPPLY_DEFAULTS: CoolantSupplySettings = {
  setpointCel: 32,
  lowestCel: 17,
  highestCel: 45,
  riseKPerS: 0.1,
  fallKPerS: 0.02,
  valveGainPercentPerK: 5,
  valveIntegralPercentPerKS: 0.2,
  valveRatePercentPerS: 6,
  blindValvePercent: 100,
};

/** Plain data. */
export interface CoolantSupplyState {
  readonly valve: PiState;
  readonly valveSettings: PiSettings;
  setpointCel: number;
  steppedAt: number;
  readonly out: CoolantSupplyOut;
}

export interface CoolantSupplyInputs {
  mode: ThermalMode;
  supply: Measured;
  /** The colder one where two sensors differ; else the same. */
  coldestSupply: Measured;
  /** Facility water on its way to the unit, Cel. */
  primarySupply: Measured;
  /** What the unit stands at: its setpoint, Cel, and its valve, %. */
  shownSetpoint: Measured;
  shownValve: Measured;
  /** Of the dew-point guard, Cel; NaN while it knows nothing. */
  floorCel: number;
}

export interface CoolantSupplyOut {
  /** To be asked for, Cel; NaN: nothing is to be written yet. */
  setpointCel: number;
  /** NaN likewise. */
  valvePercent: number;
  /** The guard asks for more than the site does. */
  isRaised: boolean;
  isBlind: boolean;
}

const VALVE_OPEN_PERCENT = 100;

export function createCoolantSupply(settings: CoolantSupplySettings): CoolantSupplyState {
  const { setpointCel, lowestCel, highestCel, riseKPerS, fallKPerS } = settings;
  assert(lowestCel < highestCel, "a window to be in");
  assert(setpointCel >= lowestCel && setpointCel <= highestCel, "the setpoint is in its window");
  assert(riseKPerS > 0 && fallKPerS > 0, "a setpoint moves");
  const valveSettings: PiSettings = {
    gain: settings.valveGainPercentPerK,
    integralPerS: settings.valveIntegralPercentPerKS,
    low: 0,
    high: VALVE_OPEN_PERCENT,
    ratePerS: settings.valveRatePercentPerS,
  };
  return {
    valve: createPi(valveSettings),
    valveSettings,
    setpointCel: Number.NaN,
    steppedAt: Number.NaN,
    out: { setpointCel: Number.NaN, valvePercent: Number.NaN, isRaised: false, isBlind: false },
  };
}

export function stepCoolantSupply(
  state: CoolantSupplyState,
  inputs: CoolantSupplyInputs,
  settings: CoolantSupplySettings,
  now: number,
): CoolantSupplyOut {
  const dtS = stepSeconds(state.steppedAt, now);
  state.steppedAt = now;
  const { out } = state;
  moveSetpoint(state, inputs, settings, dtS);
  out.setpointCel = state.setpointCel;
  out.isBlind = !isKnown(inputs.supply);
  moveValve(state, inputs, settings, dtS);
  return out;
}

function moveSetpoint(
  state: CoolantSupplyState,
  { mode, shownSetpoint, floorCel }: CoolantSupplyInputs,
  settings: CoolantSupplySettings,
  dtS: number,
): void {
  const { lowestCel, highestCel, riseKPerS, fallKPerS } = settings;
  const floor = Number.isNaN(floorCel) ? lowestCel : clamp(floorCel, lowestCel, highestCel);
  state.out.isRaised = floor > settings.setpointCel;
  const siteCel = Math.max(settings.setpointCel, floor);
  const shownCel = clamp(knownOf(shownSetpoint), lowestCel, highestCel);
  const isTracking = mode !== "control" || Number.isNaN(state.setpointCel);
  if (isTracking && !Number.isNaN(shownCel)) state.setpointCel = shownCel;
  // Nobody has said what the unit stands at: the site's own setpoint stands for it.
  if (Number.isNaN(state.setpointCel)) state.setpointCel = siteCel;
  const isFalling = siteCel < state.setpointCel;
  // Without a dew point nothing gets colder.
  const wantedCel = isFalling && Number.isNaN(floorCel) ? state.setpointCel : siteCel;
  const mostK = (isFalling ? fallKPerS : riseKPerS) * dtS;
  if (mode === "control") state.setpointCel = towards(state.setpointCel, wantedCel, mostK);
  state.out.setpointCel = mode === "control" ? state.setpointCel : wantedCel;
}

function moveValve(
  state: CoolantSupplyState,
  inputs: CoolantSupplyInputs,
  settings: CoolantSupplySettings,
  dtS: number,
): void {
  const { valve, valveSettings, out } = state;
  const shown = knownOf(inputs.shownValve);
  if (inputs.mode !== "control" || Number.isNaN(valve.output)) trackPi(valve, shown, valveSettings);
  if (!out.isBlind) {
    const tooWarmK = knownOf(inputs.supply) - state.setpointCel;
    const isHeld = tooWarmK > 0 && isOneTooCold(inputs);
    out.valvePercent = isHeld
      ? leadPi(valve, valve.output, dtS, valveSettings)
      : stepPi(valve, tooWarmK, dtS, valveSettings);
    return;
  }
  const isTooCold = knownOf(inputs.primarySupply) < inputs.floorCel;
  const wanted = isTooCold ? valve.output : settings.blindValvePercent;
  out.valvePercent = leadPi(valve, wanted, dtS, valveSettings);
}

function isOneTooCold({ supply, coldestSupply, floorCel }: CoolantSupplyInputs): boolean {
  const coldestCel = knownOf(coldestSupply);
  return coldestCel < knownOf(supply) && coldestCel < floorCel;
}
