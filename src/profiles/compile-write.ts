import type { Conversion, ReadBackRule, RegisterPlace, WriteBinding } from "./binding.ts";
import type { Bound } from "./bound.ts";
import type { Compilation, Draft } from "./compilation.ts";
import { compileSteps } from "./compile-guards.ts";
import type { WriteSection } from "./schema-point.ts";

/** Compiles the write section of a point; undefined when it has problems. */
export function compileWrite(
  draft: Draft,
  write: WriteSection,
  conversion: Conversion,
  compilation: Compilation,
): WriteBinding | undefined {
  const path = `${draft.path}/write`;
  refuseUnsupported(write, path, compilation);
  const place = writePlace(draft, write, compilation);
  const range = rangeOf(draft, write, conversion, compilation);
  const isElsewhere = write.at !== undefined;
  const own: Conversion = isElsewhere ? { ...conversion, slice: undefined } : conversion;
  const readBack = readBackOf(draft, write, own, compilation);
  const effect = effectOf(draft, write, compilation);
  if (place === undefined || range === undefined) return undefined;
  const code = functionOf(draft, write, place, compilation);
  const mask = maskOf(write, own, code);
  if (isPartial(own) && mask === undefined) {
    const message = "a part of a register is written with function 22 or to a register of its own";
    compilation.problems.add(`${path}/function`, message);
  }
  return {
    ...place,
    function: code,
    mask,
    copies: write.copies ?? 1,
    conversion: own,
    minimum: range[0],
    maximum: range[1],
    ...stepsOf(write),
    readBack,
    needs: namesIn(write.needs ?? [], compilation.profile.interlocks, `${path}/needs`, compilation),
    before: compileSteps(draft, "before", compilation),
    after: compileSteps(draft, "after", compilation),
    keepAlive: keepAlivesOf(write, path, compilation),
    ...effect,
  };
}

function stepsOf(write: WriteSection): Pick<WriteBinding, "exclude" | "step" | "stepRaw"> {
  return { exclude: write.exclude ?? [], step: write.step, stepRaw: write.stepRaw };
}

function effectOf(
  draft: Draft,
  { pulse, settleMs = 0, danger }: WriteSection,
  { problems }: Compilation,
): Pick<WriteBinding, "pulse" | "settleMs" | "danger"> {
  if (danger === undefined) {
    problems.add(`${draft.path}/write`, `the write of "${draft.line.point}" says no danger`, 10);
  }
  return { pulse, settleMs, danger: danger ?? "permanent" };
}

function refuseUnsupported(write: WriteSection, path: string, { problems }: Compilation): void {
  const unsupported: readonly (keyof WriteSection)[] = [
    "wear",
    "mode",
    "control",
    "method",
    "group",
  ];
  for (const key of unsupported) {
    if (write[key] !== undefined) {
      problems.add(`${path}/${key}`, `"${key}" is not supported for Modbus by this version`);
    }
  }
}

function writePlace(
  draft: Draft,
  write: WriteSection,
  { finder, problems }: Compilation,
): RegisterPlace | undefined {
  const { place } = draft.found;
  const path = `${draft.path}/write/at`;
  const found =
    write.at === undefined
      ? draft.found
      : finder.find(write.at, { count: place.count, shift: draft.shift });
  if ("problem" in found) {
    problems.add(path, found.problem);
    return undefined;
  }
  if (found.place.table === "input" || found.place.table === "discrete") {
    problems.add(path, `the ${found.place.table} table cannot be written`);
    return undefined;
  }
  return { ...found.place, unit: draft.unitId };
}

function functionOf(
  draft: Draft,
  write: WriteSection,
  place: RegisterPlace,
  { profile, problems }: Compilation,
): WriteBinding["function"] {
  const copies = write.copies ?? 1;
  const isCoil = place.table === "coil";
  if (write.function !== undefined) {
    if (isCoil !== (write.function === 5 || write.function === 15)) {
      const message = `function ${write.function} does not write the ${place.table} table`;
      problems.add(`${draft.path}/write/function`, message);
    }
    return write.function;
  }
  if (isCoil) return copies > 1 ? 15 : 5;
  const knows6 = profile.modbus?.functions?.includes(6) ?? place.model === undefined;
  return place.count * copies === 1 && knows6 ? 6 : 16;
}

