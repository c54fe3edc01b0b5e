import type { Level } from "./exchange.ts";

/**
 * The powers that are still allowed, W, and who set each end. Levels narrow it from the strongest
 * down; none can widen what the one above left. Never empty.
 */
export interface PowerBox {
  lowW: number;
  highW: number;
  lowBy: Level;
  highBy: Level;
  /** What every level asked since the box was started, for whoever asks why. */
  readonly trail: Trail;
}

/** What was asked of a box, in its order: columns of which the first `count` places are in use. */
export interface Trail {
  count: number;
  readonly by: Level[];
  /** Places in `ASK_KINDS`. */
  readonly kinds: Uint8Array;
  /** The lowest and the highest power that is asked for, W; infinite where that end is not. */
  readonly lowsW: Float64Array;
  readonly highsW: Float64Array;
}

/** `name-low` and `name-high`: the end stays where it is, and a level is named as its reason. */
export const ASK_KINDS = ["open", "floor", "ceiling", "name-low", "name-high"] as const;
const [OPEN, FLOOR, CEILING, NAME_LOW, NAME_HIGH] = [0, 1, 2, 3, 4] as const;

/** More than all levels together ask of one box in a cycle; one more is not kept. */
export const TRAIL_MAX = 24;

export function openBox(): PowerBox {
  return {
    lowW: -Infinity,
    highW: Infinity,
    lowBy: "device-limits",
    highBy: "device-limits",
    trail: {
      count: 0,
      by: new Array<Level>(TRAIL_MAX).fill("device-limits"),
      kinds: new Uint8Array(TRAIL_MAX),
      lowsW: new Float64Array(TRAIL_MAX),
      highsW: new Float64Array(TRAIL_MAX),
    },
  };
}

/** Starts a box again with the first level's limits. */
export function resetBox(box: PowerBox, lowW: number, highW: number, by: Level): void {
  box.trail.count = 0;
  note(box.trail, OPEN, by, { lowW, highW });
  box.lowW = lowW;
  box.highW = Math.max(lowW, highW);
  box.lowBy = by;
  box.highBy = by;
}

/** Asks for at least `floorW`; a stronger level's ceiling stays. */
export function raiseFloor(box: PowerBox, floorW: number, by: Level): void {
  if (floorW > -Infinity) note(box.trail, FLOOR, by, { lowW: floorW, highW: Infinity });
  if (!(floorW > box.lowW)) return;
  box.lowW = Math.min(floorW, box.highW);
  box.lowBy = by;
}

/** Asks for at most `ceilingW`; a stronger level's floor stays. */
export function lowerCeiling(box: PowerBox, ceilingW: number, by: Level): void {
  if (ceilingW < Infinity) note(box.trail, CEILING, by, { lowW: -Infinity, highW: ceilingW });
  if (!(ceilingW < box.highW)) return;
  box.highW = Math.max(ceilingW, box.lowW);
  box.highBy = by;
}

/** Names who set the lower end: for a limit that stands for another one. */
export function nameLow(box: PowerBox, by: Level): void {
  note(box.trail, NAME_LOW, by, box);
  box.lowBy = by;
}

/** As `nameLow`, for the upper end. */
export function nameHigh(box: PowerBox, by: Level): void {
  note(box.trail, NAME_HIGH, by, box);
  box.highBy = by;
}

/** Asks for exactly `powerW`, or what of it the stronger levels leave. */
export function pin(box: PowerBox, powerW: number, by: Level): void {
  raiseFloor(box, powerW, by);
  lowerCeiling(box, powerW, by);
}

/** The power in the box that is nearest to the wanted one. */
export function nearest(box: PowerBox, wantedW: number): number {
  return Math.min(Math.max(wantedW, box.lowW), box.highW);
}

/** Who decided that `wantedW` became `nearest(box, wantedW)`. */
export function bindingLevel(box: PowerBox, wantedW: number): Level {
  if (wantedW < box.lowW) return box.lowBy;
  if (wantedW > box.highW) return box.highBy;
  return "schedule";
}

/** Moves `from` towards `to` by at most `step`, which is not negative. */
export function towards(from: number, to: number, step: number): number {
  return from + Math.min(Math.max(to - from, -step), step);
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

function note(
  trail: Trail,
  kind: number,
  by: Level,
  asked: { readonly lowW: number; readonly highW: number },
): void {
  const at = trail.count;
  if (at >= TRAIL_MAX) return;
  trail.by[at] = by;
  trail.kinds[at] = kind;
  trail.lowsW[at] = asked.lowW;
  trail.highsW[at] = asked.highW;
  trail.count = at + 1;
}
