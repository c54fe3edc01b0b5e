import type { SmoothingStatus } from "./exchange.ts";
import { megawatts, type Notices } from "./notices.ts";
import type { ControlEventId, ControlPlan } from "./plan.ts";
import { deadbandOf, spentShare } from "./smoothing/energy.ts";
import { dischargeNeedJ } from "./smoothing/governor.ts";
import { resonanceReport } from "./smoothing/resonance.ts";
import { harmRatio } from "./smoothing/supervisor.ts";
import type { SmoothingLevel } from "./smoothing-level.ts";
import type { ControlState } from "./state.ts";

/** A jump is over, and told, when the reference has kept its ramp for so long. */
const JUMP_OVER_MS = 200;
/** Less than this part of the batteries' rating is no jump worth telling. */
const TELLING_FRACTION = 0.01;
/** A cap that can be kept for longer than this is no news. */
const CAP_NOTICE_S = 1_800;
/** Part of the daily budget from which on the band widens, see `deadbandOf`. */
const NEAR_BUDGET = 0.8;
const S_PER_MIN = 60;
const J_PER_MWH = 3.6e9;

/** What ramp governor and smoothing do. */
export function smoothingStatus(level: SmoothingLevel): SmoothingStatus {
  const { smoothing, out, inputs } = level;
  const { governor, governorInputs, settings, energy, supervisor } = smoothing;
  const known = (value: number): number | undefined => (Number.isNaN(value) ? undefined : value);
  return {
    mode: out.mode,
    degraded: out.degraded,
    referenceW: known(out.referenceW),
    loadW: known(smoothing.loadW),
    predictedW: known(out.predictedW),
    isGuaranteed: out.isGuaranteed,
    gainDb: known(20 * Math.log10(harmRatio(supervisor, settings))),
    delayMs: smoothing.delayMs,
    deadbandW: out.deadbandW,
    energyJ: known(energy.storedJ - inputs.floorJ),
    needJ: known(dischargeNeedJ(settings, governorInputs.envelope, governor.referenceW)),
    capHoldS: Number.isFinite(out.capHoldS) ? out.capHoldS : undefined,
  };
}

/** From a command of a unit to its effect, as it was found, ms; undefined: it was not. */
export function unitDelayMs(level: SmoothingLevel | undefined, place: number): number | undefined {
  const delayMs = level?.unitDelaysMs[place] ?? Number.NaN;
  return Number.isNaN(delayMs) ? undefined : delayMs;
}

/** Tells that another delay of the loop is used from now on. */
export function tellDelay(level: SmoothingLevel, device: string, notices: Notices): void {
  const { delayMs } = level.smoothing;
  notices.once({ id: "loop-delay", device }, `the loop answers after ${delayMs.toFixed(0)} ms`);
}

/** Tells what smoothing cannot do, and why, when that begins and ends. */
export function tellSmoothing({ smoothing, plan }: ControlState, notices: Notices): void {
  if (smoothing === undefined) return;
  const tell = teller(plan, notices);
  tellJump(smoothing, plan, notices);
  tellBudget(smoothing, tell);
  tellGuarantee(smoothing, tell);
  tellSchedule(smoothing, tell);
  tellLine(smoothing, tell);
  tellAnnouncement(smoothing, plan, notices);
}

/** The text is made only when it is told. */
type Tell = (id: ControlEventId, isActive: boolean, text: () => string) => void;

function teller({ grid }: ControlPlan, notices: Notices): Tell {
  const { device } = grid;
  return (id, isActive, text) => {
    if (notices.isNews(id, device, isActive)) notices.tell({ id, device }, isActive, text());
  };
}

/** What the battery could not take of a step of the load, declared with its size. */
function tellJump(level: SmoothingLevel, plan: ControlPlan, notices: Notices): void {
  const { inputs, smoothing } = level;
  if (level.jumpW === 0 || inputs.now - level.jumpedAt < JUMP_OVER_MS) return;
  const { jumpW } = level;
  level.jumpW = 0;
  if (Math.abs(jumpW) < TELLING_FRACTION * smoothing.settings.dischargeRatingW) return;
  const cause =
    smoothing.governor.breachBy === "power-limit"
      ? "the batteries have not the power for this step"
      : "the batteries have not the energy";
  notices.once(
    { id: "ramp-breach", device: plan.grid.device },
    `${megawatts(Math.abs(jumpW))} went to the grid at once: ${cause}`,
  );
}

