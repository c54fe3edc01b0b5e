import {
  CANONICAL_POINTS,
  CANONICAL_UNITS,
  conversionTo,
} from "../domain/vocabulary/vocabulary.ts";
import type { SclDevice, SclMember, SclModel, SclNode, SclReport } from "./model.ts";
import { EQUIPMENT_SIGNS, POINT_ROWS, type PointRow } from "./point-table.ts";
import { attributeAt } from "./model.ts";
import { type MainValue, mainValues, unitOf } from "./values.ts";

/** A line of `points` in a profile. */
export interface ProposedPoint {
  readonly point: string;
  readonly at: string;
  readonly fc: string;
  readonly group: string;
  readonly unit?: string;
  readonly type?: string;
  readonly values?: Readonly<Record<string, string | boolean>>;
  readonly source: string;
  readonly verify: string;
}

export interface ProposedReport {
  readonly name: string;
  readonly group: string;
  readonly block: string;
  readonly buffered: boolean;
  readonly instances?: readonly string[];
  readonly dataSet: string;
}

/** A control object of the device. None is proposed to be written: a person decides that. */
export interface FoundControl {
  readonly object: string;
  readonly model: string;
  readonly point: string | undefined;
}

export interface Proposal {
  readonly equipment: string;
  /** Logical device of all references that name none, with the parameter `{ied}`. */
  readonly root: string;
  /** False where a functional name stands for the names of IED and device. */
  readonly hasIedParameter: boolean;
  readonly groups: Readonly<Record<string, { readonly everyMs: number }>>;
  readonly reports: readonly ProposedReport[];
  readonly points: readonly ProposedPoint[];
  /** Required points of the class that the file shows nowhere. */
  readonly missing: readonly string[];
  readonly controls: readonly FoundControl[];
  /** Values beyond the limit of a proposal. */
  readonly leftOut: number;
}

/** More lines are no proposal any more. */
const POINTS_MAX = 400;
/** Instances that are tried; a device may have more. */
const INSTANCES_MAX = 8;
const MEASURED_MS = 1_000;
const SETTINGS_MS = 10_000;
/** Integrity period of a report whose block says none. */
const INTEGRITY_MS = 10_000;
/** Nodes about the device itself: only what the table knows of them is proposed. */
const HOUSEKEEPING: ReadonlySet<string> = new Set(["LLN0", "LPHD", "LTMS", "LTRK", "LGOS", "LSVS"]);

/** Objects that every node has, about itself: the gateway minds them without a point. */
const HOUSEKEEPING_OBJECTS: ReadonlySet<string> = new Set(["Beh", "Mod", "Health", "NamPlt"]);

/** Undefined when nothing in the file says what kind of equipment it is. */
export function equipmentOf(model: SclModel): string | undefined {
  const classes = new Set(model.devices.flatMap(({ nodes }) => nodes.map((n) => n.lnClass)));
  return EQUIPMENT_SIGNS.find(([, signs]) => signs.some((sign) => classes.has(sign)))?.[0];
}

interface Candidate {
  readonly device: SclDevice;
  readonly node: SclNode;
  readonly main: MainValue;
}

/** A profile from what an SCL file says, for a person to look through. */
export function proposeProfile(model: SclModel, equipment: string): Proposal {
  const candidates = model.devices.flatMap((device) =>
    device.nodes.flatMap((node) =>
      node.objects.flatMap((object) =>
        mainValues(object).map((main): Candidate => ({ device, node, main })),
      ),
    ),
  );
  const claims = claimsOf(candidates, equipment);
  const root = rootOf(model, claims);
  const naming = namingOf(model, root);
  const feeds = feedsOf(model, naming);
  const fed = fedOf(feeds);
  const lines = candidates
    .map((candidate) => lineOf(candidate, claims.get(candidate), { naming, fed }))
    .filter((line) => line !== undefined);
  const canonical = lines.filter(({ point }) => !point.startsWith("x-"));
  const extra = unique(lines.filter(({ point }) => point.startsWith("x-")));
  const points = [...canonical, ...extra].slice(0, POINTS_MAX);
  const used = new Set(points.map(({ group }) => group));
  return {
    equipment,
    root: naming.textOf(root),
    hasIedParameter: naming.hasParameter,
    groups: groupsOf(used, feeds),
    reports: feeds.filter(({ report }) => used.has(report.group)).map(({ report }) => report),
    points,
    missing: missingOf(equipment, points),
    controls: controlsOf(model, claims, naming),
    leftOut: canonical.length + extra.length - points.length,
  };
}

