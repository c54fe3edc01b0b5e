import type { Notices, NoticeSubject } from "../notices.ts";
import { standingWords, VOTED_QUANTITIES } from "./coolant-votes.ts";
import { LEAK_SIGNS } from "./leak.ts";
import { tellSensors } from "./sensor-notices.ts";
import { SHED_CAUSES, type ShedCause } from "./shed.ts";
import type { DeliveryPlan, ZonePlan } from "./zone-plan.ts";
import type { HeatDeliveryState } from "./heat-delivery.ts";
import type { ZoneInputs, ZoneState } from "./zone.ts";
import { knownOf } from "./measured.ts";

/** Tells what began and what ended in a zone. */
export function tellZone(
  notices: Notices,
  plan: ZonePlan,
  { state, inputs }: { readonly state: ZoneState; readonly inputs: ZoneInputs },
): void {
  const zone: ZoneTelling = { notices, asset: plan.asset, state, inputs };
  tellSensors(notices, plan.asset, inputs.votes);
  tellFlow(zone);
  tellLeak(zone);
  tellHeat(zone);
  tellDewPoint(zone);
  tellTwoPhase(zone);
  tellShed(zone);
}

/** Tells what began and what ended in a delivery of heat. */
export function tellDelivery(
  notices: Notices,
  { asset }: DeliveryPlan,
  { out }: HeatDeliveryState,
): void {
  say(notices, { id: "heat-isolated", device: asset }, out.isClosed, () =>
    out.isClosed
      ? `${asset} delivers no heat: ${ISOLATION_WORDS[out.isolation]}`
      : `${asset} may deliver heat again`,
  );
  say(notices, { id: "heat-short", device: asset }, out.isShort, () =>
    out.isShort
      ? `${asset} lacks ${megawatts(out.shortW)} of the heat that is asked for`
      : `${asset} gives the heat that is asked for`,
  );
}

interface ZoneTelling {
  readonly notices: Notices;
  readonly asset: string;
  readonly state: ZoneState;
  readonly inputs: ZoneInputs;
}

export const ISOLATION_WORDS = {
  none: "no reason",
  contamination: "its water may be contaminated",
  "pressure-order": "the coolant's pressure is not below the network's",
  "too-hot": "the network is too hot",
  blind: "what watches its water is lost",
} as const;

const CAUSE_WORDS: Readonly<Record<ShedCause, string>> = {
  "leak-confirmed": "a leak is confirmed",
  "coolant-flow-lost": "too little coolant flows",
  "coolant-hot": "the coolant passed its limit",
  "coolant-heating": "the coolant is about to pass its limit",
  "cooling-unknown": "nothing tells whether coolant flows",
  "two-phase-trip": "the pressure of the two-phase loop tripped",
  "phase-change-inadequate": "the coolant does not boil as it must",
};

function tellFlow({ notices, asset, state, inputs }: ZoneTelling): void {
  const { lowFlow, flow } = state;
  const isLow = lowFlow.out.isShort || flow.out.isPumpLost;
  say(notices, { id: "coolant-flow-low", device: asset, point: "secondary.flow" }, isLow, () => {
    const flowing = litres(knownOf(inputs.measures.flow));
    if (!isLow) return `${asset} moves enough coolant again, ${flowing}`;
    const standing = standingWords(inputs.votes, VOTED_QUANTITIES);
    const need = litres(flow.out.needLPerMin);
    return `${asset} moves ${flowing} of ${need} that its racks need${standing}`;
  });
  const { isBlind } = lowFlow.out;
  say(notices, { id: "cooling-unknown", device: asset }, isBlind, () =>
    isBlind
      ? `neither flow nor temperature of ${asset} is known`
      : `readings of ${asset} are there again`,
  );
  tellLatched({ notices, asset, state, inputs }, "coolant-flow-lost");
}

function tellLeak({ notices, asset, state, inputs }: ZoneTelling): void {
  const { out } = state.leak;
  const isSuspected = out.phase === "suspected";
  say(notices, { id: "leak-suspected", device: asset }, isSuspected, () =>
    isSuspected
      ? `one sign of a leak at ${asset}: ${signWords(out.signs)}`
      : `what looked like a leak at ${asset} is ${out.phase === "dry" ? "gone" : "confirmed"}`,
  );
  say(notices, { id: "leak-sensor-lost", device: asset }, out.isSensorLost, () =>
    out.isSensorLost
      ? `a leak sensor of ${asset} tells nothing`
      : `the leak sensors of ${asset} tell again`,
  );
  tellLatched({ notices, asset, state, inputs }, "leak-confirmed");
}

