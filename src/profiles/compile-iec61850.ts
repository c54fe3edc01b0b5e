import { parseReference, type Reference } from "../wire/mms/names.ts";
import type { BoundPoint } from "./binding.ts";
import type {
  Iec61850Facts,
  NodeConversion,
  NodeRead,
  NodeWrite,
  ReportBinding,
} from "./binding-iec61850.ts";
import type { Compilation } from "./compilation.ts";
import { codeOf } from "./compile-conversion.ts";
import { compileNodeWrite } from "./compile-node-write.ts";
import { type NodeDraft, nodePlace } from "./node-draft.ts";
import { meaningOfLine, unitConversion, type PointMeaning } from "./define.ts";
import type { ProblemList } from "./problems.ts";
import type { ExpandedLine } from "./resolve.ts";
import type { Profile } from "./schema.ts";
import { ORIGIN_CATEGORIES, type Iec61850Section, type ReportLine } from "./schema-iec61850.ts";
import type { PointLine } from "./schema-point.ts";

const CONNECT_TIMEOUT_MS = 3_000;
const REQUEST_TIMEOUT_MS = 1_000;
const PROBE_PERIOD_MS = 1_000;
const TERMINATION_TIMEOUT_MS = 10_000;
const RESERVE_S = 60;
const DEFAULT_TRIGGERS = ["data-change", "quality-change"] as const;
const DEFAULT_ORIGIN = { category: "automatic-remote", identification: "dcpi-gateway" } as const;

export function speaksIec61850(profile: Profile): boolean {
  return profile.identity.protocols.includes("iec61850");
}

/** Undefined when the line has no meaning; the problem is then in the list. */
export function nodeDraftOf(
  { line, path }: ExpandedLine,
  problems: ProblemList,
): NodeDraft | undefined {
  const wireType = line.type ?? (typeof line.unit === "string" ? "float32" : "bool");
  const meaning = meaningOfLine(line, wireType);
  if (!("problem" in meaning)) return { line, path, meaning };
  problems.add(`${path}/point`, meaning.problem, 3);
  return undefined;
}

/** The points of a profile as the rest of the gateway sees them: without registers. */
export function nodePoint(draft: NodeDraft, ordinal: number, compilation: Compilation): BoundPoint {
  const { line, path, meaning } = draft;
  const { problems } = compilation;
  const isRead = line.group !== undefined;
  if (!isRead && line.write === undefined) {
    problems.add(path, `"${line.point}" has neither a group nor a write section`, 19);
  }
  for (const key of REGISTER_KEYS) {
    if (line[key] === undefined) continue;
    problems.add(`${path}/${key}`, `"${key}" is of registers, not of IEC 61850`);
  }
  return {
    ordinal,
    id: meaning.id,
    field: meaning.field,
    type: meaning.type,
    unit: meaning.unit,
    texts: meaning.texts,
    range: meaning.range,
    access: !isRead ? "w" : line.write === undefined ? "r" : "rw",
    group: groupOf(line.group, `${path}/group`, compilation),
    read: undefined,
    write: undefined,
    frozenAfterMs: line.frozenAfterMs,
  };
}

const REGISTER_KEYS = [
  "documented",
  "unitId",
  "length",
  "pad",
  "slice",
  "order",
  "sf",
  "curve",
  "bits",
  "absent",
  "absentWhen",
  "percentOf",
  "invertWhen",
] as const satisfies readonly (keyof PointLine)[];

/** Everything that the driver needs to know of the device. */
export function compileIec61850(
  drafts: readonly NodeDraft[],
  compilation: Compilation,
): Iec61850Facts | undefined {
  const section = compilation.profile.iec61850;
  if (section === undefined) {
    compilation.problems.add("/iec61850", "a device of IEC 61850 needs its section, with root");
    return undefined;
  }
  const reads = new Map<number, NodeRead>();
  const writes = new Map<number, NodeWrite>();
  for (const [ordinal, draft] of drafts.entries()) {
    const conversion = conversionOf(draft, compilation);
    const read = readOf(draft, conversion, compilation);
    if (read !== undefined) reads.set(ordinal, read);
    const write = compileNodeWrite(draft, conversion, compilation);
    if (write !== undefined) writes.set(ordinal, write);
  }
  const reports = (section.reports ?? []).flatMap((line, index) =>
    reportOf(line, `/iec61850/reports/${index}`, compilation),
  );
  return { reports, reads, writes, ...termsOf(section, compilation) };
}

type Terms = Omit<Iec61850Facts, "reports" | "reads" | "writes">;

function termsOf(section: Iec61850Section, { problems }: Compilation): Terms {
  const originator = { ...DEFAULT_ORIGIN, ...section.originator };
  const probe = section.probe === undefined ? undefined : probePlace(section);
  if (section.probe !== undefined && probe === undefined) {
    problems.add("/iec61850/probe", `"${section.probe}" is no reference with its constraint`);
  }
  return {
    edition: section.edition,
    origin: {
      category: ORIGIN_CATEGORIES.indexOf(originator.category),
      identification: originator.identification,
    },
    probe,
    pduOctets: section.pduOctets,
    outstanding: section.outstanding,
    connectTimeoutMs: section.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    requestTimeoutMs: section.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    probePeriodMs: section.probePeriodMs ?? PROBE_PERIOD_MS,
    terminationTimeoutMs: section.terminationTimeoutMs ?? TERMINATION_TIMEOUT_MS,
    minimumPeriodMs: section.minimumPeriodMs ?? 0,
  };
}