/** Which value is which canonical point; each point is given once, the first row and node win. */
function claimsOf(
  candidates: readonly Candidate[],
  equipment: string,
): ReadonlyMap<Candidate, PointRow> {
  const claims = new Map<Candidate, PointRow>();
  const taken = new Set<string>();
  for (const row of POINT_ROWS) {
    if (taken.has(row.point) || !isFor(row, equipment)) continue;
    const found = candidates.find((candidate) => !claims.has(candidate) && isOf(candidate, row));
    if (found === undefined) continue;
    claims.set(found, row);
    taken.add(row.point);
  }
  return claims;
}

function isFor({ point, equipment: only }: PointRow, equipment: string): boolean {
  const classes = CANONICAL_POINTS.get(point)?.classes;
  return classes?.has(equipment) === true && only?.includes(equipment) !== false;
}

function isOf({ node, main }: Candidate, row: PointRow): boolean {
  if (!row.classes.includes(node.lnClass)) return false;
  const wanted = row.object.split(".");
  const own = main.path.slice(0, wanted.length);
  // The object itself, not one of its parts.
  const isWhole = main.object.name === wanted.at(-1);
  return isWhole && own.join(".") === row.object;
}

/** The logical device that has most of the points. */
function rootOf(model: SclModel, claims: ReadonlyMap<Candidate, PointRow>): string {
  const counts = new Map<string, number>();
  for (const { device } of claims.keys()) {
    counts.set(device.name, (counts.get(device.name) ?? 0) + 1);
  }
  const [best] = [...counts].sort(([, a], [, b]) => b - a);
  return best?.[0] ?? model.devices[0]?.name ?? model.ied;
}

interface Naming {
  readonly hasParameter: boolean;
  /** `{ied}LD0` for the logical device `BESS1LD0`. */
  readonly textOf: (ld: string) => string;
  /** `MMXU1.TotW` in the root, else with its logical device in front. */
  readonly at: (ld: string, parts: readonly string[]) => string;
}

function namingOf(model: SclModel, root: string): Naming {
  const hasParameter = model.devices.every(({ name, inst }) => name === model.ied + inst);
  const textOf = (ld: string): string => (hasParameter ? `{ied}${ld.slice(model.ied.length)}` : ld);
  return {
    hasParameter,
    textOf,
    at: (ld, parts) => (ld === root ? "" : `${textOf(ld)}/`) + parts.join("."),
  };
}

/** A report block that brings values, and which. */
interface Feed {
  readonly report: ProposedReport;
  readonly everyMs: number;
  readonly members: readonly SclMember[];
}

function feedsOf(model: SclModel, naming: Naming): readonly Feed[] {
  const names = new Set<string>();
  return model.devices.flatMap(({ name: ld, nodes }) =>
    nodes.flatMap((node) =>
      node.reports.flatMap((report): Feed[] => {
        const members = node.dataSets.find(({ name }) => name === report.dataSet)?.members ?? [];
        if (report.dataSet === undefined || members.length === 0) return [];
        const name = freeName(slug(report.name), names);
        return [
          {
            report: {
              name,
              group: name,
              block: naming.at(ld, [node.name, report.name]),
              buffered: report.isBuffered,
              ...instancesOf(report),
              dataSet: naming.at(ld, [node.name, report.dataSet]),
            },
            everyMs: report.integrityMs > 0 ? report.integrityMs : INTEGRITY_MS,
            members,
          },
        ];
      }),
    ),
  );
}

