import type { Command } from "../domain/command.ts";
import type { CyclicReport, LatchedTrip, LeaseStatus, Level } from "./exchange.ts";
import { itemAt } from "./item-at.ts";
import { megawatts } from "./notices.ts";
import type { ControlPlan } from "./plan.ts";
import type { Ask, CycleTrace, UnitTrace } from "./trace.ts";
import { type Binding, judgeBox, roundedW, totalBinding, unitBindingOf } from "./trace-binding.ts";

/** One link of the chain from a message to its measured effect. */
export interface WhyLink {
  readonly link:
    | "summary"
    | "message"
    | "lease"
    | "measurement"
    | "level"
    | "total"
    | "limits"
    | "share"
    | "envelope"
    | "write"
    | "outcome"
    | "effect";
  /** One plain sentence. */
  readonly text: string;
}

/** Why a unit was asked for its power, with the level that has the last word. */
export interface UnitWhy {
  readonly asset: string;
  readonly binding: Binding;
  readonly setpointW: number;
  readonly links: readonly WhyLink[];
}

/** What is known of the moment that is asked about. */
export interface WhyFacts {
  readonly plan: ControlPlan;
  /** Place of the unit in the plan. */
  readonly place: number;
  /** The cycle that sent the setpoint, and the last one that is looked at. */
  readonly written: CycleTrace;
  readonly latest: CycleTrace;
  /** From monotonic time to UTC, ms. */
  readonly utcOffsetMs: number;
  readonly leases: readonly LeaseStatus[];
  readonly trips: readonly LatchedTrip[];
  /** As far as they are known: of the leases, and of the unit's writes. */
  readonly commands: readonly Command[];
  readonly reports: readonly CyclicReport[];
  /** A UTC time as people write it. */
  readonly timeOf: (utc: number) => string;
}

/** How people call a level. */
export const LEVEL_WORDS: Readonly<Record<Binding, string>> = {
  protection: "protection",
  "local-hold": "somebody at the box",
  start: "the start (it goes on from what it gives)",
  "ride-through": "the loss of the grid",
  "device-limits": "what the device allows",
  reserve: "the state of charge",
  "link-lost": "a reading that is missing",
  "voltage-event": "reactive power",
  connection: "the grid connection",
  "frequency-duty": "the frequency duty",
  blind: "a grid power that nobody knows",
  stop: "the end of control",
  "grid-instruction": "an instruction of the grid",
  governor: "the ramp governor",
  "peak-cap": "the peak cap",
  schedule: "the schedule",
  envelope: "the envelope",
};

/** The causal chain of a unit's setpoint, each link in a sentence. */
export function explainUnit(facts: WhyFacts): UnitWhy {
  const { plan, place, written } = facts;
  const { asset } = itemAt(plan.units, place);
  const unit = itemAt(written.units, place);
  const binding = unitBindingOf(written, place, itemAt(plan.units, place));
  return {
    asset,
    binding,
    setpointW: unit.setpointW,
    links: [
      { link: "summary", text: summary(facts, unit, binding) },
      ...facts.leases.flatMap((lease) => leaseLinks(facts, lease)),
      { link: "measurement", text: measurement(written) },
      ...levelLinks(written),
      { link: "total", text: totalText(written) },
      { link: "limits", text: limitsText(facts, unit) },
      { link: "share", text: shareText(written, unit, asset) },
      ...envelopeLinks(facts, unit),
      { link: "write", text: writeText(facts, unit) },
      { link: "outcome", text: outcomeText(facts) },
      { link: "effect", text: effectText(facts) },
    ],
  };
}

function summary(facts: WhyFacts, unit: UnitTrace, binding: Binding): string {
  const { plan, place, written } = facts;
  const { asset } = itemAt(plan.units, place);
  const { total } = written;
  const head = `${asset} was asked for ${power(unit.setpointW)} at ${at(facts, unit.sentAt)}`;
  const { cut } = judgeBox(total.box, total.partsW);
  const wish =
    cut === undefined ? "" : `${LEVEL_WORDS[cut.by]} asked for ${power(cut.askedW)} of all, `;
  return `${head}: ${wish}${bindingText(facts, unit, binding)}`;
}