function maskOf(
  write: WriteSection,
  conversion: Conversion,
  code: WriteBinding["function"],
): number | undefined {
  if (write.mask !== undefined) return Number.parseInt(write.mask, 16);
  if (code !== 22) return undefined;
  if (conversion.slice !== undefined) {
    const [first, count] = conversion.slice;
    return ((2 ** count - 1) << first) & 0xffff;
  }
  return conversion.raw === "uint8-high" ? 0xff00 : 0x00ff;
}

function isPartial(conversion: Conversion): boolean {
  return (
    conversion.slice !== undefined ||
    conversion.raw === "uint8-high" ||
    conversion.raw === "uint8-low"
  );
}

/** No range, no write: states are their own range. */
function rangeOf(
  draft: Draft,
  write: WriteSection,
  conversion: Conversion,
  compilation: Compilation,
): readonly [Bound, Bound] | undefined {
  const path = `${draft.path}/write/range`;
  const { meaning } = draft;
  if (write.range === "from-device") {
    compilation.problems.add(path, '"from-device" is not supported for Modbus: name a point');
    return undefined;
  }
  if (write.range === undefined) {
    const isState =
      meaning.type === "bool" || (meaning.type === "enum" && conversion.codes !== undefined);
    if (isState) {
      const last = meaning.type === "bool" ? 1 : (meaning.texts?.length ?? 1) - 1;
      return [fixed(0), fixed(last)];
    }
    const message = `the write of "${draft.line.point}" has no range`;
    compilation.problems.add(`${draft.path}/write`, message, 10);
    return undefined;
  }
  const minimum = boundOf(write.range[0], `${path}/0`, compilation);
  const maximum = boundOf(write.range[1], `${path}/1`, compilation);
  return minimum === undefined || maximum === undefined ? undefined : [minimum, maximum];
}

function fixed(value: number): Bound {
  return { kind: "fixed", value };
}

export function boundOf(
  bound: number | string,
  path: string,
  compilation: Compilation,
): Bound | undefined {
  if (typeof bound === "number") return fixed(bound);
  const isNegative = bound.startsWith("-");
  const ordinal = compilation.ordinalOf(isNegative ? bound.slice(1) : bound, path);
  return ordinal === undefined ? undefined : { kind: "point", ordinal, sign: isNegative ? -1 : 1 };
}

function readBackOf(
  draft: Draft,
  write: WriteSection,
  conversion: Conversion,
  compilation: Compilation,
): ReadBackRule | undefined {
  const { readBack } = write;
  const path = `${draft.path}/write`;
  if (readBack === undefined || readBack === false) {
    if (readBack === undefined || write.why === undefined) {
      const message = `the write of "${draft.line.point}" has neither readBack nor a reason`;
      compilation.problems.add(path, message, 10);
    }
    return undefined;
  }
  const isState = conversion.codes !== undefined || conversion.raw === "bool";
  const stepOrScale = isState ? 0 : Math.abs(write.step ?? conversion.scale);
  return {
    place: readBackPlace(draft, readBack.at, compilation),
    withinMs: readBack.withinMs,
    tolerance: readBack.tolerance ?? stepOrScale,
  };
}

function readBackPlace(
  draft: Draft,
  at: string | undefined,
  { finder, problems }: Compilation,
): RegisterPlace | undefined {
  const path = `${draft.path}/write/readBack`;
  if (at === undefined) {
    if (draft.line.group === undefined) {
      const message = `"${draft.line.point}" is not read: its readBack needs a place`;
      problems.add(path, message, 10);
    }
    return undefined;
  }
  const found = finder.find(at, { count: draft.found.place.count, shift: draft.shift });
  if (!("problem" in found)) return { ...found.place, unit: draft.unitId };
  problems.add(`${path}/at`, found.problem);
  return undefined;
}

export function keepAlivesOf(
  write: WriteSection,
  path: string,
  compilation: Compilation,
): readonly string[] {
  const { keepAlive } = write;
  if (keepAlive === undefined) return [];
  if (keepAlive === "none") {
    if (write.why === undefined) {
      compilation.problems.add(path, 'keepAlive "none" needs a reason in why', 11);
    }
    return [];
  }
  const names = typeof keepAlive === "string" ? [keepAlive] : keepAlive;
  return namesIn(names, compilation.profile.keepAlive, `${path}/keepAlive`, compilation);
}

export function namesIn(
  names: readonly string[],
  section: Readonly<Record<string, unknown>> | undefined,
  path: string,
  { problems }: Compilation,
): readonly string[] {
  for (const name of names) {
    if (section?.[name] === undefined) problems.add(path, `nothing here is named "${name}"`);
  }
  return names;
}
