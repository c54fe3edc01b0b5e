import { type ImageView, freshValue } from "../../points/image.ts";
import type { MonotonicMs } from "../../domain/time.ts";
import type { WhyLink } from "../trace-words.ts";
import { deliveryReason, type Reason, type ThermalBinding, zoneReason } from "./thermal-reasons.ts";
import { DELIVERY_ACTUATORS } from "./delivery-run.ts";
import type { ThermalMode } from "./thermal-mode.ts";
import type { ThermalState } from "./thermal-level.ts";
import type { ActuatorState } from "./thermal-writes.ts";
import type { ThermalActuator } from "./zone-plan.ts";
import { ZONE_ACTUATORS } from "./zone-run.ts";

/** Why a point of the cooling or of the heat's delivery is asked for what it is. */
export interface ThermalWhy {
  readonly asset: string;
  readonly point: string;
  /** In force at the last step; in `control` alone something is written. */
  readonly mode: ThermalMode;
  readonly binding: ThermalBinding | "envelope" | "refused" | "not-driven";
  /** In the unit of the point; undefined: nothing is asked for. */
  readonly value: number | undefined;
  readonly links: readonly WhyLink[];
}

/** What is asked about: one point, or all that is driven on or for an asset. */
export interface ThermalQuestion {
  readonly asset: string;
  readonly point: string | undefined;
}

export interface ThermalSight {
  readonly view: ImageView;
  readonly now: MonotonicMs;
  /** Monotonic ms as people write a time. */
  readonly timeOf: (at: number) => string;
}

interface Driven {
  readonly owner: string;
  readonly mode: ThermalMode;
  readonly actuator: ThermalActuator;
  readonly state: ActuatorState;
  readonly reason: Reason;
}

/** The causal chain of each actuator that is meant; empty where none of them is the cooling's. */
export function explainThermal(
  state: ThermalState,
  asked: ThermalQuestion,
  sight: ThermalSight,
): readonly ThermalWhy[] {
  return drivenIn(state, sight.now)
    .filter(({ owner, actuator: { asset, pointName } }) =>
      asked.point === undefined
        ? asked.asset === asset || asked.asset === owner
        : asked.asset === asset && asked.point === pointName,
    )
    .map((driven) => explainOne(driven, state, sight));
}

function drivenIn({ zones, deliveries }: ThermalState, now: number): readonly Driven[] {
  const ofZones = zones.flatMap((run) =>
    ZONE_ACTUATORS.flatMap((name) => {
      const actuator = run.plan.actuators[name];
      if (actuator === undefined) return [];
      const reason = zoneReason(run, name, now);
      const { asset: owner } = run.plan;
      return [{ owner, mode: run.inputs.mode, actuator, state: run.actuators[name], reason }];
    }),
  );
  const ofDeliveries = deliveries.flatMap((run) =>
    DELIVERY_ACTUATORS.flatMap((name) => {
      const actuator = run.plan.actuators[name];
      if (actuator === undefined) return [];
      const reason = deliveryReason(run, name);
      const { asset: owner } = run.plan;
      return [{ owner, mode: run.inputs.mode, actuator, state: run.actuators[name], reason }];
    }),
  );
  return [...ofZones, ...ofDeliveries];
}

function explainOne(
  driven: Driven,
  { isUnreadable }: ThermalState,
  sight: ThermalSight,
): ThermalWhy {
  const { mode, actuator, reason } = driven;
  const { asset, pointName: point } = actuator;
  const verdict = verdictOf(driven);
  const { binding, value } = verdict;
  const summary =
    value === undefined
      ? `nothing is asked of ${asset}/${point}: ${verdict.text}`
      : `${asset}/${point} is asked for ${shown(value, reason)}: ${verdict.text}`;
  const unlooked = isUnreadable
    ? [
        {
          link: "level",
          text: "saved latches could not be read: the cooling is not driven",
        } as const,
      ]
    : [];
  const links: readonly WhyLink[] = [
    { link: "summary", text: summary },
    ...reason.measurements.map((text) => ({ link: "measurement", text }) as const),
    { link: "level", text: reason.text },
    ...unlooked,
    ...reason.limits.map((text) => ({ link: "limits", text }) as const),
    ...writeLinks(driven, sight),
  ];
  return { asset, point, mode, binding, value, links };
}

/** What has the last word: the controller, or what stands between it and the device. */
function verdictOf({ mode, state, actuator, reason }: Driven): {
  readonly binding: ThermalWhy["binding"];
  readonly value: number | undefined;
  readonly text: string;
} {
  const { binding, value, text } = reason;
  if (value === undefined) return { binding, value, text };
  if (mode !== "control") {
    const would = `it would be ${shown(value, reason)} (${text})`;
    const but = `but in mode ${mode} nothing is written`;
    return { binding: "not-driven", value: undefined, text: `${would}, ${but}` };
  }
  const { refusal, sentValue } = state;
  if (refusal !== undefined)
    return { binding: "refused", value, text: `${text}; it is refused (${refusal})` };
  if (Math.abs(sentValue - value) >= actuator.step) {
    const wanted = `the envelope lets no more through of ${shown(value, reason)}, because ${text}`;
    return { binding: "envelope", value: sentValue, text: wanted };
  }
  return { binding, value, text };
}

function writeLinks({ mode, state, actuator, reason }: Driven, sight: ThermalSight): WhyLink[] {
  const { sentValue, sentAt, isInDoubt, refusal } = state;
  const links: WhyLink[] = [];
  if (mode === "control" && !Number.isNaN(sentValue)) {
    const text = `${shown(sentValue, reason)} was written at ${sight.timeOf(sentAt)}`;
    links.push({ link: "write", text });
  }
  if (isInDoubt) links.push({ link: "outcome", text: "nobody knows whether it arrived" });
  else if (refusal !== undefined)
    links.push({ link: "outcome", text: `it was refused at ${sight.timeOf(state.refusedAt)}` });
  const { shown: point } = actuator;
  if (point === undefined) return links;
  const value = freshValue(sight.view, point.point, sight.now, point.maxAgeMs);
  const text =
    value === undefined
      ? "what it stands at is not known"
      : `the device shows ${shown(value, reason)}`;
  links.push({ link: "effect", text });
  return links;
}

function shown(value: number, { unit, digits }: Reason): string {
  return `${value.toFixed(digits)}${unit}`;
}
