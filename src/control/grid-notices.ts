import type { GridSight, GridState } from "./grid-trust.ts";
import type { Notices } from "./notices.ts";
import type { GridPlan } from "./plan.ts";

/** Tells the north where the grid power comes from, and what is not believed, when that changes. */
export function tellSource(state: GridState, plan: GridPlan, sight: GridSight): void {
  const { device } = plan;
  const { notices, now } = sight;
  tellMeter(state, device, notices);
  const isFeeders = state.distrusted === "feeders";
  const feeder = plan.feeders[0]?.device;
  if (notices.isNews("feeder-mismatch", feeder, isFeeders))
    notices.tell(
      { id: "feeder-mismatch", device: feeder },
      isFeeders,
      isFeeders
        ? `the feeders contradict ${device}, which moves; control keeps to the meter`
        : `the feeders agree with ${device} again`,
    );
  const isLost = state.source === "none" && now - state.knownAt > plan.power.maxAgeMs;
  if (notices.isNews("meter-lost", device, isLost))
    notices.tell(
      { id: "meter-lost", device, point: "active-power" },
      isLost,
      isLost
        ? `no trusted grid power; the battery is held, then ramps to zero`
        : `the grid power is known again`,
    );
}

function tellMeter(state: GridState, device: string, notices: Notices): void {
  const isMeter = state.distrusted === "meter";
  const isFrozen = isMeter && state.isFrozen;
  if (notices.isNews("meter-frozen", device, isFrozen))
    notices.tell(
      { id: "meter-frozen", device, point: "active-power" },
      isFrozen,
      isMeter
        ? `${device} stands still while the feeders move; control uses the feeders`
        : `${device} moves with the feeders again`,
    );
  const isWrong = isMeter && !state.isFrozen;
  if (notices.isNews("meter-mismatch", device, isWrong))
    notices.tell(
      { id: "meter-mismatch", device, point: "active-power" },
      isWrong,
      isMeter
        ? `${device} contradicts the feeders; control uses the feeders`
        : `${device} agrees with the feeders again`,
    );
}
