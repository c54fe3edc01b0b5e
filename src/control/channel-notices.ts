import type { GridState } from "./grid-trust.ts";
import { itemAt } from "./item-at.ts";
import type { Notices } from "./notices.ts";
import { type ControlPlan, type GridPlan, PLAIN_TRIP } from "./plan.ts";
import type { TripState } from "./trips.ts";

/** Sensors of one cause that say different things for longer are not of one opinion, ms. */
const DISAGREE_MS = 3_000;

/** Tells which channels of the protections show nothing, or say something else than the others. */
export function tellChannels(
  { marks }: TripState,
  { trips }: Pick<ControlPlan, "trips">,
  { now, notices }: { readonly now: number; readonly notices: Notices },
): void {
  for (let place = 0; place < trips.length; place += 1) {
    const rule = itemAt(trips, place);
    const { channels, blindMs } = rule.terms ?? PLAIN_TRIP;
    if (channels.length === 0 && blindMs === undefined) continue;
    const { blindSince, disagreeSince } = itemAt(marks, place);
    // Only what no trip tells already: a sensor alone is one at once.
    const lost = channels.length === 0 ? -1 : blindSince.findIndex((since) => !Number.isNaN(since));
    const device = `${rule.device}`;
    const isLost = lost >= 0 && now - (blindSince[lost] ?? now) >= (blindMs ?? DISAGREE_MS);
    if (notices.isNews("sensor-lost", device, isLost))
      notices.tell(
        { id: "sensor-lost", device, point: rule.pointName },
        isLost,
        isLost
          ? `sensor ${lost + 1} of ${rule.id} shows nothing`
          : `all sensors of ${rule.id} are read again`,
      );
    const isSplit = now - disagreeSince >= DISAGREE_MS;
    if (notices.isNews("sensor-deviates", device, isSplit))
      notices.tell(
        { id: "sensor-deviates", device, point: rule.pointName },
        isSplit,
        isSplit
          ? `the sensors of ${rule.id} do not agree`
          : `the sensors of ${rule.id} agree again`,
      );
  }
}

/** Tells of meters at the grid connection that are outvoted, and that too few are left. */
export function tellVotedMeters({ votes }: GridState, plan: GridPlan, notices: Notices): void {
  const { voted } = plan;
  if (votes === undefined || voted === undefined) return;
  for (const [channel, device] of voted.names.entries()) {
    const isOut = votes.isOut[channel] === 1;
    if (!notices.isNews("sensor-deviates", device, isOut)) continue;
    notices.tell(
      { id: "sensor-deviates", device, point: "active-power" },
      isOut,
      isOut
        ? `${device} does not agree with the other meters of the grid: it counts no more`
        : `${device} agrees with the other meters of the grid again`,
    );
  }
}
