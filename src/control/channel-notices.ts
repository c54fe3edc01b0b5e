import type { GridState } from "./grid-trust.ts";
import { itemAt } from "./item-at.ts";
import type { Notices } from "./notices.ts";
import { type ControlPlan, type GridPlan, PLAIN_TRIP, type TripRule } from "./plan.ts";
import type { TripMark } from "./trip-cause.ts";
import type { TripState } from "./trips.ts";

/** Sensors of one cause that say different things for longer are not of one opinion, ms. */
const DISAGREE_MS = 3_000;

/** Tells which channels of the protections show nothing, or say something else than the others. */
export function tellChannels(
  { marks }: TripState,
  { trips }: Pick<ControlPlan, "trips">,
  sight: { readonly now: number; readonly notices: Notices },
): void {
  for (let place = 0; place < trips.length; place += 1) {
    const rule = itemAt(trips, place);
    // Of a sensor alone its trip tells.
    if ((rule.terms ?? PLAIN_TRIP).channels.length === 0) continue;
    const mark = itemAt(marks, place);
    tellLost(rule, mark, sight);
    tellSplit(rule, mark, sight);
  }
}

function tellLost(
  { id, device, pointName: point, terms }: TripRule,
  { blindSince }: TripMark,
  { now, notices }: { readonly now: number; readonly notices: Notices },
): void {
  const lost = blindSince.findIndex((since) => now - since >= (terms?.blindMs ?? DISAGREE_MS));
  const isLost = lost >= 0;
  // One device may carry the sensors of several trips.
  const about = `${id} ${device}`;
  if (!notices.isNews("sensor-lost", about, isLost)) return;
  notices.tell(
    { id: "sensor-lost", device, point, about },
    isLost,
    isLost ? `sensor ${lost + 1} of ${id} shows nothing` : `all sensors of ${id} are read again`,
  );
}

function tellSplit(
  { id, device, pointName: point }: TripRule,
  { disagreeSince }: TripMark,
  { now, notices }: { readonly now: number; readonly notices: Notices },
): void {
  const isSplit = now - disagreeSince >= DISAGREE_MS;
  const about = `${id} ${device}`;
  if (!notices.isNews("sensor-deviates", about, isSplit)) return;
  notices.tell(
    { id: "sensor-deviates", device, point, about },
    isSplit,
    isSplit ? `the sensors of ${id} do not agree` : `the sensors of ${id} agree again`,
  );
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
