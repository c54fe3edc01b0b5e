import { utf8Bytes } from "../../domain/utf8.ts";
import type { BinaryTime, UtcTime } from "./time.ts";
import { unicodeText } from "./text.ts";
import { valueOfType } from "./type-fit.ts";
import type { NamedType, TypeSpec } from "./type-spec.ts";
import { bitAt, bitsOf, type MmsValue } from "./value.ts";

/**
 * The structure of a command — SBOw, Oper or Cancel — from the type that the device describes, and
 * back. Nothing about its members is taken for granted: editions and devices differ.
 *
 * @see IEC 61850-8-1, section 20 (control class model); IEC 61850-7-3, control service parameters
 */

/** Who commands. */
export interface Origin {
  /** 0 not said, 1 bay, 2 station, 3 remote, 4 … 6 automatic ones, 7 maintenance, 8 process. */
  readonly category: number;
  /** At most 64 octets of UTF-8. */
  readonly identification: string;
}

export interface ControlCommand {
  /** A switch takes a boolean, a setpoint a number, anything else a value of its very type. */
  readonly value: boolean | number | bigint | MmsValue;
  readonly origin: Origin;
  /** 0 to 255; the same from the selection to the end of a command. */
  readonly number: number;
  /** When the command was given. */
  readonly time: UtcTime;
  readonly isTest: boolean;
  readonly isInterlockChecked: boolean;
  readonly isSynchronismChecked: boolean;
  /** When the device shall operate; undefined for at once. */
  readonly operateAt: UtcTime | undefined;
}

export type BuiltControl =
  | { readonly result: "built"; readonly value: MmsValue }
  /** The component that the device has and the command does not fill. */
  | { readonly result: "misfit"; readonly component: string };

export type ReadControl =
  | { readonly result: "command"; readonly command: ControlCommand }
  | { readonly result: "misfit"; readonly component: string };

const IDENTIFICATION_OCTETS_MAX = 64;
const SYNCHRONISM = 0;
const INTERLOCK = 1;
const NO_TIME: UtcTime = {
  utcMs: 0,
  quality: {
    isLeapSecondKnown: false,
    hasClockFailure: false,
    isNotSynchronised: false,
    accuracyBits: 0,
  },
};
const NOT_GIVEN: MmsValue = { kind: "boolean", value: false };

/** The command as the structure that this device wants. */
export function buildControl(type: TypeSpec, command: ControlCommand): BuiltControl {
  if (type.kind !== "structure") return { result: "misfit", component: "" };
  const members: MmsValue[] = [];
  for (const member of type.members) {
    const value = buildComponent(member, command);
    if (value === undefined) return { result: "misfit", component: member.name };
    members.push(value);
  }
  return { result: "built", value: { kind: "structure", members } };
}

function buildComponent(member: NamedType, command: ControlCommand): MmsValue | undefined {
  const { name, type } = member;
  switch (name) {
    case "ctlVal":
      return valueOfType(type, command.value);
    case "operTm":
      return timeOfType(type, command.operateAt ?? NO_TIME);
    case "origin":
      return buildOrigin(type, command.origin);
    case "ctlNum":
      return valueOfType(type, command.number);
    case "T":
      return timeOfType(type, command.time);
    case "Test":
      return valueOfType(type, command.isTest);
    case "Check":
      return buildCheck(type, command);
    default:
      return undefined;
  }
}

function buildCheck(type: TypeSpec, command: ControlCommand): MmsValue | undefined {
  if (type.kind !== "bits" || Math.abs(type.size) < 2) return undefined;
  const places: number[] = [];
  if (command.isSynchronismChecked) places.push(SYNCHRONISM);
  if (command.isInterlockChecked) places.push(INTERLOCK);
  // Of a string that may be shorter only the two bits that mean something are sent.
  const bitCount = type.size > 0 ? type.size : 2;
  return { kind: "bits", ...bitsOf(bitCount, places) };
}

