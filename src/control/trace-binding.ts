import type { Level } from "./exchange.ts";
import { itemAt } from "./item-at.ts";
import type { BatteryUnitPlan } from "./plan.ts";
import type { BoxTrace, CycleTrace } from "./trace.ts";

/** Whose word a power is: a level's, or the envelope's, which comes behind all of them. */
export type Binding = Level | "envelope";

/** What became of a wanted power in a box, and by whom. */
export interface BoxVerdict {
  readonly powerW: number;
  /** Who has the last word; undefined: nobody objects. */
  readonly by: Level | undefined;
  /** A weaker level that asks for more than is left, and how much it asks, W. */
  readonly cut: { readonly by: Level; readonly askedW: number } | undefined;
}

interface End {
  readonly powerW: number;
  readonly by: Level;
  /** What was asked, where a stronger level left less. */
  readonly askedW: number;
}

/** Reads the asks of a box in their order, from the strongest level down. */
export function judgeBox(box: BoxTrace, wantedW: number): BoxVerdict {
  const { low, high } = endsOf(box);
  if (wantedW < low.powerW) return verdictAt(low, high);
  if (wantedW > high.powerW) return verdictAt(high, low);
  return { powerW: wantedW, by: undefined, cut: undefined };
}

/** An end that a stronger level has cut is that level's. */
function verdictAt(end: End, other: End): BoxVerdict {
  const { powerW, by, askedW } = end;
  return askedW === powerW
    ? { powerW, by, cut: undefined }
    : { powerW, by: other.by, cut: { by, askedW } };
}

function endsOf(box: BoxTrace): { readonly low: End; readonly high: End } {
  let low: End = { powerW: -Infinity, by: box.lowBy, askedW: -Infinity };
  let high: End = { powerW: Infinity, by: box.highBy, askedW: Infinity };
  for (const { kind, by, lowW, highW } of box.asks) {
    switch (kind) {
      case "open": {
        const topW = Math.max(lowW, highW);
        low = { powerW: lowW, by, askedW: lowW };
        high = { powerW: topW, by, askedW: topW };
        break;
      }
      case "floor":
        if (lowW > low.powerW) low = { powerW: Math.min(lowW, high.powerW), by, askedW: lowW };
        break;
      case "ceiling":
        if (highW < high.powerW) high = { powerW: Math.max(highW, low.powerW), by, askedW: highW };
        break;
      case "name-low":
        low = { ...low, by };
        break;
      case "name-high":
        high = { ...high, by };
        break;
    }
  }
  return { low, high };
}

/** Nearer than this a unit is at its limit, W. */
const AT_LIMIT_W = 1;

/** Whose word the total of a cycle is. */
export function totalBinding({ total }: CycleTrace): Level {
  const { by, cut } = judgeBox(total.box, total.partsW);
  // A cap that gets less than it needs is short of what the stronger level leaves.
  if (cut !== undefined || by === undefined) return by ?? total.binding;
  return total.binding;
}

/** Whose word the setpoint of a unit is. */
export function unitBindingOf(trace: CycleTrace, place: number, plan: BatteryUnitPlan): Binding {
  const { mode, box, shareW, setpointW, sentAt } = itemAt(trace.units, place);
  const isSent = sentAt === trace.now;
  if (mode !== "ready") return box.highBy;
  if (isSent && setpointW !== roundedW(shareW, plan)) return "envelope";
  return ownLimit(trace, place) ?? totalOrInstruction(trace, place);
}

/** What a share becomes in whole steps of the unit, W. */
export function roundedW(shareW: number, { stepW }: BatteryUnitPlan): number {
  return Math.trunc(shareW / stepW) * stepW;
}

/** The unit's own limit, where it is at it and more is asked of the others or of all. */
function ownLimit(trace: CycleTrace, place: number): Level | undefined {
  const { shareW, box } = itemAt(trace.units, place);
  const sign = Math.sign(shareW);
  if (sign === 0) return undefined;
  const { powerW, by } = judgeBox(box, sign * Infinity);
  if (by === undefined || Math.abs(powerW - shareW) > AT_LIMIT_W) return undefined;
  const beyondW = Math.max(...trace.units.map((unit) => sign * unit.shareW));
  const isHeldBack = totalBinding(trace) === by || beyondW - sign * shareW > AT_LIMIT_W;
  return isHeldBack ? by : undefined;
}

/** A unit that an instruction fixes has it from there, whatever decides the total. */
function totalOrInstruction(trace: CycleTrace, place: number): Level {
  return itemAt(trace.units, place).binding === "grid-instruction"
    ? "grid-instruction"
    : totalBinding(trace);
}
