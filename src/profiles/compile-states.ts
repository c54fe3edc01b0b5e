import type { AlarmRule, DerivedPoint } from "./binding.ts";
import type { Compilation, Draft } from "./compilation.ts";
import { codeOf } from "./compile-conversion.ts";
import { inputsOf } from "./derive.ts";
import type { AlarmEntry, AlarmLine, DerivedLine } from "./schema.ts";

type Operation = DerivedPoint["operation"];

/** Compiles the alarms of a profile. */
export function compileAlarms(
  drafts: readonly Draft[],
  compilation: Compilation,
): readonly AlarmRule[] {
  return (compilation.profile.alarms ?? []).flatMap((line, index) =>
    alarmsOf(line, `/alarms/${index}`, drafts, compilation),
  );
}

/**
 * Compiles the derived points, in an order in which each one stands behind its inputs.
 *
 * @param firstOrdinal ordinal of the first derived point
 */
export function compileDerived(
  firstOrdinal: number,
  compilation: Compilation,
): readonly DerivedPoint[] {
  const points: DerivedPoint[] = [];
  for (const [index, line] of (compilation.profile.derived ?? []).entries()) {
    const operation = operationOf(line, `/derived/${index}`, compilation);
    if (operation !== undefined) points.push({ ordinal: firstOrdinal + index, operation });
  }
  return inOrder(points, compilation);
}

function alarmsOf(
  line: AlarmLine,
  path: string,
  drafts: readonly Draft[],
  compilation: Compilation,
): readonly AlarmRule[] {
  const ordinal = alarmPoint(line, path, drafts, compilation);
  if (ordinal === undefined) return [];
  if (line.bits !== undefined) {
    if (compilation.meaningAt(ordinal).type !== "bits") {
      compilation.problems.add(`${path}/bits`, "alarm bits need a point of type bits");
    }
    return Object.entries(line.bits).map(([bit, entry]) =>
      ruleOf(entry, line, ordinal, { bit: Number(bit) }),
    );
  }
  if (line.values !== undefined) {
    return Object.entries(line.values).flatMap(([state, entry]) => {
      const equals = stateOf(state, ordinal, compilation);
      if (equals !== undefined) return [ruleOf(entry, line, ordinal, { equals })];
      const message = `"${state}" is no state of "${compilation.meaningAt(ordinal).id}"`;
      compilation.problems.add(`${path}/values/${state}`, message, 14);
      return [];
    });
  }
  if (line.id === undefined || line.severity === undefined) {
    compilation.problems.add(path, "an alarm needs bits, values, or an id with a severity", 22);
    return [];
  }
  const entry = { ...line, id: line.id, severity: line.severity };
  return [ruleOf(entry, line, ordinal, { equals: 1 })];
}

function ruleOf(
  entry: AlarmEntry,
  line: AlarmLine,
  ordinal: number,
  when: AlarmRule["when"],
): AlarmRule {
  return {
    id: entry.id,
    severity: entry.severity,
    text: entry.text ?? entry.id.replaceAll("-", " "),
    ordinal,
    when,
    isActiveLow: (entry.active ?? line.active) === "low",
  };
}

/** Alarm states of a number point are written as the number. */
function stateOf(state: string, ordinal: number, compilation: Compilation): number | undefined {
  const meaning = compilation.meaningAt(ordinal);
  const code = codeOf(state, meaning);
  if (code !== undefined || meaning.type === "enum" || meaning.type === "bool") return code;
  return /^-?\d+(\.\d+)?$/.test(state) ? Number(state) : undefined;
}

/** The point of an alarm: named, or the one that is bound at the same place. */
function alarmPoint(
  line: AlarmLine,
  path: string,
  drafts: readonly Draft[],
  compilation: Compilation,
): number | undefined {
  if (line.point !== undefined) return compilation.ordinalOf(line.point, `${path}/point`);
  const found = line.at === undefined ? undefined : compilation.finder.find(line.at, {});
  if (found === undefined || "problem" in found) {
    compilation.problems.add(path, found?.problem ?? "an alarm needs at or point");
    return undefined;
  }
  const { table, address } = found.place;
  const ordinal = drafts.findIndex(
    (draft) =>
      draft.line.group !== undefined &&
      draft.line.slice === undefined &&
      draft.found.place.table === table &&
      draft.found.place.address === address,
  );
  if (ordinal >= 0) return ordinal;
  compilation.problems.add(`${path}/at`, `no point is bound at "${line.at ?? ""}"`);
  return undefined;
}

