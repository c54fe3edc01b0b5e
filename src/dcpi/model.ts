import type { PointDefinition, PointTable } from "../domain/point.ts";
import { DCPI_VERSION, encodeDocument, type JsonObject, type Speaker } from "./document.ts";
import type { TelemetryForm } from "./telemetry.ts";

/** Dialects that a command may be written in, with the only version of each. */
export const DIALECTS = { dcpi_version: ["1.0"], PSWD_version: ["1.0"] } as const;

export interface ModelFacts {
  readonly speaker: Speaker;
  /** Version of the gateway's software. */
  readonly version: string;
  readonly telemetry: TelemetryForm;
  /** What this gateway can do, as kebab-case words: `telemetry`, `battery-control`. */
  readonly features: readonly string[];
}

export interface Model {
  /** Names the model in every telemetry message. */
  readonly hash: string;
  readonly bytes: Uint8Array;
}

/** Letters of the hash that telemetry carries: enough to tell two models of one site apart. */
const HASH_LETTERS = 16;

/**
 * The retained document of topic `model`: everything that a consumer has to know to read the
 * telemetry. Points stand in the order of the columns form.
 *
 * @param hashOf lower-case hex digest of a text; what it says of the model becomes its name
 */
export function modelDocument(
  table: PointTable,
  facts: ModelFacts,
  hashOf: (text: string) => string,
): Model {
  const body: JsonObject = {
    dcpi_version: DCPI_VERSION,
    message_type: "model",
    facility_id: facts.speaker.facility,
    gateway_id: facts.speaker.gateway,
    gateway_version: facts.version,
    dialects: DIALECTS,
    features: [...facts.features].sort(),
    telemetry: facts.telemetry,
    devices: table.devices.map((device) => ({
      id: device.id,
      class: device.deviceClass,
      profile: device.profile,
      points: table.points
        .slice(device.firstPoint, device.firstPoint + device.pointCount)
        .map(pointFacts),
    })),
  };
  const hash = hashOf(JSON.stringify(body)).slice(0, HASH_LETTERS);
  return { hash, bytes: encodeDocument({ model_hash: hash, ...body }) };
}

function pointFacts(point: PointDefinition): JsonObject {
  return {
    name: point.name,
    field: point.field,
    type: point.type,
    ...(point.unit === undefined ? {} : { unit: point.unit }),
    ...(point.texts === undefined ? {} : { texts: point.texts }),
    ...(point.range === undefined ? {} : { range: [...point.range] }),
    ...(point.writable ? { writable: true } : {}),
  };
}