function instancesOf({ instances }: SclReport): Pick<ProposedReport, "instances"> {
  if (instances === undefined) return {};
  const count = Math.min(instances, INSTANCES_MAX);
  return {
    instances: Array.from({ length: count }, (_, at) => String(at + 1).padStart(2, "0")),
  };
}

function freeName(wanted: string, taken: Set<string>): string {
  let name = wanted;
  for (let number = 2; taken.has(name); number += 1) name = `${wanted}-${number}`;
  taken.add(name);
  return name;
}

function slug(text: string): string {
  const kebab = text.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  return kebab.replaceAll(/^-+|-+$/g, "");
}

/** Members of the reports by the node that they are of: `BESS1LD0/MMXU1`. */
type Fed = ReadonlyMap<string, readonly { readonly group: string; readonly member: SclMember }[]>;

function fedOf(feeds: readonly Feed[]): Fed {
  const fed = new Map<string, { group: string; member: SclMember }[]>();
  for (const { report, members } of feeds) {
    for (const member of members) {
      const key = `${member.ld}/${member.ln}`;
      const own = fed.get(key) ?? [];
      own.push({ group: report.group, member });
      fed.set(key, own);
    }
  }
  return fed;
}

/** Group of the first report that has the value, or something with the value in it. */
function fedGroup(fed: Fed, { device, node, main }: Candidate): string | undefined {
  const found = fed
    .get(`${device.name}/${node.name}`)
    ?.find(
      ({ member }) =>
        member.fc === main.fc && member.path.every((part, at) => part === main.path[at]),
    );
  return found?.group;
}

function lineOf(
  candidate: Candidate,
  row: PointRow | undefined,
  { naming, fed }: { readonly naming: Naming; readonly fed: Fed },
): ProposedPoint | undefined {
  const { device, node, main } = candidate;
  const isHousekeeping =
    HOUSEKEEPING.has(node.lnClass) || HOUSEKEEPING_OBJECTS.has(main.path[0] ?? "");
  const meaning = row === undefined ? undefined : canonicalLine(row, main);
  const told = meaning ?? (isHousekeeping ? undefined : extraLine(candidate));
  if (told === undefined) return undefined;
  const { point, verify, ...rest } = told;
  return {
    point,
    at: naming.at(device.name, [node.name, ...main.path]),
    fc: main.fc,
    group: fedGroup(fed, candidate) ?? (main.fc === "SP" ? "settings" : "polled"),
    ...rest,
    source: "scl",
    verify,
  };
}

type Meaning = Pick<ProposedPoint, "point" | "unit" | "type" | "values" | "verify">;

function canonicalLine({ point, values, verify }: PointRow, { object }: MainValue): Meaning {
  const canonical = CANONICAL_POINTS.get(point);
  const checks = verify === undefined ? [] : [verify];
  if (values !== undefined || canonical?.unit === undefined) {
    return { point, ...(values === undefined ? {} : { values }), verify: checked(checks) };
  }
  const said = unitOf(object);
  const isFitting = said !== undefined && conversionTo(canonical.unit, said) !== undefined;
  if (said === undefined) checks.push("the file does not say the unit");
  else if (!isFitting) checks.push(`the file says the unit ${said}`);
  return { point, unit: isFitting ? said : canonical.unit, verify: checked(checks) };
}

function checked(checks: readonly string[]): string {
  return checks.length === 0 ? "proposed from the SCL file" : checks.join("; ");
}

const WHOLE: ReadonlySet<string> = new Set([
  ..."INT8 INT16 INT24 INT32 INT64 INT8U INT16U INT24U INT32U".split(" "),
]);
const POSITIONS = { 0: "intermediate", 1: "open", 2: "closed", 3: "bad-state" };

/**
 * A value that the table does not know, or knows and another node has claimed, outside the
 * vocabulary; undefined for what is no value.
 */
