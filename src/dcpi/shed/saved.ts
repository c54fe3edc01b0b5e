import type { StandingShed } from "../../domain/shed.ts";
import type { MonotonicMs } from "../../domain/time.ts";
import { PRIORITIES } from "../flexibility.ts";
import { createLadder, type Ladder, ORDERS_MAX, SHEDS_MAX } from "./ladder-state.ts";
import { groupOf, type ShedOrder, type WorkloadSight } from "./orders.ts";

type SavedOrder = Pick<
  ShedOrder,
  "id" | "zone" | "workload" | "sight" | "action" | "targetW" | "savesW" | "wasSaid"
>;
type SavedResume = Pick<ShedOrder, "id" | "zone" | "workload" | "sight"> & {
  readonly cause: string;
  readonly left: number;
};

/** What of the ladder survives a restart: who was asked for what, and no times. */
export interface SavedLadder {
  readonly version: 1;
  readonly sheds: readonly StandingShed[];
  readonly orders: readonly SavedOrder[];
  readonly resumes: readonly SavedResume[];
}

export function savedLadder(ladder: Ladder): SavedLadder {
  return {
    version: 1,
    sheds: [...ladder.sheds.values()],
    orders: [...ladder.orders.values()].map(
      ({ id, zone, workload, sight, action, targetW, savesW, wasSaid }) => ({
        ...{ id, zone, workload, sight, action, targetW, savesW, wasSaid },
      }),
    ),
    resumes: [...ladder.resumes.values()].map(({ id, zone, workload, sight, cause, left }) => ({
      ...{ id, zone, workload, sight, cause, left },
    })),
  };
}

/** Goes on from what was saved: everything is said again, with times of its own. */
export function restoreLadder(run: string, saved: SavedLadder, now: MonotonicMs): Ladder {
  const ladder = createLadder(run);
  for (const shed of saved.sheds.slice(0, SHEDS_MAX)) ladder.sheds.set(shed.zone, shed);
  for (const order of saved.orders.slice(0, ORDERS_MAX + SHEDS_MAX)) {
    if (!ladder.sheds.has(order.zone)) continue;
    ladder.orders.set(`${order.zone} ${order.workload}`, {
      ...order,
      progress: "waiting",
      madeAt: now,
      saidAt: undefined,
      deadlineAt: undefined,
      repeats: 0,
    });
  }
  for (const resume of saved.resumes.slice(0, ORDERS_MAX + SHEDS_MAX))
    ladder.resumes.set(groupOf(resume), { ...resume, since: now, saidAt: undefined });
  return ladder;
}

/** Anything else than a whole record is unreadable. */
export function parseSavedLadder(document: unknown): SavedLadder | "unreadable" {
  if (!isRecord(document) || document["version"] !== 1) return "unreadable";
  const { sheds, orders, resumes } = document;
  const isWhole =
    isListOf(sheds, isShed) && isListOf(orders, isOrder) && isListOf(resumes, isResume);
  return isWhole ? (document as unknown as SavedLadder) : "unreadable";
}

type Fields = Readonly<Record<string, unknown>>;

function isRecord(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}

function isListOf(value: unknown, fits: (member: Fields) => boolean): boolean {
  return Array.isArray(value) && value.every((member) => isRecord(member) && fits(member));
}

function isShed({ zone, powerW, cause, isLatched }: Fields): boolean {
  return isText(zone) && isNumber(powerW) && isText(cause) && typeof isLatched === "boolean";
}

function isOrder(order: Fields): boolean {
  const { action, targetW, savesW, wasSaid } = order;
  const isAction = action === "throttle" || action === "pause";
  const isSized = isNumber(targetW) && isNumber(savesW) && typeof wasSaid === "boolean";
  return isNamed(order) && isAction && isSized;
}

function isResume(resume: Fields): boolean {
  return isNamed(resume) && isText(resume["cause"]) && isNumber(resume["left"]);
}

function isNamed({ id, zone, workload, sight }: Fields): boolean {
  return isText(id) && isText(zone) && isText(workload) && isSight(sight);
}

function isSight(value: unknown): value is WorkloadSight {
  if (!isRecord(value) || !isRecord(value["flexibility"])) return false;
  const { workload, dialect, powerW, rampWPerS } = value;
  const { priority, throttleToW, canPause, pauseMaxMs } = value["flexibility"];
  return (
    isText(workload) &&
    (dialect === "dcpi" || dialect === "pswd") &&
    isNumber(powerW) &&
    [rampWPerS, throttleToW, pauseMaxMs].every((each) => each === undefined || isNumber(each)) &&
    PRIORITIES.some((each) => each === priority) &&
    typeof canPause === "boolean"
  );
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
