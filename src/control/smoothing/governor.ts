import { assert } from "../../domain/assert.ts";
import { clamp } from "../arbitration.ts";
import { LAW, type SmoothingSettings } from "./settings.ts";

/**
 * The ramp governor: moves the grid reference r so that its rate never leaves [−Rdn, +Rup] and the
 * battery never runs empty or full, whatever a load does that stays inside its envelope.
 *
 * Viable set V: discharge need(r) ≤ E ≤ usable − charge room(r). The need is the energy that is
 * drawn when the load goes to its highest at once and r follows with +Rup; the room is its mirror.
 * On the lower boundary r rises with Rup, and then the need falls at least as fast as the energy;
 * on the upper boundary r falls with Rdn. So V is never left, and nothing in this asks what the
 * prediction was: only that the battery is driven by a load estimate inside the envelope.
 */
export interface GovernorState {
  /** Grid reference r, W. */
  referenceW: number;
  bound: GovernorBound;
  /** Where the reference may be after this cycle by its ramp, W. */
  leastW: number;
  mostW: number;
  /** How far it went beyond, because the battery could not take it, W; 0: it did not. */
  breachW: number;
  /** Why; meaningful while `breachW` is not 0. */
  breachBy: BreachCause;
  /** True while the battery is too small for the envelope: the ramp is then not guaranteed. */
  isViable: boolean;
  /** True while keeping the ramp costs more import than the cap allows. */
  isOverCap: boolean;
}

/** Which boundary of the viable set decided the last step. */
export type GovernorBound = "interior" | "discharge" | "charge";

export type BreachCause = "power-limit" | "energy-limit";

/** What the load may do, now and from an enforced time on. Reused from cycle to cycle. */
export interface LoadEnvelope {
  lowW: number;
  highW: number;
  /** After `laterInS` the load may be here; equal to the first two where nothing is enforced. */
  laterLowW: number;
  laterHighW: number;
  laterInS: number;
}

/** Reused from cycle to cycle. */
export interface GovernorInputs {
  elapsedS: number;
  /** Energy above the floor that discharging must keep, J. */
  energyJ: number;
  /** Energy between that floor and the ceiling, J. */
  usableJ: number;
  /** Where the reference would go, W: slow mean of the load, or an announced level. */
  targetW: number;
  /** How far a schedule moves it away from there, W; positive below. In `targetW` already. */
  dispatchW: number;
  /** True while an announced level or a schedule moves the energy: then it is not restored. */
  isEnergyMoved: boolean;
  /** The reference stays at or below it; Infinity: no cap. */
  capW: number;
  /** Energy that the battery should have beyond its need, to keep the cap, J. */
  capReserveJ: number;
  readonly envelope: LoadEnvelope;
}

export function governorState(referenceW: number): GovernorState {
  return {
    referenceW,
    bound: "interior",
    leastW: referenceW,
    mostW: referenceW,
    breachW: 0,
    breachBy: "power-limit",
    isViable: true,
    isOverCap: false,
  };
}

/** Energy that the worst load of the envelope takes from the battery while r rises with Rup, J. */
export function dischargeNeedJ(
  settings: SmoothingSettings,
  envelope: LoadEnvelope,
  referenceW: number,
): number {
  const { rampUpWPerS: rampWPerS, dischargeEfficiency } = settings;
  const nowW = envelope.highW - referenceW;
  const laterW = envelope.laterHighW - referenceW;
  const givenJ = worstJ(rampWPerS, { nowW, laterW, laterInS: envelope.laterInS });
  return givenJ / dischargeEfficiency;
}

/** Room that the worst load of the envelope fills while r falls with Rdn, J. */
export function chargeRoomJ(
  settings: SmoothingSettings,
  envelope: LoadEnvelope,
  referenceW: number,
): number {
  const { rampDownWPerS: rampWPerS, chargeEfficiency } = settings;
  const nowW = referenceW - envelope.lowW;
  const laterW = referenceW - envelope.laterLowW;
  const takenJ = worstJ(rampWPerS, { nowW, laterW, laterInS: envelope.laterInS });
  return takenJ * chargeEfficiency;
}