function bindingText(facts: WhyFacts, unit: UnitTrace, binding: Binding): string {
  const { plan, place, trips } = facts;
  const { soc, asset } = itemAt(plan.units, place);
  const why = LEVEL_WORDS[binding];
  switch (binding) {
    case "protection": {
      const trip = trips.find(({ units }) => units.includes(place));
      if (trip === undefined) return `${why} binds`;
      return `${why} binds, trip ${trip.id} of ${trip.device}`;
    }
    case "reserve": {
      const charge = `${reading(unit.socPercent)}, reserve ${soc.reservePercent} %`;
      return `${why} of ${asset} allows ${range(unit)} (${charge})`;
    }
    case "device-limits":
    case "link-lost":
    case "start":
    case "local-hold":
      return `${why} leaves ${asset} ${range(unit)}`;
    case "envelope":
      return `${why} let ${power(unit.setpointW)} of ${power(unit.shareW)} through`;
    case "schedule":
      return facts.leases.length > 0
        ? `it is what its holder asked for, and nothing stands against it`
        : `nobody asks for anything`;
    default:
      return `${why} binds`;
  }
}

function leaseLinks(facts: WhyFacts, lease: LeaseStatus): readonly WhyLink[] {
  const { plan, place, commands } = facts;
  const { asset } = itemAt(plan.units, place);
  const group = plan.groups.find((known) => known.asset === lease.asset);
  const isOfUnit = lease.asset === asset || group?.units.includes(place) === true;
  if (!isOfUnit && lease.kind === "power") return [];
  const command = commands.find(({ id }) => id === lease.commandId);
  const asked = `${power(lease.targetW)} of ${lease.asset}`;
  const what = lease.kind === "power" ? asked : `an import of at most ${power(lease.targetW)}`;
  const left = Math.ceil(lease.remainingMs / 1_000);
  return [
    {
      link: "message",
      text:
        command === undefined
          ? `the message ${lease.commandId} of ${lease.holder} is older than what is kept`
          : `${lease.holder} sent ${command.id}, ` +
            `received at ${facts.timeOf(command.receivedUtc)}, priority ${command.priority}`,
    },
    {
      link: "lease",
      text:
        `${lease.holder} has a lease for ${what}, ${left} s left; ` +
        `its part has come to ${power(lease.partW)}`,
    },
  ];
}

function measurement({ source, gridW, loadW }: CycleTrace): string {
  if (source === "none") return "nobody knows the power of the grid";
  return `the load was ${power(loadW)} and the grid gave ${power(gridW)}, by its ${source}`;
}

/** What each level asked of all units together; what a level pins is one sentence. */
function levelLinks({ total }: CycleTrace): readonly WhyLink[] {
  const { asks } = total.box;
  return asks.flatMap((ask, place): WhyLink[] => {
    const next = asks[place + 1];
    const isPin = ask.kind === "floor" && next?.kind === "ceiling" && next.by === ask.by;
    if (isPin && next.highW === ask.lowW)
      return [level(ask, `asks for exactly ${power(ask.lowW)}`)];
    const before = asks[place - 1];
    const isPinned = ask.kind === "ceiling" && before?.kind === "floor" && before.by === ask.by;
    if (isPinned && before.lowW === ask.highW) return [];
    return [level(ask, askText(ask))];
  });
}

function level({ by }: Ask, text: string): WhyLink {
  return { link: "level", text: `${LEVEL_WORDS[by]} ${text}` };
}

function askText({ kind, lowW, highW }: Ask): string {
  switch (kind) {
    case "open":
      return `leaves ${power(lowW)} to ${power(highW)}`;
    case "floor":
      return `asks for at least ${power(lowW)}`;
    case "ceiling":
      return `asks for at most ${power(highW)}`;
    case "name-low":
      return `is why no less than ${power(lowW)} is left`;
    case "name-high":
      return `is why no more than ${power(highW)} is left`;
  }
}

