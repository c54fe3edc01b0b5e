import { freshValue, type ImageView } from "../points/image.ts";
import { numberAt } from "../points/number-at.ts";
import type { MonotonicMs } from "../domain/time.ts";
import { lowerCeiling, raiseFloor } from "./arbitration.ts";
import { type Envelope, judgeWrite, recordWrite } from "./envelope.ts";
import type { ControlWrite, ReactiveStatus } from "./exchange.ts";
import { itemAt } from "./item-at.ts";
import type { Notices } from "./notices.ts";
import type { ControlPlan, ReactivePlan, ReactiveUnitPlan } from "./plan.ts";
import {
  createReactive,
  reactiveOut,
  type ReactiveOut,
  type ReactiveState,
  restOfCircle,
  stepReactive,
} from "./reactive.ts";
import { shareEqually, type Shares } from "./share.ts";
import { canCommand, type UnitState } from "./units.ts";

/** Reactive power of the batteries, and the voltage that decides what goes first. Plain data. */
export interface ReactiveLevel {
  readonly reactive: ReactiveState;
  readonly out: ReactiveOut;
  /** Reactive powers of the units, VAr; named like active ones. */
  readonly shares: Shares;
  /** Last setpoint of each unit, VAr, NaN before the first; and when it was sent. */
  readonly sentVar: Float64Array;
  readonly sentAt: Float64Array;
  /** NaN while it is not known. */
  voltagePu: number;
  askedVar: number;
  /** In an event: 1 while the voltage is too low and vars help it, −1 while it is too high. */
  direction: 1 | -1;
}

/** Undefined where nothing is asked of the batteries' reactive power. */
export function createReactiveLevel({ reactive, units }: ControlPlan): ReactiveLevel | undefined {
  if (reactive === undefined) return undefined;
  const column = (): Float64Array => new Float64Array(units.length);
  return {
    reactive: createReactive(reactive.settings),
    out: reactiveOut(),
    shares: { powersW: column(), lowsW: column(), highsW: column() },
    sentVar: column().fill(Number.NaN),
    sentAt: column().fill(-Infinity),
    voltagePu: Number.NaN,
    askedVar: 0,
    direction: 1,
  };
}

export interface ReactiveSight {
  readonly view: ImageView;
  readonly now: MonotonicMs;
  readonly units: readonly UnitState[];
  /** What the batteries were asked for in the cycle before, W. */
  readonly totalW: number;
  /** Nobody will be there to change it any more: to zero. */
  readonly isStopping: boolean;
  /** True while what the grid's meter says is no measurement: the grid is dead. */
  readonly isVoid?: boolean;
}

/**
 * Reads the voltage. While it is an event, reactive power goes first: what is left of each unit's
 * circle limits its active power before anybody else is asked.
 */
export function observeReactive(
  level: ReactiveLevel,
  plan: ReactivePlan,
  sight: ReactiveSight,
): void {
  const { now, units, totalW, isStopping } = sight;
  readVoltage(level, plan, sight);
  const { lowPu, highPu } = plan.settings;
  let apparentVa = 0;
  for (const [place, unit] of units.entries())
    if (canCommand(unit)) apparentVa += plan.units[place]?.apparentVa ?? 0;
  const { reactive, out, voltagePu } = level;
  const isEvent = reactive.priority === "reactive" || voltagePu < lowPu || voltagePu > highPu;
  level.askedVar = isStopping ? 0 : askedVar(level, plan, isEvent);
  const terms = { now, voltagePu, activeW: totalW, reactiveVar: level.askedVar, apparentVa };
  stepReactive(reactive, terms, out);
  if (out.priority === "active") {
    // The event has just ended: what is asked for is the everyday's again.
    if (isEvent && !isStopping) level.askedVar = plan.askedVar;
    return;
  }
  narrowUnits(level, plan, units, apparentVa);
}

function readVoltage(
  level: ReactiveLevel,
  { voltage, nominalV, settings }: ReactivePlan,
  { view, now, isVoid }: ReactiveSight,
): void {
  const readV = freshValue(view, voltage.point, now, voltage.maxAgeMs);
  const voltageV = isVoid === true ? undefined : readV;
  level.voltagePu = voltageV === undefined ? Number.NaN : voltageV / nominalV;
  if (level.voltagePu < settings.lowPu) level.direction = 1;
  if (level.voltagePu > settings.highPu) level.direction = -1;
}

