import type { PointReading } from "./plant-line.ts";

type Value = number | null;

/** Why a value is not good, in words with its age. */
export interface Note {
  /** `no-communication 3 s`. */
  readonly text: string;
  readonly isBad: boolean;
}

/** What only the larger picture shows, and why a value of any picture is not good. */
export interface SiteDetail {
  readonly bess: readonly {
    readonly id: string;
    readonly temperatureCel: Value;
    readonly heartbeat: Value;
  }[];
  readonly cdu: readonly {
    readonly id: string;
    /** Flow of each pump, L/min; null: not known. */
    readonly pumpFlows: readonly Value[];
  }[];
  readonly fanPercent: Value;
  readonly ambientCel: Value;
  readonly heatFlowLPerMin: Value;
  readonly heatEnergyWh: Value;
  readonly roomCel: Value;
  readonly roomHumidity: Value;
  readonly dewPointCel: Value;
  /** By point id; only points that `NOTED` names, and only while they are not good. */
  readonly notes: Readonly<Record<string, Note>>;
}

/** The points that stand for a line of the picture: what is wrong with them is said there. */
export const NOTED: readonly string[] = [
  "pcc-meter/active-power",
  "m-train/active-power",
  "m-ups/active-power",
  "m-mech/active-power",
  ...each("bess", 2).map((id) => `${id}/active-power`),
  ...each("ups", 3).map((id) => `${id}/active-power`),
  ...each("cdu", 8).map((id) => `${id}/secondary.supply-temperature`),
  ...each("chiller", 4).map((id) => `${id}/secondary.supply-temperature`),
  "heat-meter-1/heat-rate",
  "env-1/air-temperature",
];

/**
 * @param utcMs now: the age of a value that is not good counts from when it was last good
 */
export function siteDetail(points: ReadonlyMap<string, PointReading>, utcMs: number): SiteDetail {
  const number = (id: string): Value => {
    const value = points.get(id)?.value;
    return typeof value === "number" ? value : null;
  };
  const notes: Record<string, Note> = {};
  for (const id of NOTED) {
    const note = noteOf(points.get(id), utcMs);
    if (note !== undefined) notes[id] = note;
  }
  const rooms = each("env", 6);
  return {
    bess: each("bess", 2).map((id) => ({
      id,
      temperatureCel: number(`${id}/cabinet-temperature`),
      heartbeat: number(`${id}/heartbeat`),
    })),
    cdu: each("cdu", 8).map((id) => ({
      id,
      pumpFlows: [1, 2, 3, 4].map((pump) => number(`${id}/x-flow.${pump}`)),
    })),
    fanPercent: meanOfKnown(each("chiller", 4).map((id) => number(`${id}/fan-speed`))),
    ambientCel: meanOfKnown(each("chiller", 4).map((id) => number(`${id}/x-ambient-temperature`))),
    heatFlowLPerMin: number("heat-meter-1/flow"),
    heatEnergyWh: number("heat-meter-1/heat-energy"),
    roomCel: meanOfKnown(rooms.map((id) => number(`${id}/air-temperature`))),
    roomHumidity: meanOfKnown(rooms.map((id) => number(`${id}/relative-humidity`))),
    dewPointCel: meanOfKnown(rooms.map((id) => number(`${id}/dew-point`))),
    notes,
  };
}

/** Undefined: the value is good. A point that nobody knows is bad as well. */
export function noteOf(reading: PointReading | undefined, utcMs: number): Note | undefined {
  if (reading === undefined) return { text: "no such point", isBad: true };
  const { quality, sourceTime } = reading;
  if (quality === "good") return undefined;
  const reason = quality.slice(quality.indexOf("/") + 1);
  const age = sourceTime === null ? "" : ` ${ageText(utcMs - sourceTime)}`;
  return { text: `${reason}${age}`, isBad: !quality.startsWith("uncertain") };
}

/** Whole seconds: an age that somebody reads at a glance. */
export function ageText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  return seconds < 100 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

function each(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${name}-${index + 1}`);
}

function meanOfKnown(values: readonly Value[]): Value {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}
