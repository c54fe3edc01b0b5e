import { assert } from "../../domain/assert.ts";
import type { ShedLevel, StandingShed, UnconfirmedShed } from "../../domain/shed.ts";
import type { MonotonicMs } from "../../domain/time.ts";
import { allocateShed, type Ability, type Share, SHARE_MIN_W } from "./allocation.ts";
import {
  ASK_MS,
  FAILED_REPEAT_MS,
  type Ladder,
  type LadderInputs,
  ORDER_MS,
  ORDERS_MAX,
  RAMP_MAX_MS,
  REPEAT_MS,
  REPEATS_MAX,
  type Resume,
  RESUME_SAYS,
  SETTLE_MS,
  SHEDS_MAX,
  type ShedMessage,
  SLACK_PART,
  UNSENT_MS,
} from "./ladder-state.ts";
import {
  ALL,
  groupOf,
  includes,
  isConfirmedBy,
  type ShedOrder,
  type WorkloadSight,
  type WorkloadWord,
} from "./orders.ts";
import { unconfirmedWords } from "./unconfirmed.ts";

/**
 * One look at everything: what stands, who has answered, whose time is over, what still has to go.
 *
 * @returns what has to be said now; whoever says it tells `noteSaid` when it was taken
 */
export function stepLadder(ladder: Ladder, inputs: LadderInputs): readonly ShedMessage[] {
  const { now, level } = inputs;
  if (level !== undefined) takeLevel(ladder, level, now);
  for (const order of ladder.orders.values()) judge(ladder, order, inputs);
  for (const shed of ladder.sheds.values()) serve(ladder, shed, inputs);
  for (const [group, resume] of ladder.resumes)
    if (resume.left === 0 || isRunning(inputs.wordOf(resume.workload), resume))
      removeResume(ladder, group);
  return dueMessages(ladder, now);
}

/** The message was taken by whoever carries it: its deadline runs. */
export function noteSaid(ladder: Ladder, message: ShedMessage, now: MonotonicMs): void {
  if (message.kind === "resume") {
    message.resume.saidAt = now;
    message.resume.left -= 1;
    ladder.counters.resumes += 1;
    ladder.revision += 1;
    return;
  }
  const { order } = message;
  const group = groupOf(order);
  for (const each of ladder.orders.values()) {
    if (groupOf(each) !== group || !includes(order, each)) continue;
    if (each.saidAt !== undefined) each.repeats += 1;
    if (!each.wasSaid) ladder.revision += 1;
    each.saidAt = now;
    each.wasSaid = true;
    if (each.progress !== "waiting") continue;
    each.progress = "asked";
    each.deadlineAt = deadlineOf(each, now);
  }
  if (order.repeats > 0) ladder.counters.repeats += 1;
  if (order.repeats === REPEATS_MAX) ladder.counters.givenUp += 1;
}

/** Requests of which too little is confirmed, and somebody's time to do so is over. */
export function unconfirmedSheds(ladder: Ladder, now: MonotonicMs): readonly UnconfirmedShed[] {
  return [...ladder.sheds.values()].flatMap((shed) => {
    const orders = ordersOf(ladder, shed.zone);
    const isLate = (order: ShedOrder): boolean =>
      order.progress === "waiting" && now - order.madeAt >= UNSENT_MS;
    const open = orders.filter((order) => order.progress === "failed" || isLate(order));
    let confirmedW = 0;
    for (const { progress, savesW } of orders) if (progress === "confirmed") confirmedW += savesW;
    const isDone = confirmedW >= shed.powerW * (1 - SLACK_PART);
    if (open.length === 0 || isDone) return [];
    return [{ zone: shed.zone, text: unconfirmedWords(shed, orders, { open, confirmedW }) }];
  });
}

function takeLevel(ladder: Ladder, { upMs, sheds }: ShedLevel, now: MonotonicMs): void {
  const asked = new Set(sheds.map(({ zone }) => zone));
  for (const shed of sheds) {
    const before = ladder.sheds.get(shed.zone);
    if (before === undefined && ladder.sheds.size >= SHEDS_MAX) {
      ladder.counters.beyondLimit += 1;
      continue;
    }
    ladder.sheds.set(shed.zone, shed);
    if (before?.powerW !== shed.powerW || before.isLatched !== shed.isLatched) ladder.revision += 1;
  }
  if (upMs < SETTLE_MS) return;
  for (const shed of [...ladder.sheds.values()]) if (!asked.has(shed.zone)) end(ladder, shed, now);
}

/** Load may come back, to those who were asked and to nobody else. */
function end(ladder: Ladder, shed: StandingShed, now: MonotonicMs): void {
  ladder.sheds.delete(shed.zone);
  ladder.revision += 1;
  for (const order of ordersOf(ladder, shed.zone)) takeBack(ladder, order, { shed, now });
}

