import { Type } from "@sinclair/typebox";
import type { Static } from "@sinclair/typebox";
import { COUNT, DURATION_MS, NAME_PATTERN, TEXT, oneOf, strict } from "./schema-point.ts";

/** What makes a report block tell something, as profiles name it. */
export const REPORT_TRIGGERS = ["data-change", "quality-change", "data-update"] as const;

/** Where a command comes from, in the order of `orCat`. @see IEC 61850-7-3, section 6.8 */
export const ORIGIN_CATEGORIES = [
  "not-supported",
  "bay-control",
  "station-control",
  "remote-control",
  "automatic-bay",
  "automatic-station",
  "automatic-remote",
  "maintenance",
  "process",
] as const;

const REPORT = strict("a report plan", {
  name: Type.String({ pattern: NAME_PATTERN }),
  /** Points of this group come by these reports; its period is the integrity period. */
  group: TEXT,
  /** `LLN0.urcbMeas`, without the number of the instance. */
  block: TEXT,
  buffered: Type.Optional(Type.Boolean()),
  /** Numbers of the instances as the device writes them; none: the block has no instances. */
  instances: Type.Optional(
    Type.Array(Type.String({ pattern: "^[0-9]{1,3}$" }), { minItems: 1, maxItems: 99 }),
  ),
  /** `LLN0.dsMeas`; without it the data set that the block has. */
  dataSet: Type.Optional(TEXT),
  triggers: Type.Optional(Type.Array(oneOf(REPORT_TRIGGERS), { minItems: 1 })),
  bufferMs: Type.Optional(DURATION_MS),
  reserveS: Type.Optional(Type.Integer({ minimum: 0, maximum: 32_767 })),
  interrogate: Type.Optional(Type.Boolean()),
});

/** The section `iec61850` of a profile. */
export const IEC61850 = strict("IEC 61850 facts", {
  edition: Type.Optional(TEXT),
  /** Logical device of every reference that names none: `DCPIBESS1`, or with a parameter. */
  root: TEXT,
  reports: Type.Optional(Type.Array(REPORT, { maxItems: 64 })),
  originator: Type.Optional(
    strict("an originator", {
      category: oneOf(ORIGIN_CATEGORIES),
      identification: Type.Optional(Type.String({ maxLength: 64 })),
    }),
  ),
  /** A variable for the probe of the link, where the device has no status service. */
  probe: Type.Optional(TEXT),
  pduOctets: Type.Optional(Type.Integer({ minimum: 128, maximum: 65_000 })),
  outstanding: Type.Optional(Type.Integer({ minimum: 1, maximum: 64 })),
  connectTimeoutMs: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  requestTimeoutMs: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  probePeriodMs: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  terminationTimeoutMs: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  minimumPeriodMs: Type.Optional(DURATION_MS),
  maxAssociations: Type.Optional(COUNT),
});

export type Iec61850Section = Static<typeof IEC61850>;
export type ReportLine = Static<typeof REPORT>;