function signWords(signs: number): string {
  const words = [
    [LEAK_SIGNS.rope, "its rope is wet"],
    [LEAK_SIGNS.secondRope, "the second rope is wet"],
    [LEAK_SIGNS.loss, "pressure or level is lost"],
  ] as const;
  return words
    .filter(([bit]) => (signs & bit) !== 0)
    .map(([, text]) => text)
    .join(", ");
}

function tellHeat(zone: ZoneTelling): void {
  const { notices, asset, state, inputs } = zone;
  const { supplyLimit, returnLimit } = state;
  const isNear = supplyLimit.out.isCause || returnLimit.out.isCause;
  const worst =
    supplyLimit.out.secondsToLimit < returnLimit.out.secondsToLimit ? supplyLimit : returnLimit;
  say(notices, { id: "coolant-heating", device: asset }, isNear, () =>
    isNear
      ? `coolant of ${asset} at ${worst.out.cel.toFixed(1)} °C is at its limit in ` +
        `${worst.out.secondsToLimit.toFixed(0)} s` +
        standingWords(inputs.votes, worst === supplyLimit ? ["supply"] : ["return_"])
      : `coolant of ${asset} stays below its limit`,
  );
  tellLatched(zone, "coolant-hot");
}

function tellDewPoint({ notices, asset, state, inputs }: ZoneTelling): void {
  const { out } = state.dewPoint;
  const isNear = out.isBreached || state.supply.out.isRaised;
  say(notices, { id: "dew-point", device: asset }, isNear, () => {
    if (!isNear) return `coolant of ${asset} is well above the dew point`;
    const [dewCel, leastCel] = [out.dewPointCel.toFixed(1), out.floorCel.toFixed(1)];
    const standing = standingWords(inputs.votes, ["supply"]);
    const words = `dew point ${dewCel} °C: coolant of ${asset} is to be ${leastCel} °C at least`;
    return words + standing;
  });
  say(notices, { id: "dew-point-unknown", device: asset }, out.isLost, () =>
    out.isLost
      ? `no room of ${asset} tells its dew point`
      : `the dew point at ${asset} is known again`,
  );
}

function tellTwoPhase(zone: ZoneTelling): void {
  const { notices, asset, state } = zone;
  if (state.twoPhase === undefined) return;
  const { out } = state.twoPhase;
  const isDerated = out.isDerated && !out.isTripped;
  say(notices, { id: "pressure-derate", device: asset }, isDerated, () =>
    isDerated
      ? `the two-phase loop of ${asset} takes ${(100 * out.loadPart).toFixed(0)} % of its load`
      : `the two-phase loop of ${asset} is not derated`,
  );
  const { isInadequate, fault } = out;
  say(notices, { id: "phase-change-inadequate", device: asset }, isInadequate, () =>
    isInadequate
      ? `phase change of ${asset} is inadequate: ${fault}`
      : `phase change of ${asset} is as it must be`,
  );
  tellLatched(zone, "two-phase-trip");
}

function tellShed({ notices, asset, state, inputs }: ZoneTelling): void {
  const { out } = state.shed;
  const isAsker = inputs.mode !== "observe";
  const words = (): string =>
    out.isAsked
      ? `${megawatts(out.powerW)} have to leave the racks of ${asset}: ${causeWords(out.cause)}` +
        standingWords(inputs.votes, VOTED_QUANTITIES)
      : `load may come back to the racks of ${asset}`;
  say(notices, { id: "shed-requested", device: asset }, out.isAsked && isAsker, words);
  say(notices, { id: "shed-advised", device: asset }, out.isAsked && !isAsker, words);
}

/** A latch is told until somebody lifts it, whatever its cause does. */
function tellLatched({ notices, asset, state, inputs }: ZoneTelling, id: LatchedId): void {
  const { isLatched } = state.shed.causes[id];
  say(notices, { id, device: asset }, isLatched, () =>
    isLatched
      ? `${asset}: ${CAUSE_WORDS[id]}${standingWords(inputs.votes, VOTED_QUANTITIES)}`
      : `${id} of ${asset} was reset`,
  );
}

type LatchedId = "leak-confirmed" | "coolant-flow-lost" | "coolant-hot" | "two-phase-trip";

function causeWords(cause: ShedCause | undefined): string {
  const name = SHED_CAUSES.find((each) => each === cause);
  return name === undefined ? "no cause" : CAUSE_WORDS[name];
}

function say(
  notices: Notices,
  subject: NoticeSubject,
  isActive: boolean,
  words: () => string,
): void {
  if (!notices.isNews(subject.id, subject.device, isActive)) return;
  notices.tell(subject, isActive, words());
}

function litres(flowLPerMin: number): string {
  return Number.isNaN(flowLPerMin) ? "an unknown flow" : `${flowLPerMin.toFixed(0)} L/min`;
}

function megawatts(powerW: number): string {
  return `${(powerW / 1e6).toFixed(2)} MW`;
}
