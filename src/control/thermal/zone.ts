import {
  type CoolantFlowInputs,
  type CoolantFlowState,
  createCoolantFlow,
  isStandingStill,
  stepCoolantFlow,
  W_PER_L_PER_MIN_K,
} from "./coolant-flow.ts";
import { type CoolantSight, judgeCoolant } from "./coolant-guard.ts";
import {
  type CoolantSupplyInputs,
  type CoolantSupplyState,
  createCoolantSupply,
  stepCoolantSupply,
} from "./coolant-supply.ts";
import { createDewPoint, type DewPointState, stepDewPoint } from "./dew-point.ts";
import { createHeatLimit, type HeatLimitState, stepHeatLimit } from "./heat-limit.ts";
import {
  createLeak,
  type LeakInputs,
  type LeakState,
  resetLeak,
  restoreLeak,
  stepLeak,
} from "./leak.ts";
import { createLowFlow, type LowFlowInputs, type LowFlowState, stepLowFlow } from "./low-flow.ts";
import { isSwitched, zoneVotes, type ZoneVotes } from "./coolant-votes.ts";
import { absentMeasure, isKnown, knownOf, type Measured } from "./measured.ts";
import {
  createShed,
  releaseShed,
  restoreShed,
  type ShedCause,
  shedClaims,
  type ShedInputs,
  type ShedRelease,
  type ShedState,
  stepShed,
} from "./shed.ts";
import type { ThermalMode } from "./thermal-mode.ts";
import {
  createTwoPhase,
  resetTwoPhase,
  stepTwoPhase,
  type TwoPhaseInputs,
  type TwoPhaseState,
} from "./two-phase.ts";
import type { ZoneSensors, ZoneSettings } from "./zone-plan.ts";

/** All controllers of one coolant unit with its racks. Plain data. */
export interface ZoneState {
  readonly dewPoint: DewPointState;
  readonly supply: CoolantSupplyState;
  readonly flow: CoolantFlowState;
  readonly lowFlow: LowFlowState;
  readonly leak: LeakState;
  readonly supplyLimit: HeatLimitState;
  readonly returnLimit: HeatLimitState;
  readonly twoPhase: TwoPhaseState | undefined;
  readonly shed: ShedState;
  readonly parts: PartInputs;
  /** What the racks gave before load was asked to go, W; NaN while nothing is asked. */
  heatBeforeW: number;
  readonly out: ZoneOut;
}

/** Inputs of the parts, kept from step to step. */
interface PartInputs {
  readonly supply: CoolantSupplyInputs;
  readonly flow: CoolantFlowInputs;
  readonly lowFlow: LowFlowInputs;
  readonly leak: LeakInputs;
  readonly twoPhase: TwoPhaseInputs;
  readonly shed: ShedInputs;
}

export type ZoneMeasures = Readonly<Record<ZoneMeasureName, Measured>>;

/** What is read of a zone; the names of `ZonePoints`. */
export const ZONE_MEASURES = [
  "flow",
  "heat",
  "supply",
  "return_",
  "primarySupply",
  "speed",
  "shownSetpoint",
  "shownValve",
  "differential",
  "pressure",
  "level",
  "rope",
  "secondRope",
  "ropeFault",
  "levelLow",
  "vapour",
  "vapourTemperature",
  "condensation",
  "phaseDetected",
] as const;

export type ZoneMeasureName = (typeof ZONE_MEASURES)[number];

/** Read afresh every step; the caller keeps one and changes it. */
export interface ZoneInputs {
  mode: ThermalMode;
  readonly measures: ZoneMeasures;
  /** The colder supply where two sensors of it are left; else the same as `measures.supply`. */
  readonly coldestSupply: Measured;
  readonly votes: ZoneVotes;
  /** Dew points of the rooms, Cel. */
  readonly rooms: readonly Measured[];
}

/**
 * What the controllers make of it. In `observe` and `request` the setpoints are what they would
 * be, and nothing is written. NaN: there is nothing to write yet.
 */