/**
 * Area under a distance that shrinks with the ramp: first the one of now, and after `laterInS` the
 * later one, from which the reference has by then come away.
 */
function worstJ(
  rampWPerS: number,
  { nowW, laterW, laterInS }: { nowW: number; laterW: number; laterInS: number },
): number {
  if (laterInS <= 0) return halfSquare(laterW, rampWPerS);
  const movedW = rampWPerS * laterInS;
  const beforeJ = halfSquare(nowW, rampWPerS) - halfSquare(nowW - movedW, rampWPerS);
  return beforeJ + halfSquare(laterW - movedW, rampWPerS);
}

function halfSquare(distanceW: number, rampWPerS: number): number {
  const leftW = Math.max(distanceW, 0);
  return (leftW * leftW) / (2 * rampWPerS);
}

/**
 * Distance that the state keeps from both boundaries, J. What is on its way through the delay was
 * decided by an older state, and a decision holds for a cycle: two cycles and the delay until the
 * law acts on what it sees, one more of both so that the energy limit of the last resort does not
 * come before the law.
 */
export function marginJ(settings: SmoothingSettings, delayS: number): number {
  const { lowW, highW, dischargeEfficiency, cycleMs, energyErrorJ } = settings;
  const lateS = (3 * cycleMs) / 1_000 + 2 * delayS;
  return ((highW - lowW) * lateS) / dischargeEfficiency + energyErrorJ;
}

/** Energy halfway between the boundaries at this reference, J: where the battery should be. */
export function energyReferenceJ(
  settings: SmoothingSettings,
  inputs: Pick<GovernorInputs, "envelope" | "usableJ" | "capReserveJ">,
  referenceW: number,
): number {
  const { envelope, usableJ, capReserveJ } = inputs;
  const needJ = dischargeNeedJ(settings, envelope, referenceW);
  const ceilingJ = usableJ - chargeRoomJ(settings, envelope, referenceW);
  const middleJ = (needJ + ceilingJ) / 2;
  return capReserveJ > 0 ? Math.min(Math.max(middleJ, needJ + capReserveJ), ceilingJ) : middleJ;
}

/** The usable energy with which the ramp is guaranteed for every load of an envelope, J. */
export function guaranteedJ(settings: SmoothingSettings, delayS: number): number {
  const { lowW, highW, rampUpWPerS, rampDownWPerS } = settings;
  const { chargeEfficiency, dischargeEfficiency } = settings;
  const range2 = (highW - lowW) ** 2;
  // Convex in r: the sum of need and room is largest at an end of the envelope.
  const mostJ = Math.max(
    range2 / (2 * rampUpWPerS * dischargeEfficiency),
    (range2 * chargeEfficiency) / (2 * rampDownWPerS),
  );
  return mostJ + 2 * marginJ(settings, delayS);
}

/**
 * Moves the reference by one cycle.
 *
 * @param delayS the total delay of the loop, s
 */
export function stepGovernor(
  state: GovernorState,
  settings: SmoothingSettings,
  inputs: GovernorInputs,
  delayS: number,
): void {
  const { elapsedS, energyJ, usableJ, envelope, capW } = inputs;
  assert(elapsedS >= 0 && Number.isFinite(inputs.targetW), "a step forward, to somewhere");
  const { referenceW } = state;
  const edgeJ = marginJ(settings, delayS);
  const needJ = dischargeNeedJ(settings, envelope, referenceW);
  const roomJ = chargeRoomJ(settings, envelope, referenceW);
  const overNeedJ = energyJ - needJ - edgeJ;
  const overRoomJ = usableJ - roomJ - edgeJ - energyJ;
  state.isViable = needJ + roomJ + 2 * edgeJ <= usableJ;
  state.bound = boundOf(overNeedJ, overRoomJ);
  const rate = rateOf(state, settings, inputs);
  const { dispatchW } = inputs;
  const lowestW = Math.min(envelope.lowW, envelope.laterLowW) - Math.max(dispatchW, 0);
  const highestW = Math.max(envelope.highW, envelope.laterHighW) - Math.min(dispatchW, 0);
  // An envelope that has just become narrower is reached with the ramp, not with a jump.
  const wantedW = clamp(referenceW + rate * elapsedS, lowestW, highestW);
  state.leastW = referenceW - settings.rampDownWPerS * elapsedS;
  state.mostW = referenceW + settings.rampUpWPerS * elapsedS;
  state.referenceW = clamp(wantedW, state.leastW, state.mostW);
  state.isOverCap = state.referenceW > capW && state.bound === "discharge";
}

