import { CANONICAL_POINTS } from "../domain/vocabulary/vocabulary.ts";
import { encodeNumber, numberLimits } from "../wire/modbus/codec.ts";
import { REGISTERS_BY_TYPE } from "../wire/modbus/registers.ts";
import type { NumberType } from "../wire/modbus/registers.ts";
import type { Interlock, KeepAlive, RegisterPlace, WriteStep } from "./binding.ts";
import type { Compilation, Draft } from "./compilation.ts";
import { codeOf } from "./compile-conversion.ts";
import type { InterlockLine, KeepAliveLine } from "./schema.ts";
import type { StepLine } from "./schema-point.ts";

const COIL_ON = 0xff00;

/** Compiles the interlocks of a profile. */
export function compileInterlocks(compilation: Compilation): ReadonlyMap<string, Interlock> {
  const interlocks = new Map<string, Interlock>();
  for (const [name, line] of Object.entries(compilation.profile.interlocks ?? {})) {
    const interlock = interlockOf(name, line, compilation);
    if (interlock !== undefined) interlocks.set(name, interlock);
  }
  return interlocks;
}

function interlockOf(
  name: string,
  line: InterlockLine,
  compilation: Compilation,
): Interlock | undefined {
  const path = `/interlocks/${name}`;
  const open = { name, ordinal: undefined, place: undefined, equals: Number(line.equals) };
  if (line.point === undefined) {
    const place = placeAt(line.at, `${path}/at`, compilation);
    return place === undefined ? undefined : { ...open, place };
  }
  // A point that the gateway makes itself (link-up) holds whenever a driver can write at all.
  if (CANONICAL_POINTS.get(line.point)?.madeByGateway === true) return open;
  const ordinal = compilation.ordinalOf(line.point, `${path}/point`);
  if (ordinal === undefined) return undefined;
  const equals = codeOf(line.equals, compilation.meaningAt(ordinal));
  if (equals !== undefined) return { ...open, ordinal, equals };
  const message = `"${String(line.equals)}" is no state of "${line.point}"`;
  compilation.problems.add(`${path}/equals`, message);
  return undefined;
}

/** Compiles the keep-alives of a profile. */
export function compileKeepAlives(compilation: Compilation): ReadonlyMap<string, KeepAlive> {
  const keepAlives = new Map<string, KeepAlive>();
  for (const [name, line] of Object.entries(compilation.profile.keepAlive ?? {})) {
    const path = `/keepAlive/${name}`;
    if (line.deviceTimeoutAt !== undefined) {
      const message = "deviceTimeoutAt is not supported for Modbus: state deviceTimeoutMs";
      compilation.problems.add(`${path}/deviceTimeoutAt`, message);
    }
    const action = keepAliveAction(line, path, compilation);
    if (action === undefined) continue;
    keepAlives.set(name, {
      name,
      action,
      everyMs: line.everyMs,
      deviceTimeoutMs: line.deviceTimeoutMs,
      onLoss: line.onLoss,
    });
  }
  return keepAlives;
}

function keepAliveAction(
  line: KeepAliveLine,
  path: string,
  compilation: Compilation,
): KeepAlive["action"] | undefined {
  if (line.repeat !== undefined) {
    const ordinal = compilation.ordinalOf(line.repeat, `${path}/repeat`);
    return ordinal === undefined ? undefined : { kind: "repeat", ordinal };
  }
  const found = line.at === undefined ? undefined : compilation.finder.find(line.at, {});
  if (found === undefined || "problem" in found) {
    compilation.problems.add(path, found?.problem ?? "a keep-alive needs at or repeat");
    return undefined;
  }
  const type = numberTypeOf(line.type, found.sunspec?.raw);
  const place: RegisterPlace = { ...found.place, count: REGISTERS_BY_TYPE[type] };
  if (line.counter === true) return { kind: "counter", place, raw: type };
  if (line.toggle === true) return { kind: "toggle", place };
  if (line.raw !== undefined) return { kind: "raw", place, raw: line.raw };
  compilation.problems.add(path, "a keep-alive needs one of raw, counter, toggle and repeat");
  return undefined;
}

/** Compiles the writes around a setpoint. */
export function compileSteps(
  draft: Draft,
  side: "before" | "after",
  compilation: Compilation,
): readonly WriteStep[] {
  return (draft.line.write?.[side] ?? []).flatMap((step, index) => {
    const compiled = stepOf(draft, step, `${draft.path}/write/${side}/${index}`, compilation);
    return compiled === undefined ? [] : [compiled];
  });
}

function stepOf(
  draft: Draft,
  step: StepLine,
  path: string,
  compilation: Compilation,
): WriteStep | undefined {
  const { problems, finder } = compilation;
  if (step.secret !== undefined) {
    problems.add(`${path}/secret`, "secrets in write steps are not supported by this version");
    return undefined;
  }
  const found = finder.find(step.at, { shift: draft.shift });
  if ("problem" in found || step.raw === undefined) {
    problems.add(path, "problem" in found ? found.problem : "a write step needs raw");
    return undefined;
  }
  const type = numberTypeOf(step.type, found.sunspec?.raw);
  const words = wordsOf(step.raw, found.place.table === "coil" ? "coil" : type);
  if (words === undefined) {
    problems.add(`${path}/raw`, "raw does not fit the place");
    return undefined;
  }
  const place = { ...found.place, count: words.length, unit: draft.unitId };
  return { ...place, raw: words, when: step.when ?? "each" };
}

function wordsOf(
  raw: number | readonly number[],
  type: NumberType | "coil",
): readonly number[] | undefined {
  if (type === "coil") return raw === 0 || raw === 1 ? [raw] : raw === COIL_ON ? [1] : undefined;
  if (typeof raw !== "number") {
    return raw.every((word) => word >= 0 && word <= 0xffff) && raw.length > 0 ? raw : undefined;
  }
  const [minimum, maximum] = numberLimits(type);
  if (raw < minimum || raw > maximum) return undefined;
  return encodeNumber(raw, type, REGISTERS_BY_TYPE[type] === 1 ? "AB" : "ABCD");
}

function placeAt(
  at: string | undefined,
  path: string,
  { finder, problems }: Compilation,
): RegisterPlace | undefined {
  const found = at === undefined ? { problem: "this needs at or point" } : finder.find(at, {});
  if (!("problem" in found)) return found.place;
  problems.add(path, found.problem);
  return undefined;
}

function numberTypeOf(stated: string | undefined, raw: string | undefined): NumberType {
  const type = stated ?? raw ?? "uint16";
  return type in REGISTERS_BY_TYPE ? (type as NumberType) : "uint16";
}