export interface ZoneOut {
  mode: ThermalMode;
  supplySetpointCel: number;
  valvePercent: number;
  speedPercent: number;
  startStandby: boolean;
  closeZoneValve: boolean;
  stopPumps: boolean;
  /** Load that may be there, part of it; below 1 where a two-phase loop is derated. */
  loadPart: number;
  /** Heat of the racks as far as it is known, W. */
  heatW: number;
}

export function zoneInputs(
  rooms: readonly Measured[],
  sensors: ZoneSensors | undefined,
): ZoneInputs {
  const entries = ZONE_MEASURES.map((name) => [name, absentMeasure()]);
  const measures = Object.fromEntries(entries) as ZoneMeasures;
  const votes = zoneVotes(sensors, measures);
  const coldestSupply = votes.supply?.other ?? measures.supply;
  return { mode: "observe", measures, coldestSupply, votes, rooms };
}

/** @param inputs whose measures the parts go on looking at */
export function createZone(settings: ZoneSettings, inputs: ZoneInputs): ZoneState {
  return {
    dewPoint: createDewPoint(settings.dewPoint),
    supply: createCoolantSupply(settings.supply),
    flow: createCoolantFlow(settings.flow),
    lowFlow: createLowFlow(settings.lowFlow),
    leak: createLeak(settings.leak),
    supplyLimit: createHeatLimit(settings.supplyLimit),
    returnLimit: createHeatLimit(settings.returnLimit),
    twoPhase: settings.twoPhase === undefined ? undefined : createTwoPhase(settings.twoPhase),
    shed: createShed(settings.shed),
    parts: partInputs(inputs),
    heatBeforeW: Number.NaN,
    out: {
      mode: "observe",
      supplySetpointCel: Number.NaN,
      valvePercent: Number.NaN,
      speedPercent: Number.NaN,
      startStandby: false,
      closeZoneValve: false,
      stopPumps: false,
      loadPart: 1,
      heatW: Number.NaN,
    },
  };
}

/** One step of everything; the parts keep what they found in their own `out`. */
export function stepZone(
  state: ZoneState,
  inputs: ZoneInputs,
  settings: ZoneSettings,
  now: number,
): ZoneOut {
  const { out, parts } = state;
  const { measures, mode, votes } = inputs;
  fillHeat(parts, inputs);
  const dewPoint = stepDewPoint(
    state.dewPoint,
    { rooms: inputs.rooms, supply: inputs.coldestSupply },
    settings.dewPoint,
    now,
  );
  parts.supply.mode = mode;
  parts.supply.floorCel = dewPoint.floorCel;
  const supply = stepCoolantSupply(state.supply, parts.supply, settings.supply, now);
  const toReturn = { temperature: measures.return_, isSwitched: isSwitched(votes.return_) };
  stepHeatLimit(state.returnLimit, toReturn, settings.returnLimit, now);
  const toSupply = { temperature: measures.supply, isSwitched: isSwitched(votes.supply) };
  stepHeatLimit(state.supplyLimit, toSupply, settings.supplyLimit, now);
  const leak = stepLeak(state.leak, parts.leak, settings.leak, now);
  const flow = moveFlow(state, inputs, settings, now);
  const loadPart = watchPhases(state, settings, now);
  out.mode = mode;
  out.heatW = knownOf(parts.flow.heat);
  out.supplySetpointCel = supply.setpointCel;
  out.valvePercent = supply.valvePercent;
  out.speedPercent = flow.speedPercent;
  out.startStandby = state.lowFlow.out.startStandby && !leak.stopPumps;
  out.closeZoneValve = leak.closeValve;
  out.stopPumps = leak.stopPumps;
  out.loadPart = loadPart;
  askShed(state, inputs, settings, now);
  return out;
}

/** What the guard of the coolant sees of a zone; `NaN` where nothing is known. */
export function sightOf(state: ZoneState, inputs: ZoneInputs): CoolantSight {
  const { measures, mode } = inputs;
  const { flow, shed, dewPoint, parts, leak } = state;
  const speed = mode === "control" ? flow.pi.output : knownOf(measures.speed);
  return {
    heatW: knownOf(parts.flow.heat),
    flowLPerMin: knownOf(measures.flow),
    supplyCel: knownOf(measures.supply),
    speedPercent: speed,
    floorCel: dewPoint.out.floorCel,
    isCauseThere: shed.out.isAsked,
    isIsolated: leak.out.closeValve,
  };
}