function totalText(trace: CycleTrace): string {
  const { total } = trace;
  const by: Level = totalBinding(trace);
  const back = total.isReturning ? "; it comes back by and by after a time without a meter" : "";
  const who = `${LEVEL_WORDS[by]} has the last word`;
  return `of ${power(total.partsW)} all together became ${power(total.totalW)}: ${who}${back}`;
}

function limitsText({ plan, place }: WhyFacts, unit: UnitTrace): string {
  const { asset } = itemAt(plan.units, place);
  const { lowBy, highBy } = unit.box;
  const both = `${LEVEL_WORDS[lowBy]}, ${LEVEL_WORDS[highBy]}`;
  const names = lowBy === highBy ? LEVEL_WORDS[lowBy] : both;
  return `${asset} is ${unit.mode} and may give ${range(unit)} (${names})`;
}

function shareText({ total }: CycleTrace, { shareW }: UnitTrace, asset: string): string {
  return `of ${power(total.totalW)} it is the share of ${asset} to give ${power(shareW)}`;
}

function envelopeLinks({ plan, place }: WhyFacts, unit: UnitTrace): readonly WhyLink[] {
  const askedW = roundedW(unit.shareW, itemAt(plan.units, place));
  if (unit.isInterlocked)
    return [{ link: "envelope", text: "an interlock of the envelope is not open" }];
  if (unit.mode !== "ready" || askedW === unit.setpointW)
    return [{ link: "envelope", text: `the envelope lets ${power(unit.setpointW)} through` }];
  const isRange = askedW < unit.minimumW || askedW > unit.maximumW;
  const why = isRange ? `its range ends there` : `no faster`;
  const text = `the envelope makes ${power(unit.setpointW)} of ${power(askedW)}: ${why}`;
  return [{ link: "envelope", text }];
}

function writeText(facts: WhyFacts, unit: UnitTrace): string {
  if (unit.sentAt === -Infinity) return "nothing was written yet";
  return `${power(unit.setpointW)} were written at ${at(facts, unit.sentAt)}`;
}

function outcomeText(facts: WhyFacts): string {
  const { place, written, latest, reports } = facts;
  const { sentAt } = itemAt(written.units, place);
  const { acceptedAt, confirmedAt, confirmedW } = itemAt(latest.units, place);
  const report = reports.find((known) => known.sentAt === sentAt);
  if (report?.result === "refused")
    return `the device refused it (${report.reason ?? "no reason"})`;
  if (confirmedAt >= sentAt && sentAt > -Infinity)
    return `the device took it and shows ${power(confirmedW)}`;
  if (acceptedAt >= sentAt && sentAt > -Infinity)
    return "the device took it; its read-back is not there yet";
  return report?.result === "unknown" ? "whether the device took it is not known" : "no answer yet";
}

function effectText(facts: WhyFacts): string {
  const { plan, place, latest } = facts;
  const { countedW, mode } = itemAt(latest.units, place);
  const { asset } = itemAt(plan.units, place);
  if (Number.isNaN(countedW)) return `nobody knows what ${asset} gives`;
  const isMeasured = mode !== "silent" && mode !== "unknown";
  const how = isMeasured ? "was measured to give" : "is silent and counts at";
  return `at ${at(facts, latest.now)} ${asset} ${how} ${power(countedW)}`;
}

function range({ box }: UnitTrace): string {
  return box.lowW === box.highW
    ? `exactly ${power(box.lowW)}`
    : `${power(box.lowW)} to ${power(box.highW)}`;
}

function reading(percent: number): string {
  return Number.isNaN(percent) ? "no reading" : `${percent.toFixed(1)} %`;
}

function power(powerW: number): string {
  return Number.isNaN(powerW) ? "nothing" : megawatts(Object.is(powerW, -0) ? 0 : powerW);
}

function at({ utcOffsetMs, timeOf }: WhyFacts, now: number): string {
  return now === -Infinity ? "no time" : timeOf(now + utcOffsetMs);
}
