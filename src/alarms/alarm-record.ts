import type { AlarmProcessing } from "../domain/alarms/processing.ts";
import type { Severity } from "../domain/event.ts";
import { type MonotonicMs, monotonicMs, type UtcMs, utcMs } from "../domain/time.ts";
import type { AlarmLimits } from "./limits.ts";

/**
 * The states of ISA-18.2 and IEC 62682. `returned`: its cause is gone, and nobody has taken note of
 * it; what happened once and has no end begins there. `suppressed`: it follows from another one
 * that stands.
 */
export type AlarmState =
  "normal" | "unacknowledged" | "acknowledged" | "returned" | "shelved" | "suppressed";

/** Who tells of it: a process of the gateway, or the board itself. */
export type AlarmSource = "control" | "field" | "services" | "board";

/** Both times of one moment: intervals by `now`, what people read by `utc`. */
export interface AlarmTime {
  readonly now: MonotonicMs;
  readonly utc: UtcMs;
}

export interface Acknowledgement {
  readonly by: string;
  readonly at: UtcMs;
}

/** All that the board knows of one alarm; one for each id, device and point. */
export interface AlarmRecord {
  readonly key: string;
  readonly id: string;
  readonly device: string | undefined;
  readonly point: string | undefined;
  /** Id and device, as `subjectOf` has them. */
  readonly subject: string;
  source: AlarmSource;
  rule: AlarmProcessing;
  /** Subjects of its causes. */
  causes: readonly string[];
  severity: Severity;
  text: string;
  /** As its source tells it, and since when. */
  isTold: boolean;
  toldAt: MonotonicMs;
  /** When its source says that it began. */
  toldUtc: UtcMs;
  /** After its delays. */
  isIn: boolean;
  raisedUtc: UtcMs;
  returnedUtc: UtcMs | undefined;
  needsAck: boolean;
  ack: Acknowledgement | undefined;
  state: AlarmState;
  /** Since when it is in this state. */
  stateAt: MonotonicMs;
  /** It has called, or was collected instead of it. */
  isCalled: boolean;
  isCollected: boolean;
  isFirstOut: boolean;
  /** The alarm that stands for this one and others of the same cause. */
  partOf: AlarmRecord | undefined;
  /** The last beginnings, oldest first; at most as many as make chatter. */
  readonly begins: MonotonicMs[];
  /** Beginnings since it was normal. */
  raises: number;
  /** Told again since its source was restarted. */
  isConfirmed: boolean;
}

export const SEVERITY_RANK: Readonly<Record<Severity, number>> = {
  info: 0,
  warning: 1,
  critical: 2,
  trip: 3,
};

export function keyOf(id: string, device: string | undefined, point: string | undefined): string {
  return `${id}\n${device ?? ""}\n${point ?? ""}`;
}

/** What an id is called on a device, whatever point it names. */
export function subjectOf(id: string, device: string | undefined): string {
  return `${id}\n${device ?? ""}`;
}

/** Gives a record another rule. */
export function setRule(record: AlarmRecord, rule: AlarmProcessing): void {
  if (record.rule === rule) return;
  record.rule = rule;
  record.causes = causesOf(rule, record.device);
}

function causesOf({ suppressedBy }: AlarmProcessing, device: string | undefined): string[] {
  return suppressedBy.map((id) => subjectOf(id, device));
}

export function newRecord(
  subject: Pick<AlarmRecord, "id" | "device" | "point" | "source" | "rule" | "severity" | "text">,
): AlarmRecord {
  const { id, device, point, rule } = subject;
  return {
    ...subject,
    key: keyOf(id, device, point),
    subject: subjectOf(id, device),
    causes: causesOf(rule, device),
    isTold: false,
    toldAt: monotonicMs(-Infinity),
    toldUtc: utcMs(0),
    isIn: false,
    raisedUtc: utcMs(0),
    returnedUtc: undefined,
    needsAck: false,
    ack: undefined,
    state: "normal",
    stateAt: monotonicMs(-Infinity),
    isCalled: false,
    isCollected: false,
    isFirstOut: false,
    partOf: undefined,
    begins: [],
    raises: 0,
    isConfirmed: true,
  };
}

/** Notes that its source tells of a beginning. */
export function noteBegin(record: AlarmRecord, at: AlarmTime, limits: AlarmLimits): void {
  const { now, utc } = at;
  record.isTold = true;
  record.toldAt = now;
  record.toldUtc = utc;
  record.raises += 1;
  record.begins.push(now);
  if (record.begins.length > limits.chatterCount) record.begins.shift();
}

/** It began so often within a minute that its ends mean nothing. A trip never counts as such. */
export function isChattering(
  { begins, severity }: AlarmRecord,
  now: MonotonicMs,
  { chatterCount, chatterMs }: AlarmLimits,
): boolean {
  const [oldest] = begins;
  if (severity === "trip" || oldest === undefined || begins.length < chatterCount) return false;
  return (begins.at(-1) ?? 0) - oldest <= chatterMs && now - (begins.at(-1) ?? 0) <= chatterMs;
}

/** Whether it is an alarm after its delays. */
export function isInAlarm(record: AlarmRecord, now: MonotonicMs, limits: AlarmLimits): boolean {
  const { isTold, isIn, toldAt, rule } = record;
  const heldMs = now - toldAt;
  if (isTold) return isIn || heldMs >= rule.onDelayMs;
  // Off-delays are for people's sake: of what is set aside nobody hears.
  if (!isIn || isAside(record.state)) return false;
  const offDelayMs = isChattering(record, now, limits)
    ? Math.max(rule.offDelayMs, limits.chatterMs)
    : rule.offDelayMs;
  return heldMs < offDelayMs;
}

/** It stands, and somebody or something else has taken it out of sight. */
export function isAside(state: AlarmState): boolean {
  return state === "shelved" || state === "suppressed";
}

/** The state that follows from what is known; a trip can be neither shelved nor suppressed. */
export function stateOf(
  { isIn, needsAck, severity }: Pick<AlarmRecord, "isIn" | "needsAck" | "severity">,
  aside: { readonly isShelved: boolean; readonly isSuppressed: boolean },
): AlarmState {
  const isOutOfSight = severity !== "trip" && (aside.isShelved || aside.isSuppressed);
  if (!isIn) return needsAck && !isOutOfSight ? "returned" : "normal";
  if (isOutOfSight) return aside.isShelved ? "shelved" : "suppressed";
  return needsAck ? "unacknowledged" : "acknowledged";
}

/** Information calls nobody and waits for nobody. */
export function callsPeople(severity: Severity): boolean {
  return severity !== "info";
}

/** It waits for somebody to take note of it. */
export function isWaiting({ state }: Pick<AlarmRecord, "state">): boolean {
  return state === "unacknowledged" || state === "returned";
}