/** Lifts latches of the zone whose causes are known to be gone. */
export function releaseZone(state: ZoneState, asked: ShedCause | "all"): ShedRelease {
  const verdict = releaseShed(state.shed, asked, state.parts.shed.claims);
  if (verdict.result === "refused") return verdict;
  if (verdict.causes.includes("leak-confirmed")) resetLeak(state.leak);
  if (verdict.causes.includes("two-phase-trip") && state.twoPhase !== undefined)
    resetTwoPhase(state.twoPhase);
  return verdict;
}

/** Takes a saved latch back; what it stands for is as it was. */
export function restoreZone(state: ZoneState, cause: ShedCause, powerW: number): void {
  restoreShed(state.shed, cause, powerW);
  if (cause === "leak-confirmed") restoreLeak(state.leak);
  if (cause === "two-phase-trip" && state.twoPhase !== undefined) state.twoPhase.isTripped = true;
}

function partInputs({ measures, coldestSupply }: ZoneInputs): PartInputs {
  const { flow, supply, return_, differential, pressure } = measures;
  const heat = absentMeasure();
  return {
    supply: {
      mode: "observe",
      supply,
      coldestSupply,
      primarySupply: measures.primarySupply,
      shownSetpoint: measures.shownSetpoint,
      shownValve: measures.shownValve,
      floorCel: Number.NaN,
    },
    flow: { mode: "observe", flow, heat, speed: measures.speed, isHot: false, isIsolated: false },
    lowFlow: {
      flow,
      differential,
      supply,
      return_,
      needLPerMin: Number.NaN,
      isPumpLost: false,
      isIsolated: false,
    },
    leak: {
      rope: measures.rope,
      secondRope: measures.secondRope,
      ropeFault: measures.ropeFault,
      pressure,
      level: measures.level,
      levelLow: measures.levelLow,
      heat,
    },
    twoPhase: {
      pressure,
      vapour: measures.vapour,
      vapourTemperature: measures.vapourTemperature,
      condensation: measures.condensation,
      isDetected: measures.phaseDetected,
      heat,
    },
    shed: { claims: shedClaims(), isReleaseSafe: false },
  };
}

/** The device's own heat, or that of its flow and rise: the larger rise, where sensors differ. */
function fillHeat(
  { flow: { heat } }: PartInputs,
  { measures, coldestSupply }: Pick<ZoneInputs, "measures" | "coldestSupply">,
): void {
  const { flow, return_ } = measures;
  const told = measures.heat;
  const riseK = knownOf(return_) - knownOf(coldestSupply);
  const computedW = knownOf(flow) * riseK * W_PER_L_PER_MIN_K;
  heat.value = isKnown(told) ? told.value : computedW;
  const isFitted = told.state !== "absent" || flow.state !== "absent";
  heat.state = Number.isNaN(heat.value) ? (isFitted ? "lost" : "absent") : "good";
}

function moveFlow(
  state: ZoneState,
  { mode }: ZoneInputs,
  settings: ZoneSettings,
  now: number,
): ReturnType<typeof stepCoolantFlow> {
  const { parts, leak } = state;
  parts.flow.mode = mode;
  parts.flow.isHot = state.returnLimit.out.isWarm || state.supplyLimit.out.isWarm;
  // What is written is another matter: in `observe` nothing is, and the pumps run on.
  const isStopped = leak.out.stopPumps && mode === "control";
  parts.flow.isIsolated = isStopped;
  const flow = stepCoolantFlow(state.flow, parts.flow, settings.flow, now);
  if (leak.out.stopPumps) flow.speedPercent = 0;
  parts.lowFlow.needLPerMin = neededFlow(flow.needLPerMin, parts.flow, settings);
  parts.lowFlow.isPumpLost = flow.isPumpLost;
  parts.lowFlow.isIsolated = isStopped;
  stepLowFlow(state.lowFlow, parts.lowFlow, settings.lowFlow, now);
  return flow;
}

