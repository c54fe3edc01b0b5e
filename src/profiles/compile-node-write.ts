import type { Reference } from "../wire/mms/names.ts";
import type {
  ExpectedControlModel,
  NodeConversion,
  NodeFeedback,
  NodeTarget,
  NodeWrite,
} from "./binding-iec61850.ts";
import type { Bound } from "./bound.ts";
import type { Compilation } from "./compilation.ts";
import { boundOf, keepAlivesOf, namesIn } from "./compile-write.ts";
import { codeOf } from "./compile-conversion.ts";
import { type NodeDraft, nodePlace } from "./node-draft.ts";
import type { WriteSection } from "./schema-point.ts";

/** What a profile calls the control models. */
const MODELS: Readonly<
  Record<NonNullable<WriteSection["control"]>, ExpectedControlModel | undefined>
> = {
  "status-only": "status-only",
  direct: "direct-normal",
  sbo: "sbo-normal",
  "direct-enhanced": "direct-enhanced",
  "sbo-enhanced": "sbo-enhanced",
  "from-device": undefined,
};

/** A selection takes two answers and holds the object: not more often than this. */
const SELECTED_INTERVAL_MS = 1_000;
const SETTABLE: ReadonlySet<string | undefined> = new Set(["SP", "SV", "SE", "CF", "DC"]);

/** Compiles the write section of a point; undefined when it has none, or problems. */
export function compileNodeWrite(
  draft: NodeDraft,
  conversion: NodeConversion,
  compilation: Compilation,
): NodeWrite | undefined {
  const { write } = draft.line;
  if (write === undefined) return undefined;
  const path = `${draft.path}/write`;
  const { problems, profile } = compilation;
  refuseRegisters(write, path, compilation);
  const target = targetOf(draft, write, compilation);
  const range = rangeOf(draft, write, compilation);
  const feedback = feedbackOf(draft, write, compilation);
  if (write.danger === undefined) {
    problems.add(path, `the write of "${draft.line.point}" says no danger`, 10);
  }
  if (target === undefined || range === undefined) return undefined;
  return {
    target,
    conversion,
    minimum: range[0],
    maximum: range[1],
    isLimitedByDevice: write.range === "from-device",
    exclude: write.exclude ?? [],
    step: write.step,
    feedback,
    needs: namesIn(write.needs ?? [], profile.interlocks, `${path}/needs`, compilation),
    keepAlive: keepAlivesOf(write, path, compilation),
    reassert: reassertOf(draft, write, compilation),
    minimumIntervalMs: Math.max(write.minimumIntervalMs ?? 0, intervalOf(target)),
    settleMs: write.settleMs ?? 0,
    danger: write.danger ?? "permanent",
  };
}

/** True for a command that is given in two steps. */
export function isSelected(target: NodeTarget): boolean {
  return target.kind === "control" && target.model?.startsWith("sbo-") === true;
}

function intervalOf(target: NodeTarget): number {
  return isSelected(target) ? SELECTED_INTERVAL_MS : 0;
}

const REGISTER_KEYS = [
  "function",
  "mask",
  "copies",
  "stepRaw",
  "before",
  "after",
  "pulse",
  "wear",
  "mode",
  "method",
  "group",
] as const satisfies readonly (keyof WriteSection)[];

function refuseRegisters(write: WriteSection, path: string, { problems }: Compilation): void {
  for (const key of REGISTER_KEYS) {
    if (write[key] === undefined) continue;
    problems.add(`${path}/${key}`, `"${key}" is not for IEC 61850 in this version`);
  }
}

function targetOf(
  { line, path }: Pick<NodeDraft, "line" | "path">,
  write: WriteSection,
  { profile, problems }: Compilation,
): NodeTarget | undefined {
  const at = write.at ?? line.at;
  if (at === undefined) {
    problems.add(path, `"${line.point}" has no at`);
    return undefined;
  }
  const root = profile.iec61850?.root;
  if (write.control === undefined) return valueTarget({ line, path }, { at, root }, problems);
  const object = nodePlace(at, "CO", root);
  const [name] = object?.path ?? [];
  if (object === undefined || name === undefined) {
    problems.add(`${path}/write/at`, `"${at}" is no controllable data object`);
    return undefined;
  }
  if (write.control === "status-only") {
    problems.add(`${path}/write/control`, "a status-only object takes no command", 10);
  }
  const { ld, ln, path: own } = object;
  const { checks = [] } = write;
  return {
    kind: "control",
    // Where the point is read is an attribute of the object; the object itself is said with at.
    object: { ld, ln, path: write.at === undefined ? [name] : own },
    model: MODELS[write.control],
    isInterlockChecked: checks.includes("interlock"),
    isSynchronismChecked: checks.includes("synchronism"),
  };
}