function tellBudget({ smoothing, out, inputs }: SmoothingLevel, tell: Tell): void {
  const { throughput, settings } = smoothing;
  const share = spentShare(throughput, settings);
  tell("battery-budget", share >= NEAR_BUDGET, () =>
    share >= NEAR_BUDGET
      ? `${(100 * share).toFixed(0)} % of the day's energy is given: the grid power is left ` +
        `alone within ±${megawatts(deadbandOf(throughput, settings))}`
      : `the battery has energy of its daily budget again`,
  );
  const isOff = inputs.isEnabled && throughput.isSpent;
  tell("smoothing-off", isOff, () =>
    isOff
      ? `the battery has given what it may in a day; the load is not smoothed`
      : `the load is smoothed again (${out.mode})`,
  );
}

function tellGuarantee({ smoothing, out }: SmoothingLevel, tell: Tell): void {
  const { governor, governorInputs, supervisor } = smoothing;
  const isActive = out.mode !== "init" && out.mode !== "standby";
  const isShort = isActive && !governor.isViable;
  tell("ramp-not-guaranteed", isShort, () =>
    isShort
      ? `${(governorInputs.usableJ / J_PER_MWH).toFixed(2)} MWh are too little for every step of ` +
        `the load: the ramp is kept as long as the energy lasts`
      : `the ramp is guaranteed again`,
  );
  const isStray = out.degraded === "battery-does-not-follow";
  tell("battery-does-not-follow", isStray, () =>
    isStray
      ? `the batteries give something else than they are asked for`
      : `the batteries follow again`,
  );
  const isResting = supervisor.restS > 0;
  tell("smoothing-rests", isResting, () =>
    isResting
      ? `answering this load fast does not help: only its slow part is smoothed`
      : `the load is answered fast again`,
  );
}

function tellSchedule({ smoothing, inputs, out }: SmoothingLevel, tell: Tell): void {
  const { governor } = smoothing;
  const { dispatchW } = inputs;
  const isClipped =
    (dispatchW > 0 && governor.bound === "discharge") ||
    (dispatchW < 0 && governor.bound === "charge");
  tell("schedule-clipped", isClipped, () =>
    isClipped
      ? `the schedule's ${megawatts(dispatchW)} are not given: the ramp and the reserve need ` +
        `the energy`
      : `the schedule is followed again`,
  );
  const isShort = out.capHoldS < CAP_NOTICE_S;
  tell("cap-unachievable", isShort, () =>
    isShort
      ? `at this load ${megawatts(inputs.capW)} can be kept for ` +
        `${(out.capHoldS / S_PER_MIN).toFixed(1)} min more`
      : `the cap can be kept`,
  );
}

function tellLine({ smoothing }: SmoothingLevel, tell: Tell): void {
  const { resonance, supervisor, settings } = smoothing;
  tell("grid-resonance", resonance.isAlarm, () => {
    const report = resonanceReport(resonance, harmRatio(supervisor, settings));
    if (report.kind === "quiet") return "the grid power is without a large line again";
    const advice =
      report.advice === "change-the-workload"
        ? "spread or shift the iterations, or cap their power"
        : "the answer of the batteries enlarges it";
    const line = `±${megawatts(report.amplitudeW)} at ${report.frequencyHz.toFixed(1)} Hz`;
    return `the grid power swings by ${line}: ${advice}`;
  });
}

function tellAnnouncement(level: SmoothingLevel, plan: ControlPlan, notices: Notices): void {
  const { ended } = level.smoothing.announcements;
  if (ended === undefined || level.out.mode === "init") return;
  const { device } = plan.grid;
  level.smoothing.announcements.ended = undefined;
  switch (ended.as) {
    case "happened":
      notices.once({ id: "announcement-ended", device }, `${ended.id} came as announced`);
      return;
    case "not-honoured":
      notices.once({ id: "announcement-broken", device }, `${ended.id} did not come as announced`);
      return;
    case "enforcement-broken":
      notices.once(
        { id: "announcement-broken", device },
        `${ended.id}: the load went beyond what should have been enforced`,
      );
  }
}
