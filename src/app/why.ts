import type { ControlStatus } from "../control/exchange.ts";
import type { ControlPlan } from "../control/plan.ts";
import type { ThermalWhy } from "../control/thermal/thermal-words.ts";
import type { CycleTrace } from "../control/trace.ts";
import { explainUnit, type UnitWhy, type WhyLink } from "../control/trace-words.ts";
import { itemAt } from "../control/item-at.ts";
import type { Command, CommandStep } from "../domain/command.ts";
import type { WhyMemory } from "./why-memory.ts";

/** The chain of one thing that was asked about. */
export type WhyAnswer =
  | { readonly kind: "unit"; readonly why: UnitWhy }
  /** A point that the cooling's controllers drive, or would. */
  | { readonly kind: "cooling"; readonly why: ThermalWhy }
  /** A point that no controller drives: its last command. */
  | { readonly kind: "command"; readonly command: Command; readonly links: readonly CommandLink[] }
  | { readonly kind: "nothing"; readonly reason: string };

export interface CommandLink extends Omit<WhyLink, "link"> {
  readonly link: "message" | CommandStep["stage"];
}

export interface WhySight {
  readonly plan: ControlPlan;
  /** What was in force at the instant. */
  readonly status: Pick<ControlStatus, "leases" | "trips">;
  /** The trace of the last cycle at or before an instant, monotonic ms. */
  readonly traceAt: (now: number) => CycleTrace | undefined;
  /** A later one, that shows what came of it; undefined: it is not later yet. */
  readonly after?: CycleTrace | undefined;
  readonly memory: WhyMemory;
  /** From monotonic time to UTC, ms. */
  readonly utcOffsetMs: number;
}

/**
 * Why an asset or a point is asked for what it is.
 *
 * @param asked `bess-1`, `bess-1/active-power-setpoint`, `cdu-3/pump-speed-setpoint`
 * @param now the instant that is asked about, monotonic ms
 */
export function whyOf(asked: string, now: number, sight: WhySight): readonly WhyAnswer[] {
  const [asset = "", point] = asked.split("/");
  const { plan } = sight;
  const places = placesOf(asset, sight);
  const isSetpoint = point === undefined || point === "active-power-setpoint";
  if (places.length > 0 && isSetpoint) return places.map((place) => unitAnswer(place, now, sight));
  const command = lastCommand(asset, point, sight);
  if (command !== undefined) return [commandAnswer(command, sight)];
  const isKnown = plan.assets.includes(asset) || places.length > 0;
  const reason = isKnown
    ? `nobody has asked anything of ${asked} as far as it is kept`
    : `the site has no ${asset}`;
  return [{ kind: "nothing", reason }];
}

function placesOf(asset: string, { plan }: WhySight): readonly number[] {
  const { units, groups } = plan;
  const own = units.findIndex((unit) => unit.asset === asset);
  if (own >= 0) return [own];
  return groups.find((group) => group.asset === asset)?.units ?? [];
}

function unitAnswer(place: number, now: number, sight: WhySight): WhyAnswer {
  const { plan, status, traceAt, after, memory, utcOffsetMs } = sight;
  const latest = traceAt(now);
  if (latest === undefined)
    return { kind: "nothing", reason: "no cycle of that time is kept here" };
  const written = traceAt(itemAt(latest.units, place).sentAt);
  const { setpoint } = itemAt(plan.units, place).points;
  const why = explainUnit({
    ...status,
    plan,
    place,
    // Older than what is kept: then the last cycle is the best that there is.
    written: written ?? latest,
    latest: after ?? latest,
    utcOffsetMs,
    commands: memory.commands,
    reports: memory.reports.filter(({ point }) => point === setpoint),
    timeOf,
  });
  return { kind: "unit", why };
}

function lastCommand(
  asset: string,
  point: string | undefined,
  { memory }: WhySight,
): Command | undefined {
  return memory.commands.findLast(
    (command) =>
      command.asset === asset &&
      (point === undefined ||
        (command.action.kind === "set-point" && command.action.point === point)),
  );
}

function commandAnswer(command: Command, { memory }: WhySight): WhyAnswer {
  const { id, holder, receivedUtc, asset, action } = command;
  const what =
    action.kind === "set-point" ? `${asset}/${action.point} to be ${action.value}` : action.kind;
  const message: CommandLink = {
    link: "message",
    text: `${holder} sent ${id}, received at ${timeOf(receivedUtc)}: ${what}`,
  };
  const steps = memory.steps.filter(({ commandId }) => commandId === id);
  return { kind: "command", command, links: [message, ...steps.map(stepLink)] };
}

function stepLink(step: CommandStep): CommandLink {
  const { stage, reason, applied, measured, readBack, at } = step;
  const facts = [
    reason === undefined ? "" : `because of ${reason}`,
    applied === undefined ? "" : `${applied} was to be written`,
    measured === undefined ? "" : `${measured} was measured`,
    readBack === undefined ? "" : `its read-back says ${readBack}`,
  ].filter((fact) => fact !== "");
  const text = `${timeOf(at)} ${stage}${facts.length === 0 ? "" : `: ${facts.join(", ")}`}`;
  return { link: stage, text };
}

/** `14:03:05.250`, UTC. */
export function timeOf(utc: number): string {
  const date = new Date(utc);
  return Number.isNaN(date.getTime()) ? "an unknown time" : date.toISOString().slice(11, 23);
}

/** Lines for a person: the summary, and each link below it. */
export function whyLines(answers: readonly WhyAnswer[]): readonly string[] {
  return answers.flatMap((answer) => {
    switch (answer.kind) {
      case "nothing":
        return [answer.reason];
      case "command":
        return answer.links.map(linkLine);
      case "unit":
      case "cooling": {
        const [summary, ...links] = answer.why.links;
        return [summary?.text ?? "", ...links.map(linkLine)];
      }
    }
  });
}

function linkLine({ link, text }: { readonly link: string; readonly text: string }): string {
  return `  ${link.padEnd(12)} ${text}`;
}
