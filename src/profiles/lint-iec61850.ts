import { formatReference } from "../wire/mms/names.ts";
import type { CompiledProfile } from "./binding.ts";
import type { Iec61850Facts } from "./binding-iec61850.ts";
import { isSelected } from "./compile-node-write.ts";
import { pathOf, type ProblemList } from "./problems.ts";
import type { Profile } from "./schema.ts";

/** A setpoint that is selected first cannot follow a control cycle. */
const SELECTED_RESPONSE_MIN_MS = 1_000;

/** Rules 7, 10 and 19 for a device of IEC 61850: places, selected setpoints, report plans. */
export function lintNodes(
  profile: Profile,
  compiled: CompiledProfile,
  problems: ProblemList,
): void {
  const facts = compiled.iec61850;
  if (facts === undefined) return;
  lintPlaces(profile, { compiled, facts }, problems);
  lintSelected(profile, { compiled, facts }, problems);
  lintReports({ compiled, facts }, problems);
}

interface Subject {
  readonly compiled: CompiledProfile;
  readonly facts: Iec61850Facts;
}

function lintPlaces(profile: Profile, { compiled, facts }: Subject, problems: ProblemList): void {
  const firsts = new Map<string, string>();
  const aliases = new Set(
    profile.points.filter(({ alias }) => alias === true).map(({ point }) => point),
  );
  for (const { ordinal, id } of compiled.points) {
    const place = facts.reads.get(ordinal)?.place;
    if (place === undefined || aliases.has(id)) continue;
    const name = formatReference(place);
    const first = firsts.get(name);
    firsts.set(name, first ?? id);
    if (first === undefined) continue;
    problems.add(pathOf(profile, id), `"${first}" and "${id}" are both read at ${name}`, 7);
  }
}

function lintSelected(profile: Profile, { compiled, facts }: Subject, problems: ProblemList): void {
  for (const [ordinal, { target }] of facts.writes) {
    const id = compiled.points[ordinal]?.id ?? "";
    if (!isSelected(target) || !id.endsWith("-setpoint")) continue;
    const capability = compiled.capabilities.find(({ can }) => can === id);
    if (capability === undefined) continue;
    if ((capability.responseMs ?? 0) >= SELECTED_RESPONSE_MIN_MS) continue;
    const message =
      `"${id}" is selected before it operates: it follows slow setpoints only, ` +
      `so its responseMs is at least ${SELECTED_RESPONSE_MIN_MS}`;
    problems.add(pathOf(profile, id), message, 10);
  }
}

function lintReports({ compiled, facts }: Subject, problems: ProblemList): void {
  const seen = new Map<number, string>();
  for (const [index, report] of facts.reports.entries()) {
    const path = `/iec61850/reports/${index}`;
    const other = seen.get(report.group);
    const group = compiled.groups[report.group];
    seen.set(report.group, report.name);
    if (other !== undefined) {
      problems.add(path, `"${other}" and "${report.name}" are for the same group`, 19);
    }
    if (group?.everyMs !== 0) continue;
    const message = `"${group.name}" comes by reports: everyMs is their integrity period, not 0`;
    problems.add(path, message, 19);
  }
}