function buildOrigin(type: TypeSpec, origin: Origin): MmsValue | undefined {
  if (type.kind !== "structure") return undefined;
  const members: MmsValue[] = [];
  for (const member of type.members) {
    const value =
      member.name === "orCat"
        ? valueOfType(member.type, origin.category)
        : member.name === "orIdent"
          ? identification(origin.identification)
          : undefined;
    if (value === undefined) return undefined;
    members.push(value);
  }
  return { kind: "structure", members };
}

function identification(text: string): MmsValue | undefined {
  const bytes = utf8Bytes(text);
  return bytes.length <= IDENTIFICATION_OCTETS_MAX ? { kind: "octets", bytes } : undefined;
}

/** The first edition has the entry time here, without a quality. */
function timeOfType(type: TypeSpec, time: UtcTime): MmsValue | undefined {
  if (type.kind === "utc-time") return { kind: "utc-time", ...time };
  if (type.kind !== "binary-time" || !type.hasDate) return undefined;
  return { kind: "binary-time", ms: Math.max(time.utcMs, FIRST_BINARY_TIME_MS), hasDate: true };
}

/** 1984-01-01: no binary time is before it, so it stands for none. */
const FIRST_BINARY_TIME_MS = 441_763_200_000;

/** What a client commands, by the type that our own server describes. */
export function readControl(type: TypeSpec, value: MmsValue): ReadControl {
  if (type.kind !== "structure" || value.kind !== "structure") {
    return { result: "misfit", component: "" };
  }
  const parts = new Map<string, MmsValue>();
  for (const [at, { name }] of type.members.entries()) {
    const member = value.members[at];
    if (member === undefined) return { result: "misfit", component: name };
    parts.set(name, member);
  }
  if (value.members.length !== type.members.length) return { result: "misfit", component: "" };
  return commandOf(parts);
}

function commandOf(parts: ReadonlyMap<string, MmsValue>): ReadControl {
  const misfit = (component: string): ReadControl => ({ result: "misfit", component });
  const value = parts.get("ctlVal");
  if (value === undefined) return misfit("ctlVal");
  const origin = originOf(parts.get("origin"));
  if (origin === undefined) return misfit("origin");
  const number = smallNumber(parts.get("ctlNum"));
  if (number === undefined) return misfit("ctlNum");
  const time = timeOf(parts.get("T"));
  if (time === undefined) return misfit("T");
  const test = parts.get("Test") ?? NOT_GIVEN;
  if (test.kind !== "boolean") return misfit("Test");
  const operateAt = timeOf(parts.get("operTm"));
  return {
    result: "command",
    command: {
      value,
      origin,
      number,
      time,
      isTest: test.value,
      ...checksOf(parts.get("Check")),
      operateAt: operateAt?.utcMs === 0 ? undefined : operateAt,
    },
  };
}

function checksOf(
  check: MmsValue | undefined,
): Pick<ControlCommand, "isInterlockChecked" | "isSynchronismChecked"> {
  return {
    isInterlockChecked: check?.kind === "bits" && bitAt(check, INTERLOCK),
    isSynchronismChecked: check?.kind === "bits" && bitAt(check, SYNCHRONISM),
  };
}

/** Who commands, from its structure; undefined for anything else. */
export function originOf(value: MmsValue | undefined): Origin | undefined {
  if (value?.kind !== "structure" || value.members.length !== 2) return undefined;
  const [category, ident] = value.members;
  const number = smallNumber(category);
  if (number === undefined || ident?.kind !== "octets") return undefined;
  return {
    category: number,
    identification: unicodeText(ident.bytes),
  };
}

/** A whole number without digits to lose; undefined for anything else. */
export function smallNumber(value: MmsValue | undefined): number | undefined {
  if (value?.kind !== "integer" && value?.kind !== "unsigned") return undefined;
  return typeof value.value === "number" ? value.value : undefined;
}

function timeOf(value: MmsValue | undefined): UtcTime | undefined {
  if (value?.kind === "utc-time") return { utcMs: value.utcMs, quality: value.quality };
  return value?.kind === "binary-time" ? utcOf(value) : undefined;
}

function utcOf(time: BinaryTime): UtcTime {
  return { utcMs: time.ms, quality: { ...NO_TIME.quality, accuracyBits: undefined } };
}