/** `LLN0.Beh.stVal[ST]` */
function probePlace({ probe = "", root }: Iec61850Section): Reference | undefined {
  return parseReference(probe.includes("/") ? probe : `${root}/${probe}`);
}

function readOf(
  { line, path }: NodeDraft,
  conversion: NodeConversion,
  { profile, problems }: Compilation,
): NodeRead | undefined {
  if (line.group === undefined) return undefined;
  if (line.at === undefined || line.fc === undefined) {
    problems.add(path, `"${line.point}" is read: it needs at and fc`);
    return undefined;
  }
  const place = nodePlace(line.at, line.fc, profile.iec61850?.root);
  if (place === undefined || place.path.length === 0) {
    problems.add(`${path}/at`, `"${line.at}" is no data object or attribute of a logical node`);
    return undefined;
  }
  return { place, conversion };
}

function conversionOf(draft: NodeDraft, compilation: Compilation): NodeConversion {
  const { line, path, meaning } = draft;
  const { problems } = compilation;
  if (typeof line.scale === "string" || line.scale === 0) {
    problems.add(`${path}/scale`, "a scale is a number, and not 0");
  }
  const unit = unitConversion(meaning, typeof line.unit === "string" ? line.unit : undefined);
  if (unit === undefined) {
    problems.add(`${path}/unit`, `"${line.point}" is in ${meaning.unit ?? ""}: give its unit`, 3);
  }
  const kind = kindOf(meaning);
  const isInverted = line.sign === "inverted";
  return {
    kind,
    scale: typeof line.scale === "number" ? line.scale : 1,
    offset: line.offset ?? 0,
    unit: unit ?? { factor: 1, offset: 0 },
    canonicalUnit: meaning.unit,
    sign: isInverted && kind === "number" ? -1 : 1,
    codes: codesOf(draft, compilation),
    elseCode: elseCodeOf(draft, compilation),
    isActiveLow: line.active === "low" || (isInverted && kind === "flag"),
  };
}

function kindOf({ type }: PointMeaning): NodeConversion["kind"] {
  if (type === "bool") return "flag";
  if (type === "enum") return "state";
  return type === "text" ? "text" : "number";
}

function codesOf(
  { line, path, meaning }: NodeDraft,
  { problems }: Compilation,
): ReadonlyMap<number, number> | undefined {
  if (line.values === undefined) {
    if (meaning.type === "enum") {
      problems.add(path, `"${line.point}" is a state: its values need their codes`, 14);
    }
    return undefined;
  }
  const codes = new Map<number, number>();
  for (const [key, text] of Object.entries(line.values)) {
    const code = codeOf(text, meaning);
    if (code !== undefined) codes.set(Number(key), code);
    else {
      const message = `"${String(text)}" is no state of "${line.point}"`;
      problems.add(`${path}/values/${key}`, message, 14);
    }
  }
  return codes;
}

function elseCodeOf(
  { line, path, meaning }: NodeDraft,
  { problems }: Compilation,
): number | undefined {
  if (line.else === undefined) return undefined;
  const code = codeOf(line.else, meaning);
  if (code === undefined) {
    problems.add(`${path}/else`, `"${line.else}" is no state of "${line.point}"`, 14);
  }
  return code;
}

function reportOf(
  line: ReportLine,
  path: string,
  compilation: Compilation,
): readonly ReportBinding[] {
  const { profile, problems } = compilation;
  const isBuffered = line.buffered === true;
  const block = nodePlace(line.block, isBuffered ? "BR" : "RP", profile.iec61850?.root);
  const [name, ...rest] = block?.path ?? [];
  const group = groupOf(line.group, `${path}/group`, compilation);
  if (block === undefined || name === undefined || rest.length > 0) {
    problems.add(`${path}/block`, `"${line.block}" is no report block: LLN0.name`);
    return [];
  }
  const dataSet = dataSetOf(line, `${path}/dataSet`, compilation);
  if (group === undefined) return [];
  return [
    {
      name: line.name,
      group,
      ld: block.ld,
      ln: block.ln,
      isBuffered,
      blocks: line.instances?.map((instance) => name + instance) ?? [name],
      dataSet,
      triggers: line.triggers ?? DEFAULT_TRIGGERS,
      bufferMs: line.bufferMs ?? 0,
      reserveS: isBuffered ? (line.reserveS ?? RESERVE_S) : 0,
      isInterrogated: line.interrogate ?? true,
    },
  ];
}

/** `LLN0.dsMeas` as MMS writes it. */
function dataSetOf(
  line: ReportLine,
  path: string,
  { profile, problems }: Compilation,
): string | undefined {
  if (line.dataSet === undefined) return undefined;
  // A data set has no constraint; any will do to read the name.
  const place = nodePlace(line.dataSet, "ST", profile.iec61850?.root);
  const [name, ...rest] = place?.path ?? [];
  if (place !== undefined && name !== undefined && rest.length === 0) {
    return `${place.ld}/${place.ln}$${name}`;
  }
  problems.add(path, `"${line.dataSet}" is no data set: LLN0.name`);
  return undefined;
}

function groupOf(
  name: string | undefined,
  path: string,
  { profile, problems }: Compilation,
): number | undefined {
  if (name === undefined) return undefined;
  const index = Object.keys(profile.groups ?? {}).indexOf(name);
  if (index >= 0) return index;
  problems.add(path, `there is no group "${name}"`, 19);
  return undefined;
}
