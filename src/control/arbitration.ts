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
}

export function openBox(): PowerBox {
  return { lowW: -Infinity, highW: Infinity, lowBy: "device-limits", highBy: "device-limits" };
}

/** Starts a box again with the first level's limits. */
export function resetBox(box: PowerBox, lowW: number, highW: number, by: Level): void {
  box.lowW = lowW;
  box.highW = Math.max(lowW, highW);
  box.lowBy = by;
  box.highBy = by;
}

/** Asks for at least `floorW`; a stronger level's ceiling stays. */
export function raiseFloor(box: PowerBox, floorW: number, by: Level): void {
  if (!(floorW > box.lowW)) return;
  box.lowW = Math.min(floorW, box.highW);
  box.lowBy = by;
}

/** Asks for at most `ceilingW`; a stronger level's floor stays. */
export function lowerCeiling(box: PowerBox, ceilingW: number, by: Level): void {
  if (!(ceilingW < box.highW)) return;
  box.highW = Math.max(ceilingW, box.lowW);
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
