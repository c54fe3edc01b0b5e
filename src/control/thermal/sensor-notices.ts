import { byteAt } from "../../points/number-at.ts";
import { itemAt } from "../item-at.ts";
import type { Notices } from "../notices.ts";
import { STUCK_SAMPLES } from "../voting.ts";
import {
  type CoolantVotes,
  quantityWords,
  standingOf,
  VOTED_QUANTITIES,
  type VotedQuantity,
  type ZoneVotes,
} from "./coolant-votes.ts";

/** Tells which sensors of a unit do not count, and that few are left or that two differ. */
export function tellSensors(notices: Notices, asset: string, votes: ZoneVotes): void {
  for (const quantity of VOTED_QUANTITIES) {
    const vote = votes[quantity];
    if (vote === undefined) continue;
    for (let channel = 0; channel < vote.isLost.length; channel += 1) {
      tellOut({ notices, asset, quantity, vote }, channel);
      tellLost({ notices, asset, quantity, vote }, channel);
    }
    tellFew({ notices, asset, quantity, vote });
    tellApart({ notices, asset, quantity, vote });
  }
}

interface SensorTelling {
  readonly notices: Notices;
  readonly asset: string;
  readonly quantity: VotedQuantity;
  readonly vote: CoolantVotes;
}

/** Told of the device that has the sensor: its lost link is then the cause, and calls alone. */
function tellLost({ notices, asset, quantity, vote }: SensorTelling, channel: number): void {
  const { device, point, name } = itemAt(vote.plan.sensors, channel);
  const isLost = byteAt(vote.isLost, channel) === 1;
  if (!notices.isNews("coolant-sensor-lost", name, isLost)) return;
  const what = `a sensor of the ${quantityWords(quantity)} of ${asset}`;
  notices.tell(
    { id: "coolant-sensor-lost", device, point, about: name },
    isLost,
    isLost ? `${name}, ${what}, shows nothing` : `${name}, ${what}, is read again`,
  );
}

function tellOut({ notices, asset, quantity, vote }: SensorTelling, channel: number): void {
  const { device, point, name } = itemAt(vote.plan.sensors, channel);
  const isOut = byteAt(vote.votes.isOut, channel) === 1;
  if (!notices.isNews("sensor-deviates", name, isOut)) return;
  const others = `the other sensors of the ${quantityWords(quantity)} of ${asset}`;
  const isStill = (vote.votes.still[channel] ?? 0) >= STUCK_SAMPLES;
  const wrong = isStill ? `stands still while ${others} move` : `does not agree with ${others}`;
  notices.tell(
    { id: "sensor-deviates", device, point, about: name },
    isOut,
    isOut ? `${name} ${wrong}: it counts no more` : `${name} agrees with ${others} again`,
  );
}

function tellFew({ notices, asset, quantity, vote }: SensorTelling): void {
  const { point } = vote.plan;
  const about = `${asset}/${point}`;
  if (!notices.isNews("coolant-sensors-few", about, vote.isFew)) return;
  const of = `the ${quantityWords(quantity)} of ${asset}`;
  notices.tell(
    { id: "coolant-sensors-few", device: asset, point, about },
    vote.isFew,
    vote.isFew
      ? `${of} stands on ${standingOf(vote) ?? "few"} sensors`
      : `${of} stands on ${vote.votes.basis} sensors again`,
  );
}

function tellApart({ notices, asset, quantity, vote }: SensorTelling): void {
  const { point, unit } = vote.plan;
  const about = `${asset}/${point}`;
  if (!notices.isNews("coolant-sensors-apart", about, vote.isApart)) return;
  const of = `the two sensors that are left of the ${quantityWords(quantity)} of ${asset}`;
  const { low, high } = vote.votes;
  notices.tell(
    { id: "coolant-sensors-apart", device: asset, point, about },
    vote.isApart,
    vote.isApart
      ? `${of} say ${low.toFixed(1)} and ${high.toFixed(1)} ${unit}: for each use the worse counts`
      : `${of} agree again, or another number of them counts`,
  );
}
