import type { RegisterTable } from "../wire/modbus/registers.ts";
import type { BoundPoint, KeepAlive, WriteStep } from "./binding.ts";
import { codeOf } from "./compile-conversion.ts";
import { exponentFrom, knownExponent } from "./decode.ts";
import { beatWords, encodeWrite, interlockHolds } from "./encode.ts";
import { viewOfWords } from "./image.ts";
import type { Scalar, VectorLine } from "./schema.ts";
import { numberAt } from "./vector-device.ts";
import type { VectorDevice } from "./vector-device.ts";

/** One request that a write or a beat sends. */
export interface VectorWrite {
  readonly table: RegisterTable;
  readonly address: number;
  readonly words: readonly number[];
  /** False for the steps around a setpoint. */
  readonly isSetpoint: boolean;
}

export type VectorWrites =
  | { readonly writes: readonly VectorWrite[] }
  | { readonly refused: string }
  | { readonly problem: string };

/** What the gateway would send for the write or the beat of a vector. */
export function writesOf(vector: VectorLine, device: VectorDevice): VectorWrites {
  const writes: VectorWrite[] = [];
  for (const [id, value] of Object.entries(vector.write ?? {})) {
    const result = writesOfPoint(id, value, device);
    if (!("writes" in result)) return result;
    writes.push(...result.writes);
  }
  if (vector.beat === undefined) return { writes };
  const keepAlive = device.profile.keepAlives.get(vector.beat);
  if (keepAlive === undefined) return { problem: `there is no keep-alive "${vector.beat}"` };
  const beat = writesOfBeat(keepAlive, device);
  return "writes" in beat ? { writes: [...writes, ...beat.writes] } : beat;
}

function writesOfPoint(id: string, value: Scalar, device: VectorDevice): VectorWrites {
  const { profile, columns } = device;
  const point = profile.points.find((candidate) => candidate.id === id);
  if (point === undefined) return { problem: `this profile has no point "${id}"` };
  const number = codeOf(value, { ...point, canonical: undefined });
  if (number === undefined) return { problem: `"${String(value)}" is no state of "${id}"` };
  if (!needsHold(point, device)) return { refused: "interlock" };
  const encoding = encodeWrite(point, number, columns, writeExponent(point, device));
  if ("refused" in encoding) return encoding;
  const { write } = point;
  if (write === undefined) return { refused: "not-writable" };
  const { table, address } = write;
  const setpoint = { table, address, words: encoding.registers, isSetpoint: true };
  return { writes: [...write.before.map(stepWrite), setpoint, ...write.after.map(stepWrite)] };
}

function needsHold(point: BoundPoint, { profile, columns, words }: VectorDevice): boolean {
  return (point.write?.needs ?? []).every((name) => {
    const interlock = profile.interlocks.get(name);
    if (interlock === undefined) return false;
    const value = interlock.place === undefined ? undefined : numberAt(words, interlock.place);
    return interlockHolds(interlock, columns, value);
  });
}

function writeExponent(point: BoundPoint, { words }: VectorDevice): number {
  const conversion = point.write?.conversion;
  if (conversion === undefined) return 0;
  const place = conversion.sf?.place;
  const own = place === undefined ? undefined : words.at(place);
  return own === undefined ? knownExponent(conversion) : exponentFrom(viewOfWords(own), 0);
}

function stepWrite(step: WriteStep): VectorWrite {
  return { table: step.table, address: step.address, words: step.raw, isSetpoint: false };
}

/** One beat, going on from what the vector gives. */
function writesOfBeat(keepAlive: KeepAlive, device: VectorDevice): VectorWrites {
  const { action } = keepAlive;
  if (action.kind === "repeat") {
    const point = device.profile.points[action.ordinal];
    const held = device.columns.values[action.ordinal];
    if (point === undefined || held === undefined || Number.isNaN(held)) {
      return { problem: `"${keepAlive.name}" repeats a setpoint that is not given` };
    }
    const result = writesOfPoint(point.id, held, device);
    if (!("writes" in result)) return result;
    return { writes: result.writes.filter((write) => write.isSetpoint) };
  }
  const { table, address } = action.place;
  const before = numberAt(device.words, action.place) ?? 0;
  const { words } = beatWords(action, before);
  return { writes: [{ table, address, words, isSetpoint: true }] };
}
