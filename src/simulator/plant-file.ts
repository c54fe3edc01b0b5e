import { parseOrder } from "./orders.ts";
import { LOAD_MODES, type LoadMode } from "./physics/plant-model.ts";
import type { PlantRatings } from "./plant-ratings.ts";
import type { SceneStep } from "./scenes.ts";

/** What a plant file says: where this plant differs from the demo site, and what happens to it. */
export interface PlantFile {
  readonly start: PlantStart;
  readonly ratings: PlantRatings;
  readonly orders: readonly SceneStep[];
}

/** Where the plant is at the beginning; what is left out belongs to the load. */
export interface PlantStart {
  readonly load?: LoadMode;
  readonly inferenceW?: number;
  readonly ambientCel?: number;
  readonly heatDemandW?: number;
}

interface Field {
  readonly name: string;
  readonly range: readonly [number, number];
  /** The name in the plant, and what one unit of the file is there. */
  readonly as: readonly [string, number];
}

const KILO = 1000;
const POWER_KW = [0, 1e6] as const;
const ENERGY_KWH = [0.001, 1e7] as const;

/** Keys of a plant file: section, then name, its range there, and where it goes. */
const START: readonly Field[] = [
  { name: "inferenceKw", range: POWER_KW, as: ["inferenceW", KILO] },
  { name: "ambientCel", range: [-40, 60], as: ["ambientCel", 1] },
  { name: "heatDemandKw", range: POWER_KW, as: ["heatDemandW", KILO] },
];

const RATINGS: Readonly<Record<"bess" | "ups" | "training", readonly Field[]>> = {
  bess: [
    { name: "powerKw", range: [1, 1e6], as: ["powerRatingW", KILO] },
    { name: "apparentKva", range: [1, 1e6], as: ["apparentRatingVa", KILO] },
    { name: "energyKwh", range: ENERGY_KWH, as: ["energyCapacityWh", KILO] },
    { name: "socPercent", range: [0, 100], as: ["socStart", 0.01] },
    { name: "rampKwPerS", range: [1, 1e9], as: ["rampWPerS", KILO] },
  ],
  ups: [
    { name: "powerKw", range: [1, 1e6], as: ["ratingW", KILO] },
    { name: "batteryKwh", range: ENERGY_KWH, as: ["batteryWh", KILO] },
    { name: "rechargeKw", range: POWER_KW, as: ["rechargeW", KILO] },
    { name: "controlsKw", range: POWER_KW, as: ["controlsW", KILO] },
  ],
  training: [
    { name: "idleKw", range: POWER_KW, as: ["idleW", KILO] },
    { name: "lowKw", range: POWER_KW, as: ["lowW", KILO] },
    { name: "meanKw", range: POWER_KW, as: ["meanW", KILO] },
    { name: "highKw", range: POWER_KW, as: ["highW", KILO] },
    { name: "checkpointKw", range: POWER_KW, as: ["checkpointW", KILO] },
    { name: "checkpointS", range: [0.01, 3600], as: ["checkpointS", 1] },
    { name: "checkpointEveryS", range: [1, 86_400], as: ["checkpointEveryS", 1] },
    { name: "edgeMs", range: [1, 10_000], as: ["edgeS", 0.001] },
    { name: "iterationHz", range: [0.01, 10], as: ["iterationHz", 1] },
    { name: "jitterPercent", range: [0, 20], as: ["jitter", 0.01] },
  ],
};

type Section = Readonly<Record<string, unknown>>;

/** Reads what a plant file holds, or says what is wrong with it: one sentence per mistake. */
export function parsePlantFile(
  content: unknown,
): PlantFile | { readonly problems: readonly string[] } {
  const problems: string[] = [];
  const file = section(content ?? {}, "a plant file", problems);
  unknownKeys(file, "the file", ["start", "ratings", "orders"], problems);
  const start = parseStart(file["start"] ?? {}, problems);
  const ratings = parseRatings(file["ratings"] ?? {}, problems);
  const orders = parseOrders(file["orders"] ?? [], problems);
  return problems.length > 0 ? { problems } : { start, ratings, orders };
}

function parseStart(value: unknown, problems: string[]): PlantStart {
  const start = section(value, "start", problems);
  const { load, ...numbers } = start;
  const known = LOAD_MODES.find((mode) => mode === load);
  if (load !== undefined && known === undefined) {
    problems.push(`start.load is one of ${LOAD_MODES.join(", ")}`);
  }
  const fields = parseFields(numbers, "start", START, problems);
  return { ...fields, ...(known === undefined ? {} : { load: known }) };
}

function parseRatings(value: unknown, problems: string[]): PlantRatings {
  const ratings = section(value, "ratings", problems);
  unknownKeys(ratings, "ratings", [...Object.keys(RATINGS), "heatKw"], problems);
  const part = (name: keyof typeof RATINGS): Readonly<Record<string, number>> => {
    const at = `ratings.${name}`;
    return parseFields(section(ratings[name] ?? {}, at, problems), at, RATINGS[name], problems);
  };
  const { heatKw } = ratings;
  const heat = parseFields(heatKw === undefined ? {} : { heatKw }, "ratings", HEAT, problems);
  return { bess: part("bess"), ups: part("ups"), load: part("training"), ...heat };
}

const HEAT: readonly Field[] = [{ name: "heatKw", range: POWER_KW, as: ["heatRatingW", KILO] }];

function parseFields(
  values: Section,
  at: string,
  fields: readonly Field[],
  problems: string[],
): Record<string, number> {
  unknownKeys(
    values,
    at,
    fields.map(({ name }) => name),
    problems,
  );
  const parsed: Record<string, number> = {};
  for (const { name, range, as } of fields) {
    const value = values[name];
    if (value === undefined) continue;
    const [least, most] = range;
    if (typeof value === "number" && value >= least && value <= most) {
      parsed[as[0]] = value * as[1];
    } else problems.push(`${at}.${name} is a number, ${least} to ${most}`);
  }
  return parsed;
}

function parseOrders(value: unknown, problems: string[]): SceneStep[] {
  if (!Array.isArray(value)) {
    problems.push("orders is a list");
    return [];
  }
  return value.flatMap((item: unknown, index): SceneStep[] => {
    const at = `orders[${index}]`;
    const { atS, order, ...rest } = section(item, at, problems);
    unknownKeys(rest, at, [], problems);
    if (typeof atS !== "number" || !(atS >= 0)) {
      problems.push(`${at}.atS is a number of seconds, 0 or more`);
      return [];
    }
    const parsed = parseOrder(order);
    if (!("problem" in parsed)) return [{ atS, order: parsed }];
    problems.push(`${at}.order: ${parsed.problem}`);
    return [];
  });
}

function section(value: unknown, name: string, problems: string[]): Section {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Section;
  }
  problems.push(`${name} is a map of names and values`);
  return {};
}

function unknownKeys(
  values: Section,
  at: string,
  known: readonly string[],
  problems: string[],
): void {
  for (const key of Object.keys(values)) {
    if (known.includes(key)) continue;
    const names = known.length === 0 ? "atS and order" : known.join(", ");
    problems.push(`${at} has no ${key}; it has ${names}`);
  }
}