/** A value that is set, without a command. */
function valueTarget(
  { line, path }: Pick<NodeDraft, "line" | "path">,
  { at, root }: { readonly at: string; readonly root: string | undefined },
  problems: Compilation["problems"],
): NodeTarget | undefined {
  const place = line.fc === undefined ? undefined : nodePlace(at, line.fc, root);
  if (place !== undefined && place.path.length > 0 && SETTABLE.has(place.fc)) {
    return { kind: "value", place };
  }
  problems.add(`${path}/write`, `"${at}" is neither a control nor a value that can be set`);
  return undefined;
}

/** No range, no write: states are their own range. */
function rangeOf(
  draft: NodeDraft,
  write: WriteSection,
  compilation: Compilation,
): readonly [Bound, Bound] | undefined {
  const { meaning, line, path } = draft;
  if (write.range === "from-device") return [fixed(-Infinity), fixed(Infinity)];
  if (write.range !== undefined) {
    const minimum = boundOf(write.range[0], `${path}/write/range/0`, compilation);
    const maximum = boundOf(write.range[1], `${path}/write/range/1`, compilation);
    return minimum === undefined || maximum === undefined ? undefined : [minimum, maximum];
  }
  if (meaning.type === "bool") return [fixed(0), fixed(1)];
  if (meaning.type === "enum") return [fixed(0), fixed((meaning.texts?.length ?? 1) - 1)];
  compilation.problems.add(`${path}/write`, `the write of "${line.point}" has no range`, 10);
  return undefined;
}

function fixed(value: number): Bound {
  return { kind: "fixed", value };
}

function feedbackOf(
  { line, path, meaning }: NodeDraft,
  write: WriteSection,
  { profile, problems }: Compilation,
): NodeFeedback | undefined {
  const { readBack } = write;
  if (readBack === undefined || readBack === false) {
    if (readBack === undefined || write.why === undefined) {
      const message = `the write of "${line.point}" has neither readBack nor a reason`;
      problems.add(`${path}/write`, message, 10);
    }
    return undefined;
  }
  if (readBack.at === undefined && line.group === undefined) {
    problems.add(`${path}/write/readBack`, `"${line.point}" is not read: say at`, 10);
    return undefined;
  }
  const place = feedbackPlace(readBack.at, `${path}/write/readBack/at`, { profile, problems });
  const isNumber = meaning.type === "float" || meaning.type === "int";
  if (isNumber && readBack.tolerance === undefined) {
    problems.add(`${path}/write/readBack`, "the read-back of a number needs a tolerance", 10);
  }
  return { place, withinMs: readBack.withinMs, tolerance: readBack.tolerance ?? 0 };
}

function feedbackPlace(
  at: string | undefined,
  path: string,
  { profile, problems }: Pick<Compilation, "profile" | "problems">,
): Reference | undefined {
  if (at === undefined) return undefined;
  const place = whole(at, profile.iec61850?.root);
  if (place !== undefined) return place;
  const message = `"${at}" is no reference with its constraint: DWGC1.WSpt.mxVal.f[MX]`;
  problems.add(path, message, 10);
  return undefined;
}

function whole(at: string, root: string | undefined): Reference | undefined {
  const [, text, fc] = /^(.+)\[([A-Z]{2})\]$/.exec(at) ?? [];
  return text === undefined || fc === undefined ? undefined : nodePlace(text, fc, root);
}

function reassertOf(
  { line, path, meaning }: NodeDraft,
  write: WriteSection,
  { problems }: Compilation,
): ReadonlySet<number> {
  const codes = new Set<number>();
  const isState = meaning.type === "enum" || meaning.type === "bool";
  for (const text of write.reassert ?? []) {
    const code = isState ? codeOf(text, meaning) : undefined;
    if (code !== undefined) codes.add(code);
    else {
      const message = `"${text}" is no state of "${line.point}": only states are re-asserted`;
      problems.add(`${path}/write/reassert`, message, 14);
    }
  }
  if (codes.size > 0 && (write.readBack === undefined || write.readBack === false)) {
    problems.add(`${path}/write/reassert`, "what is re-asserted needs a readBack that ends it", 10);
  }
  return codes;
}