const LIST_KINDS = ["sum", "mean", "maximum", "minimum", "product", "any", "all", "count"] as const;
const PAIR_KINDS = ["difference", "ratio"] as const;

function operationOf(
  line: DerivedLine,
  path: string,
  compilation: Compilation,
): Operation | undefined {
  const operations: (Operation | undefined)[] = [];
  const find = (id: string): number => compilation.ordinalOf(id, path) ?? -1;
  for (const kind of LIST_KINDS) {
    const of = line[kind];
    if (of !== undefined) operations.push({ kind, of: of.map(find) });
  }
  for (const kind of PAIR_KINDS) {
    const of = line[kind];
    if (of !== undefined) operations.push({ kind, of: [find(of[0]), find(of[1])] });
  }
  operations.push(...namedOperations(line, path, compilation, find));
  const [operation] = operations;
  if (operations.length !== 1 || operation === undefined) {
    compilation.problems.add(path, `"${line.point}" needs exactly one operator`);
    return undefined;
  }
  return inputsOf(operation).includes(-1) ? undefined : operation;
}

function namedOperations(
  line: DerivedLine,
  path: string,
  compilation: Compilation,
  find: (id: string) => number,
): readonly Operation[] {
  const operations: Operation[] = [];
  const { scale, heat, select, splice, "dew-point": dewPoint } = line;
  if (scale !== undefined) {
    const { of, factor = 1, offset = 0 } = scale;
    operations.push({ kind: "scale", of: find(of), factor, offset });
  }
  if (heat !== undefined) {
    const { flow, warm, cold, capacityJPerLK } = heat;
    const places = { flow: find(flow), warm: find(warm), cold: find(cold) };
    operations.push({ kind: "heat", ...places, capacityJPerLK });
  }
  if (dewPoint !== undefined) {
    const { temperature, humidity } = dewPoint;
    const places = { temperature: find(temperature), humidity: find(humidity) };
    operations.push({ kind: "dew-point", ...places });
  }
  if (select !== undefined) {
    const by = find(select.by);
    const cases = by < 0 ? new Map<number, number>() : casesOf(select.cases, by, path, compilation);
    operations.push({ kind: "select", by, cases });
  }
  if (splice !== undefined) {
    operations.push({ kind: "splice", high: find(splice.high), low: find(splice.low) });
  }
  return operations;
}

function casesOf(
  cases: Readonly<Record<string, string>>,
  by: number,
  path: string,
  compilation: Compilation,
): ReadonlyMap<number, number> {
  const compiled = new Map<number, number>();
  for (const [state, id] of Object.entries(cases)) {
    const value = stateOf(state, by, compilation);
    const ordinal = compilation.ordinalOf(id, `${path}/select/cases/${state}`);
    if (value === undefined) {
      const message = `"${state}" is no state of "${compilation.meaningAt(by).id}"`;
      compilation.problems.add(`${path}/select/cases/${state}`, message, 14);
    } else if (ordinal !== undefined) {
      compiled.set(value, ordinal);
    }
  }
  return compiled;
}

/** Derived points behind those that they are derived from. */
function inOrder(
  points: readonly DerivedPoint[],
  compilation: Compilation,
): readonly DerivedPoint[] {
  const ordered: DerivedPoint[] = [];
  let waiting = points;
  while (waiting.length > 0) {
    const pending = new Set(waiting.map((point) => point.ordinal));
    const ready = waiting.filter(
      (point) => !inputsOf(point.operation).some((input) => pending.has(input)),
    );
    if (ready.length === 0) {
      const names = [...pending].map((ordinal) => compilation.meaningAt(ordinal).id).join(", ");
      compilation.problems.add("/derived", `these points derive from one another: ${names}`);
      return ordered;
    }
    ordered.push(...ready);
    waiting = waiting.filter((point) => !ready.includes(point));
  }
  return ordered;
}