function boundOf(overNeedJ: number, overRoomJ: number): GovernorBound {
  if (overNeedJ > 0 && overRoomJ > 0) return "interior";
  // Both: a battery too small for its envelope. The side that lacks more comes first.
  return overNeedJ <= overRoomJ ? "discharge" : "charge";
}

function rateOf(state: GovernorState, settings: SmoothingSettings, inputs: GovernorInputs): number {
  const { rampUpWPerS, rampDownWPerS } = settings;
  if (state.bound === "discharge") return rampUpWPerS;
  if (state.bound === "charge") return -rampDownWPerS;
  const { referenceW } = state;
  const restoreW = inputs.isEnergyMoved ? 0 : restoringW(settings, inputs, referenceW);
  const goalW = Math.min(inputs.targetW + restoreW, inputs.capW);
  return clamp((goalW - referenceW) / LAW.followS, -rampDownWPerS, rampUpWPerS);
}

/** More grid power when the battery has less than it should. */
function restoringW(
  settings: SmoothingSettings,
  inputs: GovernorInputs,
  referenceW: number,
): number {
  const missingJ = energyReferenceJ(settings, inputs, referenceW) - inputs.energyJ;
  const mostW = LAW.restoreShare * (settings.highW - settings.lowW);
  return clamp(missingJ / LAW.restoreS, -mostW, mostW);
}

/** What the battery may do, W. Reused from cycle to cycle. */
export interface BatteryBox {
  lowW: number;
  highW: number;
}

/**
 * Narrows a box to the power that can still ramp away before the energy, or the room, is used up.
 * Inside the viable set this is never less than the load can ask for; outside of it (a box of the
 * levels above, a wrong envelope) it is what keeps the energy in its bounds.
 *
 * @param beforeW what the battery was asked for before: it goes on for the delay
 */
export function narrowByEnergy(
  box: BatteryBox,
  settings: SmoothingSettings,
  inputs: GovernorInputs,
  { beforeW, delayS }: { readonly beforeW: number; readonly delayS: number },
): void {
  const { dischargeEfficiency, chargeEfficiency, rampUpWPerS, rampDownWPerS } = settings;
  const lateS = settings.cycleMs / 1_000 + delayS;
  const { energyJ, usableJ } = inputs;
  const leftJ =
    energyJ - settings.energyErrorJ - (Math.max(beforeW, 0) * lateS) / dischargeEfficiency;
  const roomJ =
    usableJ - energyJ - settings.energyErrorJ - Math.max(-beforeW, 0) * lateS * chargeEfficiency;
  const dischargeW = Math.sqrt(2 * rampUpWPerS * dischargeEfficiency * Math.max(leftJ, 0));
  const chargeW = Math.sqrt((2 * rampDownWPerS * Math.max(roomJ, 0)) / chargeEfficiency);
  box.highW = Math.min(box.highW, dischargeW);
  box.lowW = Math.max(box.lowW, -chargeW);
}

/**
 * What the battery is asked for, W, of what the reference leaves to it. What does not fit into the
 * box goes to the grid at once: the reference takes it over, and what of that is faster than the
 * ramp is declared.
 */
export function settlePower(
  state: GovernorState,
  wantedW: number,
  box: BatteryBox,
  breachBy: BreachCause,
): number {
  const powerW = clamp(wantedW, Math.min(box.lowW, box.highW), box.highW);
  state.breachW = 0;
  if (powerW === wantedW) return powerW;
  state.referenceW += wantedW - powerW;
  state.breachW = state.referenceW - clamp(state.referenceW, state.leastW, state.mostW);
  state.breachBy = breachBy;
  return powerW;
}