/** Of a loop found at a standstill, of whose heat nothing is known: all that it may have. */
function neededFlow(
  learnedLPerMin: number,
  inputs: PartInputs["flow"],
  { flow, ratedHeatW }: ZoneSettings,
): number {
  if (!Number.isNaN(learnedLPerMin) || !isStandingStill(inputs, flow)) return learnedLPerMin;
  return ratedHeatW / (W_PER_L_PER_MIN_K * flow.riseK);
}

function watchPhases(state: ZoneState, settings: ZoneSettings, now: number): number {
  if (state.twoPhase === undefined || settings.twoPhase === undefined) return 1;
  return stepTwoPhase(state.twoPhase, state.parts.twoPhase, settings.twoPhase, now).loadPart;
}

function askShed(state: ZoneState, inputs: ZoneInputs, settings: ZoneSettings, now: number): void {
  const { shed, parts } = state;
  const wasAsked = shed.out.isAsked;
  fillClaims(state, inputs, settings);
  parts.shed.isReleaseSafe = isReleaseSafe(state, inputs, settings);
  stepShed(shed, parts.shed, settings.shed, now);
  if (!shed.out.isAsked) state.heatBeforeW = Number.NaN;
  else if (!wasAsked) state.heatBeforeW = expectedHeatW(state, settings);
}

function fillClaims(state: ZoneState, inputs: ZoneInputs, settings: ZoneSettings): void {
  const { claims } = state.parts.shed;
  const { leak, lowFlow, returnLimit, supplyLimit, twoPhase } = state;
  const heatW = expectedHeatW(state, settings);
  const set = (name: ShedCause, stands: boolean, isGone: boolean, part = 1): void => {
    const claim = claims[name];
    claim.stands = stands;
    claim.isGone = isGone;
    claim.powerW = heatW * part;
  };
  const isCalm =
    (returnLimit.out.isCalm || inputs.measures.return_.state === "absent") &&
    (supplyLimit.out.isCalm || inputs.measures.supply.state === "absent");
  set("leak-confirmed", leak.out.requestShed && !leak.out.isDry, leak.out.isDry);
  set("coolant-flow-lost", lowFlow.out.isLow, lowFlow.out.isEnough, lowFlow.out.missingPart);
  set("coolant-hot", returnLimit.out.isBeyond || supplyLimit.out.isBeyond, isCalm);
  set("coolant-heating", returnLimit.out.isCause || supplyLimit.out.isCause, isCalm);
  set("cooling-unknown", lowFlow.out.isBlindLong, lowFlow.out.isSeen);
  if (twoPhase === undefined) return;
  const { isTripped, isPressureLow, isShedDue, fault } = twoPhase.out;
  set("two-phase-trip", isTripped && !isPressureLow, isPressureLow);
  set("phase-change-inadequate", isShedDue, fault === "none", 1 - twoPhase.out.loadPart);
}

/** Heat of the racks as the last minutes had it: without flow nobody measures it any more, W. */
function expectedHeatW({ flow }: ZoneState, settings: ZoneSettings): number {
  const heatW = flow.needLPerMin * W_PER_L_PER_MIN_K * settings.flow.riseK;
  return Number.isNaN(heatW) ? settings.ratedHeatW : Math.min(heatW, settings.ratedHeatW);
}

function isReleaseSafe(state: ZoneState, inputs: ZoneInputs, settings: ZoneSettings): boolean {
  const sight = sightOf(state, inputs);
  const backW = Math.max(0, state.heatBeforeW - sight.heatW);
  // Pumps that the gateway drives follow the load that comes back.
  const reach =
    inputs.mode === "control" ? settings.flow.speedMaximumPercent / sight.speedPercent : 1;
  const flowLPerMin = sight.flowLPerMin * reach;
  const asked = { kind: "raise-heat", byW: Number.isNaN(backW) ? 0 : backW } as const;
  const calm = { ...sight, flowLPerMin, isCauseThere: false };
  return judgeCoolant(asked, calm, settings.guard).result === "allowed";
}
