import { isBad } from "../domain/quality.ts";
import type { ImageView } from "../points/image.ts";
import { byteAt, numberAt } from "../points/number-at.ts";
import type { TripSnapshot, UnitSnapshot } from "./exchange.ts";
import type { GridState } from "./grid-trust.ts";
import { itemAt } from "./item-at.ts";
import { megawatts } from "./notices.ts";
import type { ControlPlan } from "./plan.ts";
import type { UnitState } from "./units.ts";
import { lastSetpoint, type WriteState } from "./writes.ts";

/** Units of one snapshot: a record of latches stays small whatever the site. */
export const SNAPSHOT_UNITS_MAX = 8;

export interface SnapshotSight {
  readonly plan: ControlPlan;
  readonly view: ImageView;
  readonly grid: GridState;
  readonly totalW: number;
  readonly units: readonly UnitState[];
  readonly writes: readonly WriteState[];
}

/** The plant as the cycle of a trip finds it: readings of now, decisions of the cycle before. */
export function takeSnapshot(places: readonly number[], sight: SnapshotSight): TripSnapshot {
  const { plan, view, grid, totalW } = sight;
  const isKnown = grid.source !== "none";
  const voltage = plan.rideThrough?.voltage?.input ?? plan.reactive?.voltage;
  return {
    source: grid.source,
    totalW,
    ...(isKnown ? { gridW: grid.gridW, loadW: grid.loadW } : {}),
    ...named("frequencyHz", shown(view, plan.frequency?.point.point)),
    ...named("voltageV", shown(view, voltage?.point)),
    units: places.slice(0, SNAPSHOT_UNITS_MAX).map((place) => unitSnapshot(place, sight)),
  };
}

function unitSnapshot(place: number, { plan, view, units, writes }: SnapshotSight): UnitSnapshot {
  const { asset, points } = itemAt(plan.units, place);
  const sentW = lastSetpoint(itemAt(writes, place));
  return {
    asset,
    mode: itemAt(units, place).mode,
    ...named("powerW", shown(view, points.power)),
    ...named("setpointW", Number.isNaN(sentW) ? undefined : sentW),
    ...named("socPercent", shown(view, points.soc.point)),
    ...named("state", shown(view, points.faults[0]?.point)),
  };
}

function shown(view: ImageView, point: number | undefined): number | undefined {
  if (point === undefined || isBad(byteAt(view.quality, point))) return undefined;
  return numberAt(view.values, point);
}

function named<Name extends string>(
  name: Name,
  value: number | undefined,
): Partial<Record<Name, number>> {
  return value === undefined ? {} : ({ [name]: value } as Partial<Record<Name, number>>);
}

/** For people, in half a line. */
export function snapshotWords({ gridW, totalW, units }: TripSnapshot): string {
  const gridWords = gridW === undefined ? "grid power unknown" : `grid ${megawatts(gridW)}`;
  const [first] = units;
  if (first === undefined) return `batteries ${megawatts(totalW)}, ${gridWords}`;
  const powerWords = first.powerW === undefined ? "power unknown" : megawatts(first.powerW);
  const charge = first.socPercent === undefined ? "" : `, ${first.socPercent.toFixed(1)} %`;
  const rest = units.length > 1 ? `, all batteries ${megawatts(totalW)}` : "";
  return `${first.asset} was at ${powerWords}${charge}${rest}, ${gridWords}`;
}

/** What was saved of one; undefined for anything else than a whole one. */
export function parseSnapshot(document: unknown): TripSnapshot | undefined {
  if (typeof document !== "object" || document === null) return undefined;
  const { source, totalW, units, ...rest } = document as Readonly<Record<string, unknown>>;
  const isWhole =
    typeof source === "string" &&
    typeof totalW === "number" &&
    Object.values(rest).every((value) => typeof value === "number") &&
    Array.isArray(units) &&
    units.every(isUnitSnapshot);
  return isWhole ? (document as TripSnapshot) : undefined;
}

function isUnitSnapshot(document: unknown): document is UnitSnapshot {
  if (typeof document !== "object" || document === null) return false;
  const { asset, mode, ...rest } = document as Readonly<Record<string, unknown>>;
  const isNamed = typeof asset === "string" && typeof mode === "string";
  return isNamed && Object.values(rest).every((value) => typeof value === "number");
}