function takeBack(
  ladder: Ladder,
  order: ShedOrder,
  { shed, now }: { readonly shed: StandingShed; readonly now: MonotonicMs },
): void {
  ladder.orders.delete(keyOf(order));
  ladder.revision += 1;
  const group = groupOf(order);
  const next = strongestOrders(ladder).get(group);
  if (next !== undefined) {
    if (includes(next, order)) return;
    // What another zone asks of it is less: it is told so.
    next.id = nextId(ladder, next.zone);
    next.saidAt = undefined;
    return;
  }
  if (!order.wasSaid) return;
  ladder.resumes.set(group, {
    id: nextId(ladder, shed.zone),
    zone: shed.zone,
    cause: shed.cause,
    workload: order.workload,
    sight: order.sight,
    since: now,
    saidAt: undefined,
    left: RESUME_SAYS,
  });
}

function judge(ladder: Ladder, order: ShedOrder, { now, wordOf }: LadderInputs): void {
  const { counters } = ladder;
  const isDone = order.workload === ALL ? undefined : isConfirmedBy(order, wordOf(order.workload));
  if (isDone === true && order.progress !== "confirmed") {
    order.progress = "confirmed";
    counters.confirmed += 1;
  }
  if (isDone === false && order.progress === "confirmed") {
    demand(ladder, order, now);
    counters.broken += 1;
  }
  if (order.progress !== "asked" || now < (order.deadlineAt ?? Infinity)) return;
  if (order.action === "throttle" && order.sight.flexibility.canPause) {
    order.action = "pause";
    order.savesW += order.targetW;
    order.targetW = 0;
    demand(ladder, order, now);
    counters.escalated += 1;
    return;
  }
  order.progress = "failed";
  counters.unconfirmed += 1;
}

/** What still has to go is asked of workloads, and of all what they cannot give. */
function serve(ladder: Ladder, shed: StandingShed, inputs: LadderInputs): void {
  const { now } = inputs;
  const missingW = shed.powerW - promisedW(ladder, shed.zone);
  const isEnough = missingW <= Math.max(SHARE_MIN_W, SLACK_PART * shed.powerW);
  let restW = 0;
  if (!isEnough) {
    const sights = new Map<string, WorkloadSight>();
    const abilities = abilitiesOf(ladder, shed.zone, { inputs, sights });
    const { shares, restW: beyondW } = allocateShed(missingW, abilities);
    restW = beyondW;
    for (const share of shares) {
      const sight = sights.get(share.workload);
      assert(sight !== undefined, "a share is of a workload that was offered");
      if (!give(ladder, shed, { share, sight, now })) restW += share.savesW;
    }
  }
  askAll(ladder, shed, { restW, now });
}

function promisedW(ladder: Ladder, zone: string): number {
  let sum = 0;
  for (const { workload, progress, savesW } of ordersOf(ladder, zone))
    if (workload !== ALL && progress !== "failed") sum += savesW;
  return sum;
}

/** What each workload can still give to a zone; who did not answer gives nothing. */
function abilitiesOf(
  ladder: Ladder,
  zone: string,
  to: { readonly inputs: LadderInputs; readonly sights: Map<string, WorkloadSight> },
): readonly Ability[] {
  const { inputs, sights } = to;
  const abilities: Ability[] = [];
  const offer = (sight: WorkloadSight, powerW: number): void => {
    const { workload, flexibility } = sight;
    const { priority, throttleToW, canPause } = flexibility;
    sights.set(workload, sight);
    abilities.push({ workload, priority, powerW, throttleToW, canPause });
  };
  const asked = new Set<string>();
  for (const { workload, progress, action, sight, targetW } of ordersOf(ladder, zone)) {
    if (workload === ALL) continue;
    asked.add(workload);
    if (progress !== "failed" && action === "throttle") offer(sight, targetW);
  }
  const strongest = strongestOrders(ladder);
  for (const sight of inputs.workloadsOf(zone)) {
    if (asked.has(sight.workload)) continue;
    const elsewhere = strongest.get(sight.workload);
    if (elsewhere?.progress === "failed") continue;
    offer(sight, Math.min(sight.powerW, elsewhere?.targetW ?? Infinity));
  }
  return abilities;
}

/** @returns whether there was room for the order */
function give(
  ladder: Ladder,
  { zone }: StandingShed,
  { share, sight, now }: { readonly share: Share; sight: WorkloadSight; now: MonotonicMs },
): boolean {
  const { workload, action, targetW, savesW } = share;
  const before = ladder.orders.get(keyOf({ zone, workload }));
  if (before !== undefined) {
    before.action = action;
    before.targetW = targetW;
    before.savesW += savesW;
    demand(ladder, before, now);
    return true;
  }
  if (ladder.orders.size >= ORDERS_MAX) {
    ladder.counters.beyondLimit += 1;
    return false;
  }
  add(ladder, { zone, workload, sight, action, targetW, savesW }, now);
  return true;
}

