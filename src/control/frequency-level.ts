import type { MonotonicMs } from "../domain/time.ts";
import { freshValue, type ImageView } from "../points/image.ts";
import { numberAt } from "../points/number-at.ts";
import type { PowerBox } from "./arbitration.ts";
import {
  createFrequencyResponse,
  type FrequencyInputs,
  frequencyInputs,
  frequencyOut,
  type FrequencyOut,
  type FrequencyState,
  keepFrequencyReserve,
  stepFrequencyResponse,
} from "./frequency-response.ts";
import { megawatts, type Notices } from "./notices.ts";
import type { ControlPlan, FrequencyPlan } from "./plan.ts";

/** The duty to the grid's frequency, as a level of the arbitration. Plain data. */
export interface FrequencyLevel {
  readonly response: FrequencyState;
  readonly inputs: FrequencyInputs;
  readonly out: FrequencyOut;
  /** True while an answer is told. */
  isTold: boolean;
}

/** From this part of what is promised on an answer is worth an event … */
const TOLD_SHARE = 0.25;
/** … until it is less than this. */
const OVER_SHARE = 0.05;
const MHZ_PER_HZ = 1_000;

/** Undefined where the site has promised nothing. */
export function createFrequencyLevel(
  plan: ControlPlan,
  now: MonotonicMs,
): FrequencyLevel | undefined {
  if (plan.frequency === undefined) return undefined;
  return {
    response: createFrequencyResponse(plan.frequency.settings, now),
    inputs: frequencyInputs(now),
    out: frequencyOut(),
    isTold: false,
  };
}

/** Reads the frequency of this cycle; a value that stands still for too long is none. */
export function observeFrequency(
  { inputs }: FrequencyLevel,
  { point, stillMs }: FrequencyPlan,
  sight: {
    readonly view: ImageView;
    readonly now: MonotonicMs;
    /** True while what the grid's meter says is no measurement: the grid is dead. */
    readonly isVoid?: boolean;
  },
): void {
  const { view, now, isVoid = false } = sight;
  const value = freshValue(view, point.point, now, point.maxAgeMs);
  const isStill = now - numberAt(view.changedAt, point.point) > stillMs;
  inputs.now = now;
  inputs.frequencyHz = value === undefined || isStill || isVoid ? Number.NaN : value;
  inputs.receivedAt = numberAt(view.receivedAt, point.point);
}

/** Answers the frequency inside what the devices can do, and keeps its reserve free in `reach`. */
export function answerFrequency(level: FrequencyLevel, reach: PowerBox): void {
  const { response, inputs, out } = level;
  inputs.boxLowW = Math.min(reach.lowW, 0);
  inputs.boxHighW = Math.max(reach.highW, 0);
  stepFrequencyResponse(response, inputs, out);
  keepFrequencyReserve(reach, out);
}

/** Tells an answer when it begins and ends, and that nobody knows the frequency. */
export function tellFrequency(level: FrequencyLevel, device: string, notices: Notices): void {
  const { out, response } = level;
  const { dischargeW, chargeW } = response.settings;
  const share = Math.abs(out.dutyW) / Math.max(out.dutyW < 0 ? chargeW : dischargeW, 1);
  level.isTold = share >= (level.isTold ? OVER_SHARE : TOLD_SHARE);
  const offMhz = (MHZ_PER_HZ * out.deviationHz).toFixed(0);
  const answer = { id: "frequency-answer", device, point: "frequency" } as const;
  if (notices.isNews(answer.id, device, level.isTold))
    notices.tell(
      answer,
      level.isTold,
      level.isTold
        ? `the frequency is off by ${offMhz} mHz: the batteries give ${megawatts(out.dutyW)} ` +
            `for it, without the ramp limit`
        : `the frequency needs no answer any more`,
    );
  const isUnknown = out.mode === "holding" || out.mode === "releasing";
  const unknown = { id: "frequency-unknown", device, point: "frequency" } as const;
  if (notices.isNews(unknown.id, device, isUnknown))
    notices.tell(
      unknown,
      isUnknown,
      isUnknown
        ? `no frequency that can be believed (${out.verdict}): its answer is held, then let go`
        : `the frequency is known again`,
    );
}