/** What reactive power leaves of each unit's circle limits its active power. */
function narrowUnits(
  { out }: ReactiveLevel,
  plan: ReactivePlan,
  units: readonly UnitState[],
  apparentVa: number,
): void {
  for (const [place, unit] of units.entries()) {
    const own = plan.units[place];
    if (own === undefined || !canCommand(unit)) continue;
    const ownVar = (out.reactiveVar * own.apparentVa) / apparentVa;
    const leftW = restOfCircle(own.apparentVa, ownVar);
    lowerCeiling(unit.box, leftW, "voltage-event");
    raiseFloor(unit.box, -leftW, "voltage-event");
  }
}

function askedVar(level: ReactiveLevel, plan: ReactivePlan, isEvent: boolean): number {
  if (!isEvent || plan.eventVar === undefined) return plan.askedVar;
  return level.direction * plan.eventVar;
}

/** After the active power is shared: reactive power in what is left of each unit's circle. */
export function shareReactive(
  level: ReactiveLevel,
  plan: ReactivePlan,
  units: readonly UnitState[],
  powersW: Float64Array,
): void {
  const { shares, out } = level;
  const members: number[] = [];
  for (const [place, unit] of units.entries()) {
    const own = plan.units[place];
    shares.powersW[place] = 0;
    if (own === undefined || !canCommand(unit)) continue;
    members.push(place);
    // A unit on its way from a larger power still has less of its circle left.
    const activeW = Math.max(Math.abs(numberAt(powersW, place)), Math.abs(unit.countedW));
    const leftVar = restOfCircle(own.apparentVa, activeW);
    shares.lowsW[place] = -leftVar;
    shares.highsW[place] = leftVar;
  }
  const wantedVar = out.priority === "reactive" ? out.reactiveVar : level.askedVar;
  shareEqually(shares, members, wantedVar);
}

/** Sends a unit its reactive power when that is news, or due again. */
export function writeReactive(
  level: ReactiveLevel,
  plan: ControlPlan,
  place: number,
  sight: {
    readonly view: ImageView;
    readonly now: MonotonicMs;
    readonly envelope: Envelope;
    readonly writes: ControlWrite[];
  },
): void {
  const own: ReactiveUnitPlan | undefined = plan.reactive?.units[place];
  if (own === undefined) return;
  const { asset, stream, repeatMs } = itemAt(plan.units, place);
  const { view, now, envelope, writes } = sight;
  const { setpoint: point, stepVar } = own;
  const wantedVar = Math.trunc(numberAt(level.shares.powersW, place) / stepVar) * stepVar;
  const request = { point, value: wantedVar, isProtective: false, mode: "clamp" } as const;
  const verdict = judgeWrite(envelope, request, view, now);
  if (verdict.result === "refused") return;
  const { value } = verdict;
  const isNews = !(Math.abs(value - numberAt(level.sentVar, place)) < stepVar);
  if (!isNews && now - numberAt(level.sentAt, place) < repeatMs) return;
  level.sentVar[place] = value;
  level.sentAt[place] = now;
  recordWrite(envelope, point, value, now);
  const lane = "cyclic";
  writes.push({
    asset,
    stream,
    lane,
    point,
    value,
    isProtective: false,
    confirm: "by-poll",
    sentAt: now,
  });
}

/** Tells when reactive power begins to go first, and when it ends. */
export function tellReactive(level: ReactiveLevel, device: string, notices: Notices): void {
  const isEvent = level.out.priority === "reactive";
  if (!notices.isNews("voltage-event", device, isEvent)) return;
  const percent = (100 * level.voltagePu).toFixed(1);
  notices.tell(
    { id: "voltage-event", device },
    isEvent,
    isEvent
      ? `the voltage is ${percent} % of nominal: reactive power goes before active power`
      : `the voltage is inside its band again`,
  );
}

export function reactiveStatus(level: ReactiveLevel): ReactiveStatus {
  const { out, askedVar, shares, voltagePu } = level;
  return {
    priority: out.priority,
    voltagePu: Number.isNaN(voltagePu) ? undefined : voltagePu,
    askedVar,
    givenVar: shares.powersW.reduce((sumVar, ownVar) => sumVar + ownVar, 0),
  };
}