function extraLine(candidate: Candidate): Meaning | undefined {
  const { node, main } = candidate;
  const short = main.path.slice(0, main.path.indexOf(main.object.name) + 1);
  const point = `x-${slug([node.name, ...short].join("-"))}`;
  const known = POINT_ROWS.find((row) => isOf(candidate, row))?.point;
  const verify =
    known === undefined
      ? "not in the plant vocabulary by the table: name it, or take it out"
      : `another ${known}: name it, or take it out`;
  const kind = stateKind(main) ?? numberKind(main, known);
  return kind === undefined ? undefined : { point, ...kind, verify };
}

type Kind = Pick<ProposedPoint, "unit" | "type" | "values">;

function stateKind({ attribute: { bType, words } }: MainValue): Kind | undefined {
  if (bType === "BOOLEAN") return { type: "bool" };
  if (bType === "Dbpos") return { values: POSITIONS };
  if (bType !== "Enum") return undefined;
  if (words === undefined || words.size === 0) return { unit: "1", type: "int32" };
  const states = [...words].map(([number, word]) => {
    return [String(number), word === "" ? String(number) : word] as const;
  });
  return { values: Object.fromEntries(states) };
}

/** @param known the canonical point that it would be, for its unit */
function numberKind({ attribute, object }: MainValue, known: string | undefined): Kind | undefined {
  const isWhole = WHOLE.has(attribute.bType);
  if (!isWhole && !attribute.bType.startsWith("FLOAT")) return undefined;
  const said = unitOf(object);
  const usual = known === undefined ? undefined : CANONICAL_POINTS.get(known)?.unit;
  const unit = said !== undefined && isKnown(said) ? said : (usual ?? "1");
  return { unit, ...(isWhole ? { type: "int32" } : {}) };
}

function isKnown(unit: string): boolean {
  if (CANONICAL_UNITS.has(unit)) return true;
  return [...CANONICAL_UNITS.values()].some(({ accepts }) => accepts.has(unit));
}

/** Two names that became one are told apart by a number. */
function unique(lines: readonly ProposedPoint[]): readonly ProposedPoint[] {
  const taken = new Set<string>();
  return lines.map((line) => ({ ...line, point: freeName(line.point, taken) }));
}

function groupsOf(used: ReadonlySet<string>, feeds: readonly Feed[]): Proposal["groups"] {
  const groups: Record<string, { everyMs: number }> = {};
  for (const { report, everyMs } of feeds) {
    if (used.has(report.group)) groups[report.group] = { everyMs };
  }
  if (used.has("polled")) groups["polled"] = { everyMs: MEASURED_MS };
  if (used.has("settings")) groups["settings"] = { everyMs: SETTINGS_MS };
  return groups;
}

function missingOf(equipment: string, points: readonly ProposedPoint[]): readonly string[] {
  const there = new Set(points.map(({ point }) => point));
  return [...CANONICAL_POINTS.values()]
    .filter(({ classes, madeByGateway }) => {
      return classes.get(equipment) === "required" && !madeByGateway;
    })
    .map(({ id }) => id)
    .filter((id) => !there.has(id));
}

function controlsOf(
  model: SclModel,
  claims: ReadonlyMap<Candidate, PointRow>,
  naming: Naming,
): readonly FoundControl[] {
  return model.devices.flatMap((device) =>
    device.nodes.flatMap((node) =>
      node.objects.flatMap((object): FoundControl[] => {
        const word = attributeAt(object, ["ctlModel"])?.value ?? "status-only";
        const takes = attributeAt(object, ["Oper"]) !== undefined;
        if (word === "status-only" || word === "0" || !takes) return [];
        // Equal nodes share their objects; the node tells them apart.
        const claim = [...claims].find(([own]) => own.node === node && own.main.object === object);
        const at = naming.at(device.name, [node.name, object.name]);
        return [{ object: at, model: word, point: claim?.[1].point }];
      }),
    ),
  );
}