function askAll(
  ladder: Ladder,
  shed: StandingShed,
  { restW, now }: { readonly restW: number; readonly now: MonotonicMs },
): void {
  const { zone } = shed;
  const before = ladder.orders.get(keyOf({ zone, workload: ALL }));
  if (restW < SHARE_MIN_W) {
    if (before !== undefined) takeBack(ladder, before, { shed, now });
    return;
  }
  if (before === undefined) {
    const sight = nobody(restW);
    const targetW = 0;
    add(ladder, { zone, workload: ALL, sight, action: "throttle", targetW, savesW: restW }, now);
    return;
  }
  const grows = restW > before.savesW * (1 + SLACK_PART);
  before.savesW = restW;
  if (grows) demand(ladder, before, now);
}

function nobody(powerW: number): WorkloadSight {
  const flexibility = {
    priority: "normal",
    throttleToW: undefined,
    canPause: false,
    pauseMaxMs: undefined,
  } as const;
  return { workload: ALL, dialect: "dcpi", flexibility, rampWPerS: undefined, powerW };
}

type Demand = Pick<ShedOrder, "zone" | "workload" | "sight" | "action" | "targetW" | "savesW">;

function add(ladder: Ladder, asked: Demand, now: MonotonicMs): void {
  const order: ShedOrder = {
    ...asked,
    id: "",
    progress: "waiting",
    madeAt: now,
    saidAt: undefined,
    deadlineAt: undefined,
    repeats: 0,
    wasSaid: ladder.resumes.delete(groupOf(asked)),
  };
  ladder.orders.set(keyOf(order), order);
  demand(ladder, order, now);
}

/** It is another demand from now on: with a name and a time of its own. */
function demand(ladder: Ladder, order: ShedOrder, now: MonotonicMs): void {
  order.id = nextId(ladder, order.zone);
  order.progress = "waiting";
  order.madeAt = now;
  order.saidAt = undefined;
  order.deadlineAt = undefined;
  order.repeats = 0;
  ladder.counters.orders += 1;
  ladder.revision += 1;
}

function dueMessages(ladder: Ladder, now: MonotonicMs): readonly ShedMessage[] {
  const messages: ShedMessage[] = [];
  for (const resume of ladder.resumes.values())
    if (resume.saidAt === undefined || now - resume.saidAt >= REPEAT_MS)
      messages.push({ kind: "resume", resume });
  for (const order of strongestOrders(ladder).values()) {
    if (!isDue(order, now)) continue;
    const shed = ladder.sheds.get(order.zone);
    assert(shed !== undefined, "an order is there for a shed that stands");
    if (order.progress === "failed") order.deadlineAt = (now + FAILED_REPEAT_MS) as MonotonicMs;
    messages.push({ kind: "order", order, shed });
  }
  return messages;
}

function isDue({ progress, saidAt, repeats }: ShedOrder, now: MonotonicMs): boolean {
  if (saidAt === undefined) return true;
  if (progress === "confirmed" || repeats >= REPEATS_MAX) return false;
  return now - saidAt >= (progress === "failed" ? FAILED_REPEAT_MS : REPEAT_MS);
}

/** Time for the order and for the workload's own ramp. */
export function deadlineOf({ action, sight, savesW }: ShedOrder, now: MonotonicMs): MonotonicMs {
  const isAsked = action === "throttle" && sight.workload !== ALL;
  const { rampWPerS } = sight;
  const rampMs = rampWPerS === undefined ? 0 : Math.min(RAMP_MAX_MS, (1_000 * savesW) / rampWPerS);
  return (now + (isAsked ? ASK_MS : ORDER_MS) + rampMs) as MonotonicMs;
}

/** Of each group the one that asks for most: it is the one that is said. */
function strongestOrders({ orders }: Ladder): ReadonlyMap<string, ShedOrder> {
  const strongest = new Map<string, ShedOrder>();
  for (const order of orders.values()) {
    const group = groupOf(order);
    const before = strongest.get(group);
    if (before === undefined || !includes(before, order)) strongest.set(group, order);
  }
  return strongest;
}

function ordersOf({ orders }: Ladder, zone: string): readonly ShedOrder[] {
  return [...orders.values()].filter((order) => order.zone === zone);
}

function isRunning(word: WorkloadWord | undefined, { since }: Resume): boolean {
  return word !== undefined && word.at >= since && word.state === "running";
}

function removeResume(ladder: Ladder, group: string): void {
  ladder.resumes.delete(group);
  ladder.revision += 1;
}

function nextId(ladder: Ladder, zone: string): string {
  ladder.serial += 1;
  return `shed-${zone}-${ladder.run}-${ladder.serial}`;
}

function keyOf({ zone, workload }: Pick<ShedOrder, "zone" | "workload">): string {
  return `${zone} ${workload}`;
}
