import document from "./canonical-points.json" with { type: "json" };

/** How a unit that a device may use becomes the canonical one: value · factor + offset. */
export interface UnitConversion {
  readonly factor: number;
  readonly offset: number;
}

export interface CanonicalUnit {
  readonly id: string;
  readonly quantity: string;
  /** End of the telemetry field's name: `_w`. */
  readonly fieldSuffix: string;
  readonly accepts: ReadonlyMap<string, UnitConversion>;
}

export type Requirement = "required" | "recommended" | "optional";

export interface CanonicalPoint {
  readonly id: string;
  readonly title: string;
  readonly unit: string | undefined;
  readonly type: "float" | "int" | "bool" | "enum";
  readonly access: "r" | "rw" | "w";
  readonly enumName: string | undefined;
  readonly range: readonly [number, number] | undefined;
  readonly classes: ReadonlyMap<string, Requirement>;
  readonly telemetryField: string;
  /** True when the value has a direction that a profile has to prove by a test vector. */
  readonly signed: boolean;
  /** True when the gateway makes it: a profile never binds it. */
  readonly madeByGateway: boolean;
}

interface DocumentPoint {
  readonly id: string;
  readonly title: string;
  readonly unit: string | null;
  readonly type: string;
  readonly access: string;
  readonly enum?: string;
  readonly range?: readonly (number | null)[];
  readonly sign?: string;
  readonly madeBy?: unknown;
  readonly classes: Readonly<Record<string, string>>;
  readonly telemetryField: string;
}

interface DocumentUnit {
  readonly id: string;
  readonly quantity: string;
  readonly fieldSuffix: string;
  readonly accepts: Readonly<Record<string, { factor?: number; offset?: number }>>;
}

const POINTS = document.points as unknown as readonly DocumentPoint[];
const UNITS = document.units as unknown as readonly DocumentUnit[];
const ENUMS = document.enums as unknown as Readonly<Record<string, readonly string[]>>;

/** Every canonical point by id. */
export const CANONICAL_POINTS: ReadonlyMap<string, CanonicalPoint> = new Map(
  POINTS.map((point) => [point.id, canonicalPoint(point)]),
);

/** Every canonical unit by id. */
export const CANONICAL_UNITS: ReadonlyMap<string, CanonicalUnit> = new Map(
  UNITS.map((unit) => [unit.id, canonicalUnit(unit)]),
);

/** Texts of every enum by name; a value travels as the index, so the order is frozen. */
export const ENUM_TEXTS: ReadonlyMap<string, readonly string[]> = new Map(Object.entries(ENUMS));

/** Equipment classes: `bess`, `chiller`, … */
export const EQUIPMENT_CLASSES: ReadonlySet<string> = new Set(Object.keys(document.classes));

/**
 * How `unit` becomes the canonical unit `canonical`; undefined when it is not one of its units.
 */
export function conversionTo(canonical: string, unit: string): UnitConversion | undefined {
  if (canonical === unit) return { factor: 1, offset: 0 };
  return CANONICAL_UNITS.get(canonical)?.accepts.get(unit);
}

/**
 * Name in telemetry of a point that is not in the vocabulary: `x-pump-2-duty` in `%` becomes
 * `x_pump_2_duty_pct`.
 */
export function fieldOfExtraPoint(name: string, unit: string | undefined): string {
  const snake = name.replaceAll(/[^a-z0-9]+/g, "_");
  return snake + (unit === undefined ? "" : (CANONICAL_UNITS.get(unit)?.fieldSuffix ?? ""));
}

function canonicalPoint(point: DocumentPoint): CanonicalPoint {
  const [low, high] = point.range ?? [];
  return {
    id: point.id,
    title: point.title,
    unit: point.unit ?? undefined,
    type: point.type as CanonicalPoint["type"],
    access: point.access as CanonicalPoint["access"],
    enumName: point.enum,
    range: typeof low === "number" && typeof high === "number" ? [low, high] : undefined,
    classes: new Map(Object.entries(point.classes)) as ReadonlyMap<string, Requirement>,
    telemetryField: point.telemetryField,
    signed: point.sign !== undefined,
    madeByGateway: point.madeBy !== undefined,
  };
}

function canonicalUnit(unit: DocumentUnit): CanonicalUnit {
  return {
    id: unit.id,
    quantity: unit.quantity,
    fieldSuffix: unit.fieldSuffix,
    accepts: new Map(
      Object.entries(unit.accepts).map(([name, { factor = 1, offset = 0 }]) => [
        name,
        { factor, offset },
      ]),
    ),
  };
}
