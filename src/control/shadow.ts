import type { MonotonicMs } from "../domain/time.ts";
import { cycle } from "./cycle.ts";
import type { CycleInputs } from "./exchange.ts";
import { itemAt } from "./item-at.ts";
import type { ControlPlan } from "./plan.ts";
import { noTally, type ShadowTally, tallyCycle } from "./shadow-tally.ts";
import { clearHistory } from "./smoothing/predictor/history.ts";
import type { SmoothingLevel } from "./smoothing-level.ts";
import { type ControlState, createControl } from "./state.ts";
import type { WriteState } from "./writes.ts";

/**
 * A second control with other settings, on what the first one sees, whose writes are never done.
 * Its devices, limits and trips are those of the first: only what is wanted differs. Plain data.
 */
export interface ShadowState {
  control: ControlState;
  tally: ShadowTally;
}

export function createShadow(plan: ControlPlan, now: MonotonicMs): ShadowState {
  const control = createControl(plan, { now, latches: undefined });
  return { control, tally: noTally(plan.units.length, plan.periodMs, now) };
}

/**
 * One cycle of the shadow, after the one of `real` on the same inputs. What was sent, what is
 * latched and what people have decided is taken over: the setpoints in the devices are those of
 * the other, so there is no second writer and nothing that differs. Returns no writes.
 */
export function shadowCycle(shadow: ShadowState, real: ControlState, inputs: CycleInputs): void {
  const { control, tally } = shadow;
  followReal(control, real);
  // People and protection have been answered already; what is written is reported to the other.
  const { events } = cycle(control, { ...inputs, orders: [], outcomes: [], isShadow: true });
  forgetLoop(control.smoothing, real.smoothing);
  tallyCycle(tally, { real, shadow: control, now: inputs.now, events });
}

/** What takes over, and what from now on only looks on. */
export interface Exchanged {
  readonly real: ControlState;
  readonly shadow: ControlState;
}

/**
 * The shadow's settings become those that write, and the others look on. Everything that is known
 * of the plant, every lease, latch and decision stays where it is; the total goes on from what the
 * batteries give, and moves at the ramp from there.
 */
export function exchange(real: ControlState, shadow: ControlState): Exchanged {
  const next = {
    ...real,
    plan: shadow.plan,
    smoothing: shadow.smoothing,
    frequency: real.frequency ?? shadow.frequency,
  };
  const beside = { ...shadow, plan: real.plan, smoothing: real.smoothing };
  const { total } = next;
  if (next.smoothing === undefined) total.handoverW = total.totalW - shadow.total.totalW;
  else {
    total.handoverW = 0;
    goOnFrom(next.smoothing, total.totalW);
  }
  return { real: next, shadow: beside };
}

/**
 * The reference begins where the answer to the load, as it is expected, is what the batteries give:
 * so they go on with it, and the reference moves at its ramp from there.
 */
function goOnFrom({ smoothing, out }: SmoothingLevel, totalW: number): void {
  clearHistory(smoothing.references);
  clearHistory(smoothing.commands);
  smoothing.strayCycles = 0;
  smoothing.trimW = 0;
  smoothing.dutyW = 0;
  smoothing.commandW = totalW;
  const expectedW = out.predictedW;
  // One that has not yet begun begins by itself at what the grid gives.
  if (smoothing.mode === "init" || smoothing.mode === "standby" || Number.isNaN(expectedW)) return;
  const deadbandW = Math.sign(totalW) * out.deadbandW;
  smoothing.governor.referenceW = expectedW - totalW - deadbandW;
}

function followReal(control: ControlState, real: ControlState): void {
  const { trips, authority, envelope, writes } = control;
  trips.latched = real.trips.latched;
  trips.revision = real.trips.revision;
  const { lockedRevision } = authority;
  Object.assign(authority, real.authority, { lockedRevision });
  envelope.lastValues.set(real.envelope.lastValues);
  envelope.lastAt.set(real.envelope.lastAt);
  envelope.openAt.set(real.envelope.openAt);
  for (const [place, write] of writes.entries()) followWrites(write, itemAt(real.writes, place));
}

function followWrites(write: WriteState, real: WriteState): void {
  const { sent } = write;
  Object.assign(write, real, { sent });
  sent.times.set(real.sent.times);
  sent.values.set(real.sent.values);
  sent.newest = real.sent.newest;
  sent.count = real.sent.count;
}

/** A loop that is not closed has no delay to be found, nothing to trim, and nobody that strays. */
function forgetLoop(level: SmoothingLevel | undefined, real: SmoothingLevel | undefined): void {
  if (level === undefined) return;
  level.smoothing.strayCycles = 0;
  level.smoothing.trimW = real?.smoothing.trimW ?? 0;
}
