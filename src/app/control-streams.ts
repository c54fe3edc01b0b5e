import type { ConditionPlan, ControlPlan, EnvelopeEntry, UnitPoints } from "../control/plan.ts";
import { GatewayError } from "../domain/errors.ts";
import type { PointIndex, StreamId } from "../domain/point.ts";
import { controlPlan } from "./control-settings.ts";
import type { SiteContext } from "./site-context.ts";
import { thermalPlan, thermalPoints } from "./thermal-settings.ts";

/**
 * Streams of field with a point that control looks at: all that it gets of field. None where the
 * site has no controller, and where control cannot run with its site: it says so itself.
 */
export function fieldStreamsForControl(context: SiteContext): ReadonlySet<StreamId> {
  try {
    const plan = controlPlan(context);
    const thermal = thermalPlan(context);
    const forLoop = plan === undefined ? [] : streamsOf(plan, context);
    const forThermal = thermal === undefined ? [] : streamsNamed(thermalPoints(thermal), context);
    return new Set([...forLoop, ...forThermal]);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return new Set();
  }
}

/** Streams of field with a point that the plan names. */
export function streamsOf(
  plan: ControlPlan,
  context: Pick<SiteContext, "table">,
): ReadonlySet<StreamId> {
  return streamsNamed(pointsOf(plan), context);
}

function streamsNamed(
  points: readonly number[],
  { table }: Pick<SiteContext, "table">,
): ReadonlySet<StreamId> {
  const named = new Set(points);
  const streams = table.devices
    .filter(({ producer }) => producer === "field")
    .filter(({ firstPoint, pointCount }) => {
      for (let point = firstPoint; point < firstPoint + pointCount; point++)
        if (named.has(point)) return true;
      return false;
    })
    .map(({ stream }) => stream);
  return new Set(streams);
}

function pointsOf(plan: ControlPlan): readonly PointIndex[] {
  const { grid, units, envelope, frequency, localSelector, reactive, rideThrough } = plan;
  return [
    grid.power.point,
    ...grid.feeders.map(({ point }) => point),
    ...pointOf(frequency?.point),
    ...pointOf(localSelector?.condition),
    ...pointOf(reactive?.voltage),
    ...pointOf(rideThrough?.voltage?.input),
    ...(rideThrough?.flags ?? []).map(({ condition }) => condition.point),
    ...units.flatMap(({ points }) => unitPoints(points)),
    ...protectionPoints(plan),
    ...envelope.flatMap(envelopePoints),
  ];
}

function protectionPoints({ grid, trips, protection }: ControlPlan): readonly PointIndex[] {
  const { blocks = [], derates = [] } = protection ?? {};
  return [
    ...trips.flatMap(({ condition, terms }) =>
      [condition, ...(terms?.channels ?? [])].flatMap(pointOf),
    ),
    ...blocks.flatMap(({ cause }) =>
      pointOf(cause.kind === "state" ? cause.condition : cause.input),
    ),
    ...derates.flatMap(({ input }) => pointOf(input)),
    ...(grid.voted?.inputs ?? []).flatMap(pointOf),
  ];
}

function unitPoints(points: UnitPoints): readonly PointIndex[] {
  const { power, setpoint, soc, chargeLimit, dischargeLimit, faults, heartbeat, run } = points;
  return [
    power,
    setpoint,
    ...pointOf(soc),
    ...pointOf(chargeLimit),
    ...pointOf(dischargeLimit),
    ...faults.flatMap(pointOf),
    ...pointOf(heartbeat),
    ...pointOf(run),
    ...(run?.stopped ?? []).flatMap(pointOf),
  ];
}

function envelopePoints(entry: EnvelopeEntry): readonly PointIndex[] {
  return [
    entry.point,
    ...pointOf(entry.shown),
    ...pointOf(entry.effect),
    ...entry.interlocks.flatMap(({ condition }) => pointOf(condition)),
    ...(entry.excludes ?? []).flatMap(({ shown }) => pointOf(shown)),
  ];
}

function pointOf(named: Pick<ConditionPlan, "point"> | undefined): readonly PointIndex[] {
  return named === undefined ? [] : [named.point];
}
