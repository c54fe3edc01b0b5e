import { GOOSE_DEMANDS, GOOSE_LOST, gatewayDeviceId } from "../config/point-table.ts";
import type { ControlConfig } from "../config/schema.ts";
import type { BatteryUnitPlan, TripRule } from "../control/plan.ts";
import type { PointIndex } from "../domain/point.ts";
import { requirePoint } from "./plan-points.ts";
import type { SiteContext } from "./site-context.ts";

/** A publisher that control follows, and where it stands in the point table. */
export interface WatchedPublisher {
  readonly name: string;
  /** 1 while the safe state is demanded, 0 while it is not; bad while nothing is known. */
  readonly demands: PointIndex;
  /** 1 while the publisher is lost, else 0. */
  readonly lost: PointIndex;
}

/** The publishers of the site file; undefined where it has none. */
export function watchedPublishers(context: SiteContext): readonly WatchedPublisher[] | undefined {
  const device = gatewayDeviceId("control");
  return context.site.control?.goose?.subscriptions.map(({ name }) => ({
    name,
    demands: requirePoint(context, device, GOOSE_DEMANDS + name),
    lost: requirePoint(context, device, GOOSE_LOST + name),
  }));
}

/**
 * What a publisher can do to the plant: stop units. There is no rule by which it starts one, and a
 * latch ends by a person's order alone.
 */
export function gooseTrips(
  context: SiteContext,
  control: ControlConfig,
  units: readonly BatteryUnitPlan[],
): readonly TripRule[] {
  const device = gatewayDeviceId("control");
  const publishers = control.goose?.subscriptions ?? [];
  return publishers.flatMap(({ name, stops, onLoss }): readonly TripRule[] => {
    const rule = (pointName: string) => ({
      device: name,
      pointName,
      condition: {
        point: requirePoint(context, device, pointName),
        when: { equals: 1 },
        isActiveLow: false,
      },
      units: placesOf(stops, control, units),
    });
    const demanded: TripRule = {
      ...rule(GOOSE_DEMANDS + name),
      id: "goose-safe-state",
      text: `${name} demands the safe state by GOOSE`,
    };
    const lost: TripRule = {
      ...rule(GOOSE_LOST + name),
      id: "goose-loss-stop",
      text: `${name} is not heard by GOOSE any more, and the site wants the safe state then`,
    };
    return onLoss === "safe-state" ? [demanded, lost] : [demanded];
  });
}

/** Places of units that are named themselves, or by their battery. */
function placesOf(
  names: readonly string[],
  { batteries }: ControlConfig,
  units: readonly BatteryUnitPlan[],
): readonly number[] {
  const assets = new Set(
    names.flatMap((name) => batteries.find(({ id }) => id === name)?.units ?? [name]),
  );
  return units.flatMap(({ asset }, place) => (assets.has(asset) ? [place] : []));
}
