import { assert } from "../domain/assert.ts";
import { clamp } from "./arbitration.ts";

/**
 * Active and reactive power of converters share their apparent power: P² + Q² ≤ S². Normally active
 * power goes first and reactive power has what is left of the circle. While the voltage is outside
 * its band it is the other way round: then reactive power is what helps the grid.
 */
export interface ReactiveSettings {
  /** Voltage outside these is an event, per unit. */
  readonly lowPu: number;
  readonly highPu: number;
  /** It is over only this far inside of them, per unit … */
  readonly hysteresisPu: number;
  /** … for this long, ms. */
  readonly holdMs: number;
  /** Most reactive power that the grid code asks for in an event, part of the apparent power. */
  readonly eventShare: number;
}

export const REACTIVE_DEFAULTS: ReactiveSettings = {
  lowPu: 0.9,
  highPu: 1.1,
  hysteresisPu: 0.02,
  holdMs: 500,
  eventShare: 1,
};

export type PowerPriority = "active" | "reactive";

/** Plain data. */
export interface ReactiveState {
  readonly settings: ReactiveSettings;
  priority: PowerPriority;
  /** When the voltage was last not well inside its band during an event, monotonic ms. */
  outsideAt: number;
}

export interface ReactiveInputs {
  readonly now: number;
  /** NaN unless a reading is good and fresh: then the priority stays for the hold time. */
  readonly voltagePu: number;
  /** What is asked for, W and VAr. */
  readonly activeW: number;
  readonly reactiveVar: number;
  /** What the converters that can be reached have together, VA. */
  readonly apparentVa: number;
}

/** Reused from cycle to cycle. */
export interface ReactiveOut {
  priority: PowerPriority;
  /** True in the cycle in which the priority changed. */
  isNews: boolean;
  activeW: number;
  reactiveVar: number;
  /** True where the circle, or the grid code's share, left less than was asked for. */
  isActiveLimited: boolean;
  isReactiveLimited: boolean;
}

export function createReactive(settings: ReactiveSettings): ReactiveState {
  const { lowPu, highPu, hysteresisPu, holdMs, eventShare } = settings;
  assert(hysteresisPu >= 0 && lowPu + hysteresisPu < highPu - hysteresisPu, "a band to be in");
  assert(holdMs >= 0 && eventShare >= 0 && eventShare <= 1, "a share of the apparent power");
  return { settings, priority: "active", outsideAt: -Infinity };
}

export function reactiveOut(): ReactiveOut {
  return {
    priority: "active",
    isNews: false,
    activeW: 0,
    reactiveVar: 0,
    isActiveLimited: false,
    isReactiveLimited: false,
  };
}

/** One control cycle: reads `inputs`, moves `state`, writes `out`. Never throws on plant data. */
export function stepReactive(state: ReactiveState, inputs: ReactiveInputs, out: ReactiveOut): void {
  const { activeW, reactiveVar, apparentVa } = inputs;
  assert(Number.isFinite(activeW) && Number.isFinite(reactiveVar), "powers are numbers");
  assert(apparentVa >= 0, "apparent power is not negative");
  const before = state.priority;
  followVoltage(state, inputs);
  out.priority = state.priority;
  out.isNews = state.priority !== before;
  if (state.priority === "active") {
    out.activeW = within(activeW, apparentVa);
    out.reactiveVar = within(reactiveVar, restOfCircle(apparentVa, out.activeW));
  } else {
    out.reactiveVar = within(reactiveVar, apparentVa * state.settings.eventShare);
    out.activeW = within(activeW, restOfCircle(apparentVa, out.reactiveVar));
  }
  out.isActiveLimited = out.activeW !== activeW;
  out.isReactiveLimited = out.reactiveVar !== reactiveVar;
}

/** What is left of the circle beside a power, VA. */
export function restOfCircle(apparentVa: number, power: number): number {
  return Math.sqrt(Math.max(apparentVa * apparentVa - power * power, 0));
}

function followVoltage(state: ReactiveState, { voltagePu, now }: ReactiveInputs): void {
  const { lowPu, highPu, hysteresisPu, holdMs } = state.settings;
  if (voltagePu < lowPu || voltagePu > highPu) {
    state.priority = "reactive";
    state.outsideAt = now;
    return;
  }
  if (state.priority === "active") return;
  const isInside = voltagePu >= lowPu + hysteresisPu && voltagePu <= highPu - hysteresisPu;
  // A voltage that is not known neither prolongs an event nor ends it early.
  if (!isInside && !Number.isNaN(voltagePu)) state.outsideAt = now;
  if (now - state.outsideAt >= holdMs) state.priority = "active";
}

function within(wanted: number, most: number): number {
  return clamp(wanted, -most, most);
}
